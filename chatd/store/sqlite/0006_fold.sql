-- The index has folded words, which are found whatever script they are of; see
-- chatd.words. It is made anew: what there was knew other words.

ALTER TABLE store ADD COLUMN fold TEXT NOT NULL DEFAULT '';  -- what made the index
UPDATE store SET indexed = 0;

DROP TABLE message_fts;
DROP VIEW message_indexed;

-- `folded` is a function of ours: the words of a text. FTS5's 'integrity-check'
-- compares the index with this view.
CREATE VIEW message_indexed AS
SELECT id, folded(text) AS text, 'r' || room_id || ' u' || user_id AS tags
FROM message
WHERE text IS NOT NULL AND id <= (SELECT indexed FROM store);

-- For `ascii`, whatever is not ASCII is a letter: words are taken as they are given.
CREATE VIRTUAL TABLE message_fts USING fts5 (
  text, tags, content = 'message_indexed', content_rowid = 'id', tokenize = 'ascii'
);
INSERT INTO message_fts (message_fts, rank) VALUES ('secure-delete', 1);
