-- A start, and what comes into memory later, cost what they return: not what there is.

-- How many members a room has. Two triggers keep it, whoever comes and goes. A user who
-- was erased is no member; his rows go before he is, and what a daemon that had not
-- heard of it writes later does not count.
ALTER TABLE room ADD COLUMN members INTEGER NOT NULL DEFAULT 0;
UPDATE room SET members = (
  SELECT count(*) FROM member m JOIN user u ON u.id = m.user_id
  WHERE m.room_id = room.id AND u.erased IS NULL);

-- Whether there was a message when the last member left, and still is.
ALTER TABLE room ADD COLUMN spoken INTEGER NOT NULL DEFAULT 0;
UPDATE room SET spoken = EXISTS (SELECT 1 FROM message m WHERE m.room_id = room.id)
WHERE members = 0 AND ended IS NULL;

-- Rooms that nobody may need: private ones that nobody is in, and public ones that
-- somebody has made and nobody has written in.
CREATE INDEX room_left ON room (name)
WHERE members = 0 AND ended IS NULL AND NOT spoken AND maker_id IS NOT NULL
AND substr(name, 1, 1) NOT IN ('@', '~');
CREATE INDEX room_left_private ON room (name)
WHERE members = 0 AND ended IS NULL AND substr(name, 1, 1) = '~';

-- Rooms that forget their beginning.
CREATE INDEX room_trims ON room (name)
WHERE ended IS NULL
AND (settings ->> 'keep_days' > 0 OR settings ->> 'keep_messages' > 0);

-- What somebody has made, and what of it is there.
DROP INDEX room_maker;
CREATE INDEX room_made ON room (maker_id, name)
WHERE maker_id IS NOT NULL AND ended IS NULL;

-- Guests who have a session, or who were put somewhere when it had ended: those of whom
-- something may have to go. Three triggers add them, and one takes out who is none.
CREATE TABLE guest (
  user_id INTEGER PRIMARY KEY REFERENCES user (id)
) STRICT;
INSERT INTO guest (user_id)
SELECT user_id FROM session UNION SELECT user_id FROM member
UNION SELECT user_id FROM invite;
DELETE FROM guest WHERE (SELECT role FROM user WHERE id = user_id) <> 'guest';

CREATE TRIGGER member_comes AFTER INSERT ON member
BEGIN
  UPDATE room SET members = members + 1 WHERE id = new.room_id
  AND (SELECT erased FROM user WHERE id = new.user_id) IS NULL;
  INSERT OR IGNORE INTO guest (user_id)
  SELECT id FROM user WHERE id = new.user_id AND role = 'guest';
END;
CREATE TRIGGER member_goes AFTER DELETE ON member
WHEN (SELECT erased FROM user WHERE id = old.user_id) IS NULL
BEGIN
  UPDATE room SET members = members - 1 WHERE id = old.room_id;
  UPDATE room SET spoken = EXISTS (SELECT 1 FROM message m WHERE m.room_id = room.id)
  WHERE id = old.room_id AND members = 0;
END;
CREATE TRIGGER guest_becomes AFTER UPDATE OF role ON user
WHEN old.role = 'guest'
BEGIN
  DELETE FROM guest WHERE user_id = new.id;
END;
CREATE TRIGGER session_comes AFTER INSERT ON session
BEGIN
  INSERT OR IGNORE INTO guest (user_id)
  SELECT id FROM user WHERE id = new.user_id AND role = 'guest';
END;
CREATE TRIGGER invite_comes AFTER INSERT ON invite
BEGIN
  INSERT OR IGNORE INTO guest (user_id)
  SELECT id FROM user WHERE id = new.user_id AND role = 'guest';
END;

-- What a start takes away is found by when it ends.
CREATE INDEX session_idle ON session (idle_since);
CREATE INDEX sanction_until ON sanction (until) WHERE until IS NOT NULL;
CREATE INDEX invite_open ON invite (ts) WHERE closed_until IS NULL;
CREATE INDEX invite_closed ON invite (closed_until) WHERE closed_until IS NOT NULL;
DROP INDEX guest_address_gone;
CREATE INDEX guest_address_gone ON guest_address (gone);
