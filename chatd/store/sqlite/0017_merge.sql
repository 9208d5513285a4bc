-- What many removals leave in the search index goes by merging it, later and in steps.

ALTER TABLE store ADD COLUMN merge_due INTEGER;               -- NULL: nothing to do
ALTER TABLE store ADD COLUMN merging INTEGER NOT NULL DEFAULT 0;  -- begun, not done
