-- One row: what a frontend needs to introduce the site.
CREATE TABLE site (
    id            uuid        PRIMARY KEY,
    only_row      boolean     NOT NULL DEFAULT true UNIQUE CHECK (only_row),
    name          text        NOT NULL,
    tagline       text        NOT NULL DEFAULT '',
    base_url      text        NOT NULL,
    locale        text        NOT NULL DEFAULT 'zh-CN',
    share_targets jsonb       NOT NULL DEFAULT '[]',
    version       int         NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

INSERT INTO site (id, name, base_url)
VALUES (gen_random_uuid(), 'Inkstone', 'http://127.0.0.1:8080');
