-- What stands between messages in a page of history: who came and went, what moderators
-- did, who changed settings. Not what is worked into messages: edits, deletions,
-- reactions, pins.
CREATE INDEX event_happened ON event (room_id, seq)
WHERE kind IN ('member', 'room') AND ifnull(change, '') <> 'pin';
