-- Names that rooms had before: each leads to its room for ever, and is not given out.

CREATE TABLE former_name (
  name     TEXT PRIMARY KEY,
  skeleton TEXT,                         -- what it looks like
  room_id  INTEGER NOT NULL REFERENCES room (id),
  seq      INTEGER NOT NULL              -- of the event that gave the room another
) STRICT, WITHOUT ROWID;
CREATE INDEX former_name_skeleton ON former_name (skeleton);
CREATE INDEX former_name_room ON former_name (room_id);
