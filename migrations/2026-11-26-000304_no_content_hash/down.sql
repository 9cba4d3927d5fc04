ALTER TABLE articles ADD COLUMN content_hash bytea NOT NULL DEFAULT '';
ALTER TABLE articles ALTER COLUMN content_hash DROP DEFAULT;
