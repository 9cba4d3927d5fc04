-- Every slug that an article has or has had. By the primary key none is given to another article: a former slug
-- leads to its article. Triggers keep it, whoever writes to articles.
CREATE TABLE article_slugs (
    slug       text        COLLATE "C" PRIMARY KEY,
    -- Without a foreign key, whose check of each row would slow imports down: a trigger removes the slugs of a
    -- deleted article.
    article_id uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX article_slugs_article_idx ON article_slugs (article_id);

-- All new articles of a statement at once.
CREATE FUNCTION claim_slugs_of_new_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    claimed bigint;
BEGIN
    INSERT INTO article_slugs (slug, article_id) SELECT slug, id FROM added ON CONFLICT (slug) DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    IF claimed < (SELECT count(*) FROM added) THEN
        RAISE unique_violation USING MESSAGE = 'another article has had this slug', CONSTRAINT = 'articles_slug_key';
    END IF;
    RETURN NULL;
END
$$;

-- The old slug is there already, and stays.
CREATE FUNCTION claim_changed_article_slug() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO article_slugs (slug, article_id) VALUES (NEW.slug, NEW.id) ON CONFLICT (slug) DO NOTHING;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM article_slugs WHERE slug = NEW.slug AND article_id = NEW.id) THEN
        RAISE unique_violation USING MESSAGE = 'another article has had this slug', CONSTRAINT = 'articles_slug_key';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION release_article_slugs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM article_slugs WHERE article_id = OLD.id;
    RETURN NULL;
END
$$;

-- They fire when the row is there: after the wait for another transaction that has or had the slug.
CREATE TRIGGER articles_claim_slugs AFTER INSERT ON articles
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION claim_slugs_of_new_articles();
CREATE TRIGGER articles_claim_changed_slug AFTER UPDATE OF slug ON articles
    FOR EACH ROW WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION claim_changed_article_slug();
CREATE TRIGGER articles_release_slugs AFTER DELETE ON articles
    FOR EACH ROW EXECUTE FUNCTION release_article_slugs();

-- No article can be written meanwhile: the triggers have locked the table until the migration is committed.
INSERT INTO article_slugs (slug, article_id, created_at) SELECT slug, id, created_at FROM articles;
