-- Members: their language, and a shell for those who left.
ALTER TABLE members ADD COLUMN locale text CHECK (locale IN ('zh-CN', 'en'));

-- What a member is looked for by.
CREATE INDEX members_role_idx ON members (role, created_at DESC, id DESC) WHERE deleted_at IS NULL;

ALTER TABLE changes DROP CONSTRAINT changes_actor_kind_check;
ALTER TABLE changes ADD CONSTRAINT changes_actor_kind_check
    CHECK (actor_kind IN ('member', 'api_key', 'visitor', 'system'));

-- A session is the family of its refresh tokens. `network` is a keyed hash of where it was opened.
ALTER TABLE auth.sessions ADD COLUMN refreshed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE auth.sessions ADD COLUMN network bytea NOT NULL DEFAULT '';
CREATE INDEX sessions_ended_idx ON auth.sessions (expires_at);

-- Every token ever given is kept until its session is swept, so that a second use is noticed.
CREATE TABLE auth.refresh_tokens (
    hash       bytea       PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES auth.sessions (id) ON DELETE CASCADE,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_session_idx ON auth.refresh_tokens (session_id);

-- Tokens sent by mail. `claimed_until` keeps one from being spent twice while a new password is hashed.
CREATE TABLE auth.one_time_tokens (
    hash            bytea       PRIMARY KEY,
    member_id       uuid        NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    purpose         text        NOT NULL CHECK (purpose IN ('verify', 'reset', 'change_email')),
    -- The new address, with `change_email`.
    email           text,
    email_canonical text        COLLATE "C",
    expires_at      timestamptz NOT NULL,
    claimed_until   timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX one_time_tokens_member_idx ON auth.one_time_tokens (member_id);

-- Mail to be sent. Holds no secret: the token in a mail is derived when it is sent.
CREATE TABLE auth.outbox (
    id         uuid        PRIMARY KEY,
    kind       text        NOT NULL,
    -- Whom it concerns: a canonical address, which may belong to nobody.
    email_canonical text   COLLATE "C" NOT NULL,
    -- Where it goes instead of the member's own address.
    recipient  text,
    attempts   int         NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_due_idx ON auth.outbox (due_at);

CREATE TABLE auth.api_keys (
    id           uuid        PRIMARY KEY,
    -- The part of the key that names it.
    prefix       text        COLLATE "C" NOT NULL UNIQUE,
    hash         bytea       NOT NULL,
    name         text        NOT NULL,
    scopes       text[]      NOT NULL,
    -- The admin it belongs to; none when made on the command line.
    member_id    uuid        REFERENCES members (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- Counters of attempts: lost in a crash, and then only more generous for a while.
CREATE UNLOGGED TABLE auth.throttles (
    key         bytea       PRIMARY KEY,
    attempts    int         NOT NULL,
    window_ends timestamptz NOT NULL,
    free_at     timestamptz NOT NULL,
    -- Whether the latest attempt came too early.
    refused     boolean     NOT NULL DEFAULT false
);
CREATE INDEX throttles_window_idx ON auth.throttles (window_ends);

-- The ring of signing keys: next (announced), active (signs), retired (verifies until its tokens are gone).
CREATE TABLE auth.signing_keys (
    kid        text        PRIMARY KEY,
    secret     bytea       NOT NULL,
    state      text        NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
CREATE UNIQUE INDEX signing_keys_one_idx ON auth.signing_keys (state) WHERE state <> 'retired';

-- What all processes of a site share: it seals cursors and derives tokens.
CREATE TABLE auth.site_secret (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    secret   bytea   NOT NULL
);
