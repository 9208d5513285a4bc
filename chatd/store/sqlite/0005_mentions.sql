-- A mention may come with an edit, and go with one, and is told once. So `seq`, which
-- is compared with what somebody has read, is that of what named him first, and a
-- mention that was taken out stays as one that is not on.

CREATE TEMP TABLE mention_before AS SELECT room_id, user_id, seq FROM mention;
DROP TABLE mention;
CREATE TABLE mention (
  room_id INTEGER NOT NULL REFERENCES room (id),
  user_id INTEGER NOT NULL,              -- 0: everybody
  seq     INTEGER NOT NULL,              -- the message's, or that of the edit
  of      INTEGER NOT NULL,              -- the message
  is_on   INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id, is_on, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO mention (room_id, user_id, seq, of, is_on)
SELECT room_id, user_id, seq, seq, 1 FROM mention_before;
DROP TABLE mention_before;
CREATE INDEX mention_of ON mention (room_id, of, is_on, user_id);

-- Whom the text names and does not reach, as the first answer said: a JSON list of
-- the ids of users. NULL: nobody.
ALTER TABLE cid ADD COLUMN unreached TEXT;
