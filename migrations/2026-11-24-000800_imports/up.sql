-- A digest of the imported row that an article stands as: the same row again
-- needs no second look. Every other change clears it.
ALTER TABLE articles ADD COLUMN source_hash bytea;

-- Notices are imported again and again as well.
ALTER TABLE notices ADD COLUMN external_id text COLLATE "C";
ALTER TABLE notices ADD CONSTRAINT notices_external_id_key UNIQUE (external_id);
