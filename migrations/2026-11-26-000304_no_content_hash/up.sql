-- It was written, and read by nobody.
ALTER TABLE articles DROP COLUMN content_hash;
