CREATE TABLE notices (
    id           uuid        PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('notice', 'announcement')),
    title        text        NOT NULL,
    body         text        NOT NULL,
    body_source  text,
    body_format  text        NOT NULL DEFAULT 'html' CHECK (body_format IN ('html', 'markdown', 'text')),
    sanitizer    smallint    NOT NULL,
    pinned       boolean     NOT NULL DEFAULT false,
    audience     text        NOT NULL DEFAULT 'public' CHECK (audience IN ('public', 'members')),
    status       text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
    published_at timestamptz,
    expires_at   timestamptz,
    version      int         NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz,
    CONSTRAINT notices_published_has_hour CHECK (status <> 'published' OR published_at IS NOT NULL),
    CONSTRAINT notices_window CHECK (expires_at > published_at)
);

CREATE INDEX notices_visible_idx ON notices (pinned DESC, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX notices_kind_idx ON notices (kind, pinned DESC, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
