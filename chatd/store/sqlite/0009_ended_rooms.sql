-- Rooms that are no more. The row stays, so that the name is not given out again and
-- its cids are found; what was said there goes in small steps (`purge`).

ALTER TABLE room ADD COLUMN ended INTEGER;       -- when; NULL: it is there
CREATE INDEX room_there ON room (name) WHERE ended IS NULL;

CREATE TABLE purge (
  room_id INTEGER PRIMARY KEY REFERENCES room (id),
  due     INTEGER NOT NULL                       -- not before
) STRICT;
CREATE INDEX purge_due ON purge (due);
CREATE INDEX creation_room ON creation (room_id);
