-- Threads: replies that belong to one message, beside the room.

-- The first message of the thread that a message is in; NULL: it is in none.
ALTER TABLE message ADD COLUMN thread INTEGER;

-- What is unread, and how much of that is in threads.
DROP INDEX message_unread;
CREATE INDEX message_unread
ON message (room_id, seq, user_id, hidden, text IS NOT NULL, thread)
WHERE text IS NOT NULL AND NOT hidden;

-- What is in a thread: all of it, what counts, and what only its author sees.
CREATE INDEX message_thread ON message (room_id, thread, seq) WHERE thread IS NOT NULL;
CREATE INDEX message_thread_seen
ON message (room_id, thread, seq, user_id, hidden, text IS NOT NULL)
WHERE thread IS NOT NULL AND text IS NOT NULL AND NOT hidden;
CREATE INDEX message_thread_hidden
ON message (room_id, thread, user_id, seq, hidden, text IS NOT NULL)
WHERE thread IS NOT NULL AND text IS NOT NULL AND hidden;

-- A row while the first message of the thread is kept. What was deleted, and what is
-- hidden, does not count.
CREATE TABLE thread (
  room_id INTEGER NOT NULL REFERENCES room (id),
  root    INTEGER NOT NULL,
  replies INTEGER NOT NULL,
  newest  INTEGER NOT NULL,              -- of these; 0: there is none
  PRIMARY KEY (room_id, root)
) STRICT, WITHOUT ROWID;

-- Who has replies in it.
CREATE TABLE thread_writer (
  room_id INTEGER NOT NULL REFERENCES room (id),
  root    INTEGER NOT NULL,
  user_id INTEGER NOT NULL REFERENCES user (id),
  written INTEGER NOT NULL,              -- what was not deleted
  shown   INTEGER NOT NULL,              -- what of that is not hidden
  since   INTEGER NOT NULL,              -- the first of them
  PRIMARY KEY (room_id, root, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_writer_first ON thread_writer (room_id, root, since);

-- Who follows it, and who has said that he does not.
CREATE TABLE thread_follower (
  room_id   INTEGER NOT NULL REFERENCES room (id),
  root      INTEGER NOT NULL,
  user_id   INTEGER NOT NULL REFERENCES user (id),
  is_on     INTEGER NOT NULL,
  read      INTEGER NOT NULL,            -- up to which seq he has read it
  is_unread INTEGER NOT NULL,            -- whether it is on, and `newest` is behind that
  at        INTEGER NOT NULL,            -- a message.id of the thread: what changed it last
  PRIMARY KEY (room_id, root, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_follower_read ON thread_follower (room_id, root)
WHERE is_on AND NOT is_unread;
CREATE INDEX thread_follower_user ON thread_follower (user_id, is_on, at);
CREATE INDEX thread_follower_unread ON thread_follower (user_id, at) WHERE is_unread;
