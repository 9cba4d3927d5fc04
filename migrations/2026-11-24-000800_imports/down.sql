ALTER TABLE notices DROP COLUMN external_id;
ALTER TABLE articles DROP COLUMN source_hash;
