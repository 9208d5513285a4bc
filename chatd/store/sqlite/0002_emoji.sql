-- One emoji is one reaction: each is kept in its fully qualified form. `qualified`
-- is a function of ours. Where somebody has put two forms of one emoji on a message,
-- the later event says what is so now, as it does in a replay.

UPDATE event SET emoji = qualified(emoji) WHERE emoji <> qualified(emoji);

CREATE TEMP TABLE unqualified AS SELECT * FROM reaction WHERE emoji <> qualified(emoji);
DELETE FROM reaction WHERE emoji <> qualified(emoji);
INSERT INTO reaction (room_id, of, emoji, user_id, seq, is_on, hidden)
SELECT room_id, of, qualified(emoji), user_id, seq, is_on, hidden FROM unqualified
WHERE true
ON CONFLICT DO UPDATE
SET seq = excluded.seq, is_on = excluded.is_on, hidden = excluded.hidden
WHERE excluded.seq > reaction.seq;
DROP TABLE unqualified;
