-- Every look-up costs what it returns, whatever there has been.

-- A reaction that nobody sees has no row. In a direct conversation its user and the
-- other one may see it differently: what was hidden changed nothing for the other.
CREATE TABLE reaction_now (
  room_id INTEGER NOT NULL,
  of      INTEGER NOT NULL,
  emoji   TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES user (id),
  seq     INTEGER NOT NULL,              -- of the last event
  is_on   INTEGER NOT NULL,              -- for its user, as that event says
  seen    INTEGER,                       -- the event that put it for others; NULL: none
  PRIMARY KEY (room_id, of, emoji, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO reaction_now (room_id, of, emoji, user_id, seq, is_on, seen)
SELECT room_id, of, emoji, user_id, seq, is_on, seq FROM reaction
WHERE is_on AND NOT hidden;
INSERT INTO reaction_now (room_id, of, emoji, user_id, seq, is_on, seen)
SELECT x.room_id, x.of, x.emoji, x.user_id, x.seq, x.is_on, iif(e.is_on, e.seq, NULL)
FROM reaction x LEFT JOIN (
  SELECT room_id, of, emoji, user_id, is_on, max(seq) AS seq FROM event
  WHERE kind = 'react' AND emoji IS NOT NULL AND NOT hidden
  AND room_id IN (SELECT room_id FROM reaction WHERE hidden)
  GROUP BY room_id, of, emoji, user_id
) e USING (room_id, of, emoji, user_id)
WHERE x.hidden AND (x.is_on OR e.is_on);
DROP TABLE reaction;
ALTER TABLE reaction_now RENAME TO reaction;

-- What can be unread: not what was deleted, nor what is hidden.
CREATE INDEX message_unread ON message (room_id, seq, user_id)
WHERE text IS NOT NULL AND NOT hidden;

CREATE INDEX member_owner ON member (room_id) WHERE role = 'owner';
CREATE INDEX invite_sender ON invite (sender_id);
CREATE INDEX block_blocked ON block (blocked_id);
CREATE INDEX token_user ON token (user_id);
CREATE INDEX session_token ON session (token) WHERE token IS NOT NULL;
