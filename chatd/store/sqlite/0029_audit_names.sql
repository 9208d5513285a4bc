-- What was done in a room is found by what it was called then, whatever became of it.
CREATE INDEX audit_called ON audit (room, id) WHERE room IS NOT NULL;
