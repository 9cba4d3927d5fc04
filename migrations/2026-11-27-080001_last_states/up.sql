-- The first schema with webhooks called the table webhook_told.
ALTER TABLE IF EXISTS webhook_told RENAME TO webhook_last_states;
ALTER INDEX IF EXISTS webhook_told_at_idx RENAME TO webhook_last_states_at_idx;
