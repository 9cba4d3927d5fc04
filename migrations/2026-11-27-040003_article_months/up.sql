-- How many articles are published (also in the future) in each month of the site's time zone: in each category itself,
-- and in all (without a category). The sum of the lines counts: each statement adds lines, so that writers do not wait for
-- each other; the lines of a month are joined now and then.
CREATE TABLE article_months (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category_id uuid,
    -- Its first day.
    month       date   NOT NULL,
    change      bigint NOT NULL
);
CREATE INDEX article_months_category_idx ON article_months (category_id, month) INCLUDE (change);

-- The time zone of the site; UTC if PostgreSQL does not know it.
CREATE FUNCTION find_site_timezone() RETURNS text LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    zone text;
BEGIN
    SELECT timezone FROM site INTO zone;
    PERFORM now() AT TIME ZONE zone;
    RETURN coalesce(zone, 'UTC');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'UTC';
END
$$;

CREATE FUNCTION find_month(at timestamptz, zone text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc('month', at AT TIME ZONE zone)::date
$$;

-- Those who count wait for a change of the time zone, and then find the new one.
CREATE FUNCTION count_months_of_new_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    zone text;
BEGIN
    LOCK TABLE article_months IN ROW EXCLUSIVE MODE;
    zone := find_site_timezone();
    INSERT INTO article_months (category_id, month, change)
        SELECT category_id, month, count(*) FROM added, LATERAL find_month(published_at, zone) AS month
        WHERE status = 'published' AND deleted_at IS NULL
        GROUP BY GROUPING SETS ((category_id, month), (month))
        HAVING grouping(category_id) = 1 OR category_id IS NOT NULL;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_months_of_changed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    zone text;
BEGIN
    LOCK TABLE article_months IN ROW EXCLUSIVE MODE;
    zone := find_site_timezone();
    INSERT INTO article_months (category_id, month, change)
        SELECT category_id, month, sum(change) FROM (
            SELECT category_id, published_at, 1 AS change FROM added WHERE status = 'published' AND deleted_at IS NULL
            UNION ALL
            SELECT category_id, published_at, -1 FROM removed WHERE status = 'published' AND deleted_at IS NULL
        ) AS changes, LATERAL find_month(published_at, zone) AS month
        GROUP BY GROUPING SETS ((category_id, month), (month))
        HAVING sum(change) <> 0 AND (grouping(category_id) = 1 OR category_id IS NOT NULL);
    RETURN NULL;
END
$$;

CREATE FUNCTION count_months_of_removed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    zone text;
BEGIN
    LOCK TABLE article_months IN ROW EXCLUSIVE MODE;
    zone := find_site_timezone();
    INSERT INTO article_months (category_id, month, change)
        SELECT category_id, month, -count(*) FROM removed, LATERAL find_month(published_at, zone) AS month
        WHERE status = 'published' AND deleted_at IS NULL
        GROUP BY GROUPING SETS ((category_id, month), (month))
        HAVING grouping(category_id) = 1 OR category_id IS NOT NULL;
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_article_months() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    TRUNCATE article_months;
    RETURN NULL;
END
$$;

-- Counts all articles anew.
CREATE FUNCTION recount_article_months() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    zone text;
BEGIN
    LOCK TABLE article_months IN SHARE ROW EXCLUSIVE MODE;
    zone := find_site_timezone();
    DELETE FROM article_months;
    INSERT INTO article_months (category_id, month, change)
        SELECT category_id, month, count(*)
        FROM (SELECT category_id, date_trunc('month', published_at AT TIME ZONE zone)::date AS month FROM articles
              WHERE status = 'published' AND deleted_at IS NULL) AS published
        GROUP BY GROUPING SETS ((category_id, month), (month))
        HAVING grouping(category_id) = 1 OR category_id IS NOT NULL;
END
$$;

CREATE FUNCTION note_changed_timezone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM recount_article_months();
    RETURN NULL;
END
$$;

CREATE TRIGGER articles_count_months_of_new AFTER INSERT ON articles
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_months_of_new_articles();
CREATE TRIGGER articles_count_months_of_changed AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_months_of_changed_articles();
CREATE TRIGGER articles_count_months_of_removed AFTER DELETE ON articles
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_months_of_removed_articles();
CREATE TRIGGER articles_forget_months AFTER TRUNCATE ON articles
    FOR EACH STATEMENT EXECUTE FUNCTION forget_article_months();
CREATE TRIGGER site_recount_months AFTER UPDATE OF timezone ON site
    FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION note_changed_timezone();

-- No article can be written meanwhile: the triggers have locked the table until the migration is committed.
SELECT recount_article_months();
