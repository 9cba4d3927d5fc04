-- Who is told what has changed.
CREATE TABLE webhooks (
    id                  uuid        PRIMARY KEY,
    url                 text        NOT NULL,
    description         text        NOT NULL,
    -- Names of events; '*' and 'article.*' stand for several.
    events              text[]      NOT NULL,
    -- The least time between two events articles.changed.
    coalesce_seconds    integer     NOT NULL CHECK (coalesce_seconds BETWEEN 1 AND 3600),
    status              text        NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled')),
    disabled_reason     text        CHECK (disabled_reason IN ('by_admin', 'gone', 'failing')),
    -- Counts the secrets that the webhook has had. Each follows from the secret of the site, the id and this number, so that
    -- none is stored.
    secret_number       integer     NOT NULL DEFAULT 1,
    former_secret_until timestamptz,
    version             integer     NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    -- Since when no delivery has succeeded.
    failing_since       timestamptz,
    -- When the last event articles.changed became due.
    coalesced_at        timestamptz,
    -- Who delivers, one at a time.
    lease_holder        uuid,
    leased_until        timestamptz,
    CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL))
);

-- Events on their way, and the log of those that have ended.
CREATE TABLE webhook_deliveries (
    id             uuid        PRIMARY KEY,
    -- The order in which they are sent.
    seq            bigint      GENERATED ALWAYS AS IDENTITY,
    -- Those of a webhook that is gone are removed piece by piece.
    webhook_id     uuid        NOT NULL,
    event          text        NOT NULL,
    entity_id      uuid,
    body           jsonb       NOT NULL,
    -- 'pending': in its turn; 'parked': out of turn, as others must not wait for it any longer.
    state          text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'parked', 'delivered', 'failed')),
    -- A test or a replay: it is sent though the webhook is disabled.
    is_asked_for   boolean     NOT NULL DEFAULT false,
    tries          integer     NOT NULL DEFAULT 0,
    first_tried_at timestamptz,
    due_at         timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now(),
    ended_at       timestamptz
);
-- The log is read by the ids, which are in the order of time. Only what waits has an index of the order of sending, so that
-- nothing reads the log to find it.
CREATE INDEX webhook_deliveries_log_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_pending_idx ON webhook_deliveries (webhook_id, seq) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_tried_idx ON webhook_deliveries (webhook_id, seq) WHERE state = 'pending' AND tries > 0;
CREATE INDEX webhook_deliveries_parked_idx ON webhook_deliveries (webhook_id, due_at, seq) WHERE state = 'parked';
CREATE INDEX webhook_deliveries_asked_for_idx ON webhook_deliveries (webhook_id, due_at, seq)
WHERE state = 'parked' AND is_asked_for;
CREATE INDEX webhook_deliveries_coalesced_idx ON webhook_deliveries (webhook_id)
WHERE event = 'articles.changed' AND state = 'pending';
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (webhook_id, id) WHERE state = 'failed';
CREATE INDEX webhook_deliveries_at_idx ON webhook_deliveries (created_at);

-- What became of each try.
CREATE TABLE webhook_attempts (
    id               bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id      uuid        NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    at               timestamptz NOT NULL,
    duration_ms      integer     NOT NULL,
    status           integer,
    error            text,
    response_headers jsonb       NOT NULL
);
CREATE INDEX webhook_attempts_delivery_idx ON webhook_attempts (delivery_id, id);

-- How far the feed was read for webhooks: what is before the cursor has become deliveries.
CREATE TABLE webhook_position (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    cursor   text    NOT NULL
);
INSERT INTO webhook_position (cursor) VALUES ('');

-- What was last told of a thing, as long as it may be newer than the position: things are read as they are, which may be
-- later than the lines that name them.
CREATE TABLE webhook_last_states (
    entity_id  uuid        PRIMARY KEY,
    is_visible boolean     NOT NULL,
    version    integer,
    at         timestamptz NOT NULL
);
CREATE INDEX webhook_last_states_at_idx ON webhook_last_states (at);

-- Events that are told after all that was committed before them.
CREATE TABLE webhook_announcements (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
    event      text        NOT NULL,
    data       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
