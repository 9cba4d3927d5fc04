-- Notices have a slug and a summary, as articles have. Pinyin is not known here: until the server has made them from the
-- title and the body, a slug has the form of an id, which no slug that is given can have.
ALTER TABLE notices ADD COLUMN slug text COLLATE "C" NOT NULL DEFAULT gen_random_uuid()::text;
ALTER TABLE notices ADD CONSTRAINT notices_slug_key UNIQUE (slug);
ALTER TABLE notices ADD COLUMN summary text NOT NULL DEFAULT '';
-- A summary made from the body is made again when the body changes.
ALTER TABLE notices ADD COLUMN summary_made boolean NOT NULL DEFAULT true;

-- The notices beside one, whether they are pinned or not.
CREATE INDEX notices_neighbors_idx ON notices (kind, published_at, id)
    WHERE status = 'published' AND deleted_at IS NULL;

-- Every slug that a notice or a category has or has had. By the primary key none is given to another notice or category:
-- a former slug leads to what has had it, until that is deleted. Triggers keep them, whoever writes.
CREATE TABLE notice_slugs (
    slug       text        COLLATE "C" PRIMARY KEY,
    notice_id  uuid        NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notice_slugs_notice_idx ON notice_slugs (notice_id);

CREATE TABLE category_slugs (
    slug        text        COLLATE "C" PRIMARY KEY,
    category_id uuid        NOT NULL REFERENCES categories (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX category_slugs_category_idx ON category_slugs (category_id);

CREATE FUNCTION claim_notice_slug() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO notice_slugs (slug, notice_id) VALUES (NEW.slug, NEW.id) ON CONFLICT (slug) DO NOTHING;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM notice_slugs WHERE slug = NEW.slug AND notice_id = NEW.id) THEN
        RAISE unique_violation USING MESSAGE = 'another notice has had this slug', CONSTRAINT = 'notices_slug_key';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION claim_category_slug() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO category_slugs (slug, category_id) VALUES (NEW.slug, NEW.id) ON CONFLICT (slug) DO NOTHING;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM category_slugs WHERE slug = NEW.slug AND category_id = NEW.id) THEN
        RAISE unique_violation USING MESSAGE = 'another category has had this slug', CONSTRAINT = 'categories_slug_key';
    END IF;
    RETURN NULL;
END
$$;

-- They fire when the row is there: after the wait for another transaction that has or had the slug.
CREATE TRIGGER notices_claim_slug AFTER INSERT OR UPDATE OF slug ON notices
    FOR EACH ROW EXECUTE FUNCTION claim_notice_slug();
CREATE TRIGGER categories_claim_slug AFTER INSERT OR UPDATE OF slug ON categories
    FOR EACH ROW EXECUTE FUNCTION claim_category_slug();

-- Nothing can be written meanwhile: the triggers have locked the tables until the migration is committed.
INSERT INTO notice_slugs (slug, notice_id, created_at) SELECT slug, id, created_at FROM notices;
INSERT INTO category_slugs (slug, category_id, created_at) SELECT slug, id, created_at FROM categories;
