-- A ban of a guest holds for the address that he came from, too, for a time. What is
-- kept of an address is a digest, made with the store's id as its key.

-- From where a guest came last. It is forgotten a while after he has gone.
CREATE TABLE guest_address (
  user_id INTEGER PRIMARY KEY REFERENCES user (id),
  address BLOB NOT NULL,
  gone    INTEGER                        -- when his session ended; NULL: it has not
) STRICT;
CREATE INDEX guest_address_gone ON guest_address (gone) WHERE gone IS NOT NULL;

CREATE TABLE address_ban (
  room_id INTEGER NOT NULL,              -- 0: the server
  user_id INTEGER NOT NULL REFERENCES user (id),
  address BLOB NOT NULL,
  at      INTEGER NOT NULL,
  until   INTEGER,                       -- the user's own; NULL: for good
  reason  TEXT,
  PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX address_ban_user ON address_ban (user_id);
CREATE INDEX address_ban_at ON address_ban (at);
CREATE INDEX address_ban_until ON address_ban (until) WHERE until IS NOT NULL;
