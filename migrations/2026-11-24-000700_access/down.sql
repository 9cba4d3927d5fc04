DROP TABLE auth.site_secret, auth.signing_keys, auth.throttles, auth.api_keys, auth.outbox,
    auth.one_time_tokens, auth.refresh_tokens;
DROP INDEX auth.sessions_ended_idx;
ALTER TABLE auth.sessions DROP COLUMN network, DROP COLUMN refreshed_at;
ALTER TABLE changes DROP CONSTRAINT changes_actor_kind_check;
DELETE FROM changes WHERE actor_kind = 'api_key';
ALTER TABLE changes ADD CONSTRAINT changes_actor_kind_check
    CHECK (actor_kind IN ('member', 'visitor', 'system'));
DROP INDEX members_role_idx;
ALTER TABLE members DROP COLUMN locale;
