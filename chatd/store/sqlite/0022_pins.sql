-- Messages that are pinned to their rooms, and those that people keep for themselves.

-- `seq` is the event that has pinned it. `user_id` is 0: everybody sees the pin. In a
-- direct conversation each of the two has rows of his own, since what the one does may
-- be hidden from the other. An event that tells of a pin is of the kind `room`, with
-- the change `pin`.
CREATE TABLE pin (
  user_id INTEGER NOT NULL,
  room_id INTEGER NOT NULL REFERENCES room (id),
  seq     INTEGER NOT NULL,
  of      INTEGER NOT NULL,
  PRIMARY KEY (user_id, room_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_of ON pin (room_id, of);

-- They rise by `id`. A trigger takes away those of whoever leaves a room.
CREATE TABLE bookmark (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES user (id),
  room_id INTEGER NOT NULL REFERENCES room (id),
  of      INTEGER NOT NULL
) STRICT;
CREATE INDEX bookmark_user ON bookmark (user_id);
CREATE UNIQUE INDEX bookmark_of ON bookmark (room_id, of, user_id);
CREATE INDEX bookmark_member ON bookmark (room_id, user_id);
CREATE TRIGGER bookmark_goes AFTER DELETE ON member
BEGIN
  DELETE FROM bookmark WHERE room_id = old.room_id AND user_id = old.user_id;
END;
