-- The search index no longer knows how many words each message has: nobody asks (what is
-- found goes by its number), and it was a page to write for each message that is removed.
-- What there is stays: only that table goes.

CREATE VIRTUAL TABLE message_fts_small USING fts5 (
  text, tags, content = 'message_indexed', content_rowid = 'id', tokenize = 'ascii',
  columnsize = 0
);
DELETE FROM message_fts_small_data;
INSERT INTO message_fts_small_data SELECT * FROM message_fts_data;
DELETE FROM message_fts_small_idx;
INSERT INTO message_fts_small_idx SELECT * FROM message_fts_idx;
DELETE FROM message_fts_small_config;
INSERT INTO message_fts_small_config SELECT * FROM message_fts_config;
DROP TABLE message_fts;
ALTER TABLE message_fts_small RENAME TO message_fts;
