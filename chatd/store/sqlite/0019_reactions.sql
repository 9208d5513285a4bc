-- A message with any number of reactions is shown at the cost of what is shown of them.

-- How many rows `reaction` has of one emoji on one message; none where there are none.
CREATE TABLE reacted (
  room_id INTEGER NOT NULL REFERENCES room (id),
  of      INTEGER NOT NULL,
  emoji   TEXT NOT NULL,
  users   INTEGER NOT NULL,
  PRIMARY KEY (room_id, of, emoji)
) STRICT, WITHOUT ROWID;
INSERT INTO reacted (room_id, of, emoji, users)
SELECT room_id, of, emoji, count(*) FROM reaction GROUP BY room_id, of, emoji;

-- In the order in which they were put.
CREATE INDEX reaction_first ON reaction (room_id, of, emoji, seq);
