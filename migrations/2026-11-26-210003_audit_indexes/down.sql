CREATE INDEX changes_actor_idx ON changes (actor_id, seq DESC);
CREATE INDEX changes_entity_idx ON changes (entity, entity_id, seq DESC);
DROP INDEX changes_actor_at_idx;
DROP INDEX changes_action_idx;
DROP INDEX changes_entity_id_idx;
DROP INDEX changes_entity_at_idx;
