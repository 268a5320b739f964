-- Where whoever needs only the present of a run begins to read its journal: the seq of the newest entry that holds all that
-- those before it came to, 0 for none.
ALTER TABLE run ADD COLUMN snapshot INTEGER NOT NULL DEFAULT 0;
