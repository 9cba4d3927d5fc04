-- The tags of published articles (also in the future), each in the order of publication: GIN finds the articles of a
-- tag in no order. The category and the other times are in the entries: the articles of one tag can be looked through
-- and sorted without their rows.
CREATE TABLE article_tags (
    tag          text        COLLATE "C" NOT NULL,
    published_at timestamptz NOT NULL,
    article_id   uuid        NOT NULL,
    category_id  uuid,
    updated_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tag, published_at, article_id) INCLUDE (category_id, updated_at, created_at)
);
DROP INDEX articles_tags_idx;
CREATE INDEX articles_hidden_tags_idx ON articles USING gin (tags) WHERE status <> 'published' OR deleted_at IS NOT NULL;

-- How many articles are published (also in the future) in each category itself: the sum of its lines. Each statement
-- adds lines, so that writers do not wait for each other; the lines of a category are joined now and then.
CREATE TABLE article_counts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id uuid   NOT NULL,
    change      bigint NOT NULL
);
CREATE INDEX article_counts_category_idx ON article_counts (category_id);

-- Keeps both, whoever writes to articles. They have no foreign keys, whose checks would slow imports down. The lines of
-- changed articles are found by the primary key, however many there are.
CREATE FUNCTION note_new_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO article_tags (tag, published_at, article_id, category_id, updated_at, created_at)
        SELECT tag, published_at, id, category_id, updated_at, created_at FROM added, unnest(tags) AS tag
        WHERE status = 'published' AND deleted_at IS NULL
        ON CONFLICT DO NOTHING;
    INSERT INTO article_counts (category_id, change)
        SELECT category_id, count(*) FROM added
        WHERE status = 'published' AND deleted_at IS NULL AND category_id IS NOT NULL GROUP BY category_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_changed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM article_tags
        USING removed, unnest(removed.tags) AS former (tag)
        WHERE removed.status = 'published' AND removed.deleted_at IS NULL
            AND article_tags.tag = former.tag AND article_tags.published_at = removed.published_at
            AND article_tags.article_id = id;
    INSERT INTO article_tags (tag, published_at, article_id, category_id, updated_at, created_at)
        SELECT tag, published_at, id, category_id, updated_at, created_at FROM added, unnest(tags) AS tag
        WHERE status = 'published' AND deleted_at IS NULL
        ON CONFLICT DO NOTHING;
    INSERT INTO article_counts (category_id, change)
        SELECT category_id, sum(change) FROM (
            SELECT category_id, 1 AS change FROM added WHERE status = 'published' AND deleted_at IS NULL
            UNION ALL
            SELECT category_id, -1 FROM removed WHERE status = 'published' AND deleted_at IS NULL
        ) AS changes
        WHERE category_id IS NOT NULL GROUP BY category_id HAVING sum(change) <> 0;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_removed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM article_tags
        USING removed, unnest(removed.tags) AS former (tag)
        WHERE article_tags.tag = former.tag AND article_tags.published_at = removed.published_at
            AND article_tags.article_id = id;
    INSERT INTO article_counts (category_id, change)
        SELECT category_id, -count(*) FROM removed
        WHERE status = 'published' AND deleted_at IS NULL AND category_id IS NOT NULL GROUP BY category_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_all_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    TRUNCATE article_tags, article_counts;
    RETURN NULL;
END
$$;

CREATE TRIGGER articles_note_new AFTER INSERT ON articles
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_new_articles();
CREATE TRIGGER articles_note_changed AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_changed_articles();
CREATE TRIGGER articles_note_removed AFTER DELETE ON articles
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION note_removed_articles();
CREATE TRIGGER articles_forget_all AFTER TRUNCATE ON articles
    FOR EACH STATEMENT EXECUTE FUNCTION forget_all_articles();

-- No article can be written meanwhile: the triggers have locked the table until the migration is committed.
INSERT INTO article_tags (tag, published_at, article_id, category_id, updated_at, created_at)
    SELECT tag, published_at, id, category_id, updated_at, created_at FROM articles, unnest(tags) AS tag
    WHERE status = 'published' AND deleted_at IS NULL
    ORDER BY tag, published_at, id
    ON CONFLICT DO NOTHING;
INSERT INTO article_counts (category_id, change)
    SELECT category_id, count(*) FROM articles
    WHERE status = 'published' AND deleted_at IS NULL AND category_id IS NOT NULL GROUP BY category_id;
