-- The language of the sentences in a stored answer; NULL if it has none.
ALTER TABLE idempotency_keys ADD COLUMN language text;
