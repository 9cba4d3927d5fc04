DROP INDEX notices_expires_at_idx;
DROP INDEX notices_published_at_idx;
