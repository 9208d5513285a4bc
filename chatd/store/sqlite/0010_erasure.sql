-- Users whose traces are being taken away; see `chatd.store.sqlite.erasing`.
--
-- There is no index by user: a stage goes through one table by its key, and what is
-- at or below `room` and `at` is done.
CREATE TABLE erasure (
  user_id   INTEGER PRIMARY KEY REFERENCES user (id),
  name      TEXT NOT NULL UNIQUE,        -- which he had, and which stays taken
  stage     TEXT NOT NULL,
  room      INTEGER NOT NULL DEFAULT 0,
  at        INTEGER NOT NULL DEFAULT 0,
  messages  INTEGER NOT NULL DEFAULT 0,  -- how many were emptied
  reactions INTEGER NOT NULL DEFAULT 0,
  by_hand   INTEGER NOT NULL             -- the command line does it, not the daemon
) STRICT;
