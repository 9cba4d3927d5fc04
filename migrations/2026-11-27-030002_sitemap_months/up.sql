-- How many articles are published (also in the future) in each month of UTC, and when one of a month last changed: the sum
-- and the latest time of its lines. Sitemaps are cut by it. Each statement adds lines, so that writers do not wait for each
-- other; the lines of a month are joined now and then.
CREATE TABLE sitemap_months (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month      date        NOT NULL,
    change     bigint      NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE FUNCTION sitemap_month(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date
$$;

CREATE FUNCTION note_sitemap_new() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO sitemap_months (month, change, changed_at)
        SELECT sitemap_month(published_at), count(*), now() FROM added
        WHERE status = 'published' AND deleted_at IS NULL AND isfinite(published_at) GROUP BY 1;
    RETURN NULL;
END
$$;

-- Rows of which no sitemap shows a difference count as unchanged.
CREATE FUNCTION note_sitemap_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    WITH different AS (
        SELECT id FROM removed JOIN added USING (id)
        WHERE (removed.status, removed.published_at, removed.deleted_at, removed.slug, removed.title, removed.category_id,
               removed.updated_at)
              IS DISTINCT FROM
              (added.status, added.published_at, added.deleted_at, added.slug, added.title, added.category_id,
               added.updated_at)),
    both_states AS (
        SELECT id, status, published_at, deleted_at, 1 AS change FROM added
        UNION ALL
        SELECT id, status, published_at, deleted_at, -1 FROM removed)
    INSERT INTO sitemap_months (month, change, changed_at)
        SELECT sitemap_month(published_at), sum(change), now() FROM both_states JOIN different USING (id)
        WHERE status = 'published' AND deleted_at IS NULL AND isfinite(published_at) GROUP BY 1;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_sitemap_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO sitemap_months (month, change, changed_at)
        SELECT sitemap_month(published_at), -count(*), now() FROM removed
        WHERE status = 'published' AND deleted_at IS NULL AND isfinite(published_at) GROUP BY 1;
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_sitemap() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    TRUNCATE sitemap_months;
    RETURN NULL;
END
$$;

CREATE TRIGGER articles_note_sitemap_new AFTER INSERT ON articles
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_sitemap_new();
CREATE TRIGGER articles_note_sitemap_changed AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION note_sitemap_changed();
CREATE TRIGGER articles_note_sitemap_removed AFTER DELETE ON articles
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION note_sitemap_removed();
CREATE TRIGGER articles_forget_sitemap AFTER TRUNCATE ON articles
    FOR EACH STATEMENT EXECUTE FUNCTION forget_sitemap();

-- No article can be written meanwhile: the triggers have locked the table until the migration is committed.
INSERT INTO sitemap_months (month, change, changed_at)
    SELECT sitemap_month(published_at), count(*), max(updated_at) FROM articles
    WHERE status = 'published' AND deleted_at IS NULL AND isfinite(published_at) GROUP BY 1;

-- The newest public notices of a kind: a feed has them in this order, whether they are pinned or not.
CREATE INDEX notices_newest_idx ON notices (kind, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL AND audience = 'public';
