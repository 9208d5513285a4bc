-- A clock may be wrong for a while: what is certain about the time is written down.

ALTER TABLE store ADD COLUMN certain INTEGER;  -- NULL: nothing yet

-- Where a room's stamps go back, since the clock was put back.
CREATE TABLE dent (
  room_id INTEGER NOT NULL REFERENCES room (id),
  seq     INTEGER NOT NULL,              -- of the first event after that
  is_sure INTEGER NOT NULL,              -- whether its stamp was certain
  PRIMARY KEY (room_id, seq)
) STRICT, WITHOUT ROWID;
