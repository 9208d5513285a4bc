-- What the place is called, as an administrator has said.

ALTER TABLE store ADD COLUMN place TEXT;  -- NULL: nobody has
