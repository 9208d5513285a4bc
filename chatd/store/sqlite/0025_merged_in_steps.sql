-- What is written to the search index is merged in steps of our own. FTS5 goes on with
-- what was begun by itself, so nobody has to remember that.

INSERT INTO message_fts (message_fts, rank) VALUES ('automerge', 0);
INSERT INTO message_fts (message_fts, rank) VALUES ('usermerge', 8);  -- pieces of a size
ALTER TABLE store DROP COLUMN merging;
