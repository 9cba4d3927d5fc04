-- The change log: one line for every change, written in the change's own transaction.
-- Readers that must never skip a line take only rows whose xid is below
-- pg_snapshot_xmin(pg_current_snapshot()), in (xid, seq) order: seq alone is
-- handed out before commit, so a slower transaction could appear behind it.
CREATE TABLE changes (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at         timestamptz NOT NULL DEFAULT now(),
    actor_kind text        NOT NULL CHECK (actor_kind IN ('member', 'visitor', 'system')),
    actor_id   uuid,
    action     text        NOT NULL,
    entity     text        NOT NULL,
    entity_id  uuid        NOT NULL,
    fields     text[]      NOT NULL DEFAULT '{}',
    request_id text
);

CREATE INDEX changes_order_idx ON changes (xid, seq);
CREATE INDEX changes_entity_idx ON changes (entity, entity_id, seq DESC);
CREATE INDEX changes_actor_idx ON changes (actor_id, seq DESC);
CREATE INDEX changes_at_idx ON changes (at DESC, seq DESC);
