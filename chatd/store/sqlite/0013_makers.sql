-- Who made a room: how many each has made is limited, and where nobody has said anything
-- in a room and nobody is there any more, it ends, and its name is kept for its maker.

ALTER TABLE room ADD COLUMN maker_id INTEGER REFERENCES user (id);  -- NULL: not known,
                                       -- the configuration, or a room that was deleted
UPDATE room SET maker_id = coalesce(
  (SELECT c.user_id FROM creation c WHERE c.room_id = room.id LIMIT 1),
  (SELECT e.user_id FROM event e
   WHERE e.room_id = room.id AND e.seq = 1 AND e.kind = 'member' AND e.change = 'join'),
  (SELECT m.user_id FROM member m WHERE m.room_id = room.id AND m.role = 'owner' LIMIT 1))
WHERE ended IS NULL AND substr(name, 1, 1) <> '@';
CREATE INDEX room_maker ON room (maker_id) WHERE maker_id IS NOT NULL;
