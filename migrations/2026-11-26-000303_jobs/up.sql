-- Long work that is done in steps, each in its own transaction.
CREATE TABLE jobs (
    id         uuid        PRIMARY KEY,
    kind       text        NOT NULL CHECK (kind IN ('category_move')),
    state      text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    -- What the work is about; its keys depend on the kind.
    params     jsonb       NOT NULL,
    done       bigint      NOT NULL DEFAULT 0,
    total      bigint      NOT NULL,
    -- Why it failed.
    detail     text,
    actor_kind text        NOT NULL CHECK (actor_kind IN ('member', 'api_key', 'visitor', 'system')),
    actor_id   uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX jobs_running_idx ON jobs (created_at) WHERE state = 'running';
CREATE INDEX jobs_ended_idx ON jobs (updated_at) WHERE state <> 'running';
