CREATE TABLE members (
    id                   uuid        PRIMARY KEY,
    email                text        NOT NULL,
    -- Two spellings of one mailbox are one member.
    email_canonical      text        COLLATE "C" NOT NULL,
    email_verified_at    timestamptz,
    role                 text        NOT NULL DEFAULT 'member'
                         CHECK (role IN ('member', 'author', 'editor', 'admin')),
    status               text        NOT NULL DEFAULT 'active'
                         CHECK (status IN ('active', 'suspended')),
    display_name         text        NOT NULL DEFAULT '',
    phone                text        NOT NULL DEFAULT '',
    organisation         text        NOT NULL DEFAULT '',
    title                text        NOT NULL DEFAULT '',
    avatar_url           text,
    bio                  text        NOT NULL DEFAULT '',
    profile_completed_at timestamptz,
    version              int         NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    deleted_at           timestamptz
);

CREATE UNIQUE INDEX members_email_key ON members (email_canonical) WHERE deleted_at IS NULL;
CREATE INDEX members_created_idx ON members (created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Secrets live apart, where no content query joins them.
CREATE SCHEMA auth;

CREATE TABLE auth.passwords (
    member_id  uuid        PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    hash       text        NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE auth.sessions (
    id           uuid        PRIMARY KEY,
    member_id    uuid        NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    device       text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);

CREATE INDEX sessions_member_idx ON auth.sessions (member_id) WHERE revoked_at IS NULL;
