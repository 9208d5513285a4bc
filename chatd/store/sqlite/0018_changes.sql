-- The log of what others than the daemon's writer have changed, for those who have it in
-- memory. The writer's own commits are answered with their changes and are not here.

-- One change, as versions before 0027 wrote it. A position never comes back.
CREATE TABLE change (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  kind     TEXT NOT NULL,
  body     TEXT NOT NULL                 -- JSON
) STRICT;

-- Who reads it, and up to where he has taken it; what all have taken goes.
CREATE TABLE reader (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is here was for a daemon that has ended; the next one has it in its snapshot.
DROP TABLE revision;
