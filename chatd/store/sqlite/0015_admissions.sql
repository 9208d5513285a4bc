-- How people are let in: invitations to the server, the first administrator, and links
-- to one's other device. Of each secret there is a digest.

-- The id is what people name an invitation by; it never comes back.
CREATE TABLE invitation (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  digest   BLOB NOT NULL UNIQUE,
  maker_id INTEGER REFERENCES user (id),  -- NULL: the operator
  room_id  INTEGER REFERENCES room (id),  -- in which one is then; NULL: in none
  role     TEXT NOT NULL,
  uses     INTEGER NOT NULL,
  used     INTEGER NOT NULL DEFAULT 0,
  created  INTEGER NOT NULL,
  expires  INTEGER NOT NULL
) STRICT;
CREATE INDEX invitation_maker ON invitation (maker_id) WHERE maker_id IS NOT NULL;
CREATE INDEX invitation_room ON invitation (room_id) WHERE room_id IS NOT NULL;
CREATE INDEX invitation_expires ON invitation (expires);

-- Who came by one, in their order.
CREATE TABLE invitation_use (
  invitation_id INTEGER NOT NULL REFERENCES invitation (id),
  number        INTEGER NOT NULL,
  user_id       INTEGER NOT NULL REFERENCES user (id),
  at            INTEGER NOT NULL,
  PRIMARY KEY (invitation_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitation_use_user ON invitation_use (user_id);

-- By what the first administrator comes, as long as there is none.
ALTER TABLE store ADD COLUMN setup BLOB;
CREATE INDEX user_admin ON user (id) WHERE role = 'admin';

-- By what a session is opened beside one, once.
ALTER TABLE session ADD COLUMN link BLOB;
ALTER TABLE session ADD COLUMN link_until INTEGER;
CREATE UNIQUE INDEX session_link ON session (link) WHERE link IS NOT NULL;
