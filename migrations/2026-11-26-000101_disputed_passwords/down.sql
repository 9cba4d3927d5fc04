ALTER TABLE auth.outbox DROP COLUMN member_id;
ALTER TABLE auth.passwords DROP COLUMN disputed;
