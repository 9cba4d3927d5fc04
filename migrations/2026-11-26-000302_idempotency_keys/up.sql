-- Answers of requests that carried an Idempotency-Key, each stored with what the request did.
CREATE TABLE idempotency_keys (
    caller     uuid        NOT NULL,
    key        text        COLLATE "C" NOT NULL,
    -- A keyed digest of the method, the path and the body: a body can hold a password.
    digest     bytea       NOT NULL,
    status     smallint    NOT NULL,
    location   text,
    etag       text,
    media_type text        NOT NULL,
    body       bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);
