-- An invitation that has ended keeps the next one away for a time.

ALTER TABLE invite ADD COLUMN closed_until INTEGER;  -- NULL: it is open
