-- Nobody but the daemon writes any more, or the same code while none runs: there is no log
-- of what others have changed, no reader of it, and no erasure that is not the daemon's.
DROP TABLE change;
DROP TABLE reader;
ALTER TABLE erasure DROP COLUMN by_hand;
