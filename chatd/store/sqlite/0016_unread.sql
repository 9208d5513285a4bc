-- What is unread is counted in one index, which has all that is asked: a count that
-- has to look into messages, which lie far apart, takes twenty times as long.

DROP INDEX message_unread;
CREATE INDEX message_unread ON message (room_id, seq, user_id, hidden, text IS NOT NULL)
WHERE text IS NOT NULL AND NOT hidden;
