-- Sessions that people tell from each other, and end one by one.

ALTER TABLE session ADD COLUMN device TEXT;    -- what the client calls itself
ALTER TABLE revision ADD COLUMN session BLOB;  -- that it is about; NULL: all
