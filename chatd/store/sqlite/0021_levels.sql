-- What a member wants to be called for: 'all', 'mentions' or 'nothing'.

ALTER TABLE member ADD COLUMN level TEXT NOT NULL DEFAULT 'all';
