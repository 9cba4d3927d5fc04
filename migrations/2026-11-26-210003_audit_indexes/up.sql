-- The audit trail is listed by time, then by seq: each filter, and a span of time beside it, is a range of one index.
CREATE INDEX changes_entity_at_idx ON changes (entity, at, seq);
CREATE INDEX changes_entity_id_idx ON changes (entity_id, at, seq);
CREATE INDEX changes_action_idx ON changes (action, at, seq);
CREATE INDEX changes_actor_at_idx ON changes (actor_id, at, seq);
DROP INDEX changes_entity_idx, changes_actor_idx;
