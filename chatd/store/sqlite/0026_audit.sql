-- Who has moderated whom, and what the operator has done: for his eyes, for a year.
-- `room` is what it was called then; the room itself may be no more.
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  ts      INTEGER NOT NULL,
  by_id   INTEGER NOT NULL REFERENCES user (id),
  what    TEXT NOT NULL,
  user_id INTEGER REFERENCES user (id),
  room_id INTEGER,
  room    TEXT,
  detail  TEXT                           -- JSON: what else there is to say
) STRICT;
CREATE INDEX audit_by ON audit (by_id, id);
CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_room ON audit (room_id, id) WHERE room_id IS NOT NULL;
