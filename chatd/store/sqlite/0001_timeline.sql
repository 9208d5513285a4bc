-- Rooms and their timelines, users, memberships, sessions and tokens.
--
-- A room's timeline is two tables: `message` has what people wrote, `event` all
-- that is no message; together their seq have no hole. A message is kept as it
-- is now: an edit replaces the text, a deletion sets it to NULL.

CREATE TABLE store (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  id         TEXT NOT NULL,
  generation INTEGER NOT NULL,           -- compared with the side file at start
  indexed    INTEGER NOT NULL DEFAULT 0  -- the last message.id in message_fts
) STRICT;

CREATE TABLE user (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,    -- for ever: rows are never removed
  skeleton      TEXT,                    -- what it looks like; NULL: a guest's
  display       TEXT NOT NULL,
  role          TEXT NOT NULL,
  password_hash TEXT,
  banned_at     INTEGER,                 -- from the server; NULL: is not
  banned_until  INTEGER,                 -- NULL: for good
  ban_reason    TEXT,
  erased        TEXT CHECK (erased IN ('begun', 'done')),
  created       INTEGER NOT NULL
) STRICT;
CREATE INDEX user_skeleton ON user (skeleton) WHERE skeleton IS NOT NULL;

CREATE TABLE room (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  skeleton TEXT,                         -- what it looks like; NULL: not public
  epoch    TEXT NOT NULL,
  head     INTEGER NOT NULL DEFAULT 0,
  first    INTEGER NOT NULL DEFAULT 1,
  last_ts  INTEGER NOT NULL DEFAULT 0,
  settings TEXT NOT NULL                 -- JSON: what is not the default
) STRICT;
CREATE INDEX room_skeleton ON room (skeleton) WHERE skeleton IS NOT NULL;

CREATE TABLE member (
  room_id INTEGER NOT NULL REFERENCES room (id),
  user_id INTEGER NOT NULL REFERENCES user (id),
  role    TEXT NOT NULL,
  read    INTEGER NOT NULL,
  first   INTEGER NOT NULL,              -- the lowest seq that the member may read
  PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_user ON member (user_id);

-- Bans and mutes, also of those who are no members. `until` NULL: for good.
CREATE TABLE sanction (
  room_id INTEGER NOT NULL REFERENCES room (id),
  user_id INTEGER NOT NULL REFERENCES user (id),
  kind    TEXT NOT NULL CHECK (kind IN ('ban', 'mute')),
  until   INTEGER,
  reason  TEXT,
  PRIMARY KEY (room_id, user_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX sanction_user ON sanction (user_id);

CREATE TABLE invite (
  room_id   INTEGER NOT NULL REFERENCES room (id),
  user_id   INTEGER NOT NULL REFERENCES user (id),
  sender_id INTEGER NOT NULL REFERENCES user (id),
  ts        INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX invite_user ON invite (user_id);

-- The id never comes back, so that what is behind `store.indexed` stays there.
CREATE TABLE message (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  room_id    INTEGER NOT NULL REFERENCES room (id),
  seq        INTEGER NOT NULL,
  ts         INTEGER NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES user (id),
  reply_to   INTEGER,
  edited_seq INTEGER,                    -- the edit that made the text
  cid        TEXT,
  text       TEXT,                       -- NULL: deleted
  hidden     INTEGER NOT NULL DEFAULT 0, -- from everybody but its author
  UNIQUE (room_id, seq)
) STRICT;

CREATE TABLE event (
  room_id    INTEGER NOT NULL REFERENCES room (id),
  seq        INTEGER NOT NULL,
  ts         INTEGER NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES user (id),
  kind       TEXT NOT NULL CHECK (kind IN ('edit', 'delete', 'react', 'member', 'room')),
  of         INTEGER,                    -- the message it is about
  emoji      TEXT,
  is_on      INTEGER,
  subject_id INTEGER REFERENCES user (id),
  change     TEXT,
  detail     TEXT,                       -- JSON: what else the event says
  hidden     INTEGER NOT NULL DEFAULT 0, -- from everybody but user_id
  PRIMARY KEY (room_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_of ON event (room_id, of) WHERE of IS NOT NULL;

-- What the last `react` event of each user and emoji said, and its seq.
CREATE TABLE reaction (
  room_id INTEGER NOT NULL,
  of      INTEGER NOT NULL,
  emoji   TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES user (id),
  seq     INTEGER NOT NULL,
  is_on   INTEGER NOT NULL,
  hidden  INTEGER NOT NULL,              -- that event's
  PRIMARY KEY (room_id, of, emoji, user_id)
) STRICT, WITHOUT ROWID;

-- Whom a message addresses, until it is deleted.
CREATE TABLE mention (
  room_id INTEGER NOT NULL REFERENCES room (id),
  user_id INTEGER NOT NULL,              -- 0: everybody
  seq     INTEGER NOT NULL,
  PRIMARY KEY (room_id, user_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_seq ON mention (room_id, seq);

-- In a direct conversation what `blocked_id` says is written as hidden.
CREATE TABLE block (
  user_id    INTEGER NOT NULL REFERENCES user (id),
  blocked_id INTEGER NOT NULL REFERENCES user (id),
  PRIMARY KEY (user_id, blocked_id)
) STRICT, WITHOUT ROWID;

-- Rows are in the order of `at`, so the oldest are found without an index.
CREATE TABLE cid (
  id      INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  cid     TEXT NOT NULL,
  digest  BLOB NOT NULL,
  seq     INTEGER NOT NULL,
  ts      INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  UNIQUE (room_id, user_id, cid)
) STRICT;

-- Which room a cid of `create` has made.
CREATE TABLE creation (
  id      INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES user (id),
  cid     TEXT NOT NULL,
  digest  BLOB NOT NULL,
  room_id INTEGER NOT NULL REFERENCES room (id),
  at      INTEGER NOT NULL,
  UNIQUE (user_id, cid)
) STRICT;

CREATE TABLE session (
  id         BLOB PRIMARY KEY,
  user_id    INTEGER NOT NULL REFERENCES user (id),
  token      BLOB,                       -- of our own that it depends on
  created    INTEGER NOT NULL,
  idle_since INTEGER,                    -- NULL while it has a connection
  expires    INTEGER,                    -- with an outside issuer's token, and
  scope      TEXT                        -- what that allows; NULL: everything
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user_id);

-- The id is what people name a token by; it never comes back.
CREATE TABLE token (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  digest  BLOB NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES user (id),
  name    TEXT NOT NULL,                 -- what it is for
  scope   TEXT,                          -- JSON; NULL: everything
  created INTEGER NOT NULL,
  expires INTEGER
) STRICT;

-- What the command line has changed and a running daemon has not taken yet.
CREATE TABLE revision (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  kind  TEXT NOT NULL,
  user  TEXT NOT NULL,
  token BLOB
) STRICT;

-- What the search index has: filled behind the commits up to `store.indexed`.
-- Edits and deletions of what is in it change it in their own transaction, with
-- the old text; FTS5's 'integrity-check' compares it with this view. `spaced` is
-- a function of ours: it puts spaces into what is written without them.
CREATE VIEW message_indexed AS
SELECT id, spaced(text) AS text, 'r' || room_id || ' u' || user_id AS tags
FROM message
WHERE text IS NOT NULL AND id <= (SELECT indexed FROM store);

-- The room and the author are words beside the text: few rooms' messages, or one
-- user's, are then found without looking at everybody else's.
CREATE VIRTUAL TABLE message_fts USING fts5 (
  text, tags, content = 'message_indexed', content_rowid = 'id',
  tokenize = 'unicode61 remove_diacritics 2'
);
-- A removed word leaves the index itself, not only its results.
INSERT INTO message_fts (message_fts, rank) VALUES ('secure-delete', 1);
