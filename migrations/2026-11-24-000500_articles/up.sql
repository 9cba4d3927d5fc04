CREATE TABLE articles (
    id           uuid        PRIMARY KEY,
    slug         text        COLLATE "C" NOT NULL,
    external_id  text        COLLATE "C",
    title        text        COLLATE "C" NOT NULL,
    summary      text        NOT NULL,
    -- A summary made from the body is made again when the body changes.
    summary_made boolean     NOT NULL DEFAULT false,
    -- What readers get: sanitised HTML. body_source keeps what was written when it was not HTML.
    body         text        NOT NULL,
    body_source  text,
    body_format  text        NOT NULL DEFAULT 'html' CHECK (body_format IN ('html', 'markdown', 'text')),
    sanitizer    smallint    NOT NULL,
    author       text        NOT NULL DEFAULT '',
    source_name  text        NOT NULL DEFAULT '',
    source_url   text,
    category_id  uuid        REFERENCES categories (id),
    tags         text[]      NOT NULL DEFAULT '{}',
    cover_url    text,
    extra        jsonb       NOT NULL DEFAULT '{}',
    status       text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published', 'archived')),
    published_at timestamptz,
    created_by   uuid        REFERENCES members (id),
    content_hash bytea       NOT NULL,
    version      int         NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz,
    CONSTRAINT articles_slug_key UNIQUE (slug),
    CONSTRAINT articles_external_id_key UNIQUE (external_id),
    CONSTRAINT articles_published_has_hour CHECK (status <> 'published' OR published_at IS NOT NULL)
);

-- Bodies are long and read often: lz4 unpacks several times faster than the
-- default. A server built without it keeps the default.
DO $$
BEGIN
    ALTER TABLE articles ALTER COLUMN body SET COMPRESSION lz4;
    ALTER TABLE articles ALTER COLUMN body_source SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;

-- The visible set, in each order a visitor can ask for; within a section first.
CREATE INDEX articles_visible_idx ON articles (published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_in_category_idx ON articles (category_id, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_by_title_idx ON articles (title, id)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_by_author_idx ON articles (author, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_by_source_idx ON articles (source_name, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_updated_idx ON articles (updated_at DESC, id DESC);
CREATE INDEX articles_created_idx ON articles (created_at DESC, id DESC);
CREATE INDEX articles_tags_idx ON articles USING gin (tags);
CREATE INDEX articles_created_by_idx ON articles (created_by);
-- Whether a section is in use, drafts and trash included.
CREATE INDEX articles_category_idx ON articles (category_id);

-- Views stand beside the article: counting one neither rewrites the wide row
-- nor makes the article look edited.
CREATE TABLE article_views (
    article_id uuid   PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    views      bigint NOT NULL DEFAULT 0 CHECK (views >= 0)
);
