-- What each transaction has made stale among the answers that processes keep ready: tags, as answers carry them. Triggers
-- write it, whoever writes to the tables. A process that commits takes the tags of its transaction and drops those answers
-- before it acknowledges; other processes find the rows when they look at the log. Rows older than a day are deleted.
CREATE TABLE invalidations (
    xid  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The process that has taken the tags itself.
    node text        COLLATE "C",
    tags text[]      NOT NULL
);
CREATE INDEX invalidations_xid_idx ON invalidations (xid);
CREATE INDEX invalidations_at_idx ON invalidations (at);

-- Notes tags. So many that looking for each would take longer than making all answers again become one that stands for all.
CREATE FUNCTION note_stale_tags(stale text[]) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO invalidations (tags)
    SELECT CASE WHEN cardinality(stale) > 5000 THEN ARRAY['*'] ELSE stale END WHERE cardinality(stale) > 0
$$;

-- What an article has that answers are made from, before or after a change. Without an id it is new: no answer is its own.
CREATE TYPE touched_article AS (
    id uuid, category_id uuid, tags text[], author text, source_name text, status text, published_at timestamptz,
    deleted_at timestamptz
);

-- Articles that are published, now or later. Drafts, archived ones and those in the trash are in no answer that is kept.
-- What is due within a minute counts as public: the transaction may be committed after its hour.
CREATE FUNCTION note_touched_articles(touched touched_article[]) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    WITH published AS (
        SELECT * FROM unnest(touched)
        WHERE status = 'published' AND published_at IS NOT NULL AND deleted_at IS NULL)
    SELECT note_stale_tags(array_agg(tag)) FROM (
        SELECT 'article:' || id FROM published WHERE id IS NOT NULL
        UNION SELECT 'category_articles:' || category_id FROM published WHERE category_id IS NOT NULL
        UNION SELECT 'tag:' || one FROM published, unnest(tags) AS one
        UNION SELECT 'author:' || author FROM published
        UNION SELECT 'source:' || source_name FROM published
        UNION SELECT CASE WHEN published_at <= clock_timestamp() + interval '1 minute'
                          THEN 'articles' ELSE 'scheduled_articles' END FROM published) AS of_published(tag)
$$;

CREATE FUNCTION note_new_articles_stale() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_touched_articles(array_agg(
        (NULL, category_id, tags, author, source_name, status, published_at, deleted_at)::touched_article))
    FROM new_rows;
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_stale_new AFTER INSERT ON articles
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_new_articles_stale();

-- Rows of which no answer shows a difference touch nothing.
CREATE FUNCTION note_changed_articles_stale() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    touched touched_article[];
BEGIN
    WITH changed AS (
        SELECT old_rows.id FROM old_rows LEFT JOIN new_rows USING (id)
        WHERE new_rows.id IS NULL OR old_rows.version <> new_rows.version
              OR (old_rows.slug, old_rows.title, old_rows.summary, old_rows.category_id, old_rows.tags, old_rows.author,
                  old_rows.source_name, old_rows.source_url, old_rows.cover_url, old_rows.extra, old_rows.external_id,
                  old_rows.status, old_rows.published_at, old_rows.deleted_at, old_rows.created_at, old_rows.updated_at,
                  old_rows.body_format, old_rows.body)
                 IS DISTINCT FROM
                 (new_rows.slug, new_rows.title, new_rows.summary, new_rows.category_id, new_rows.tags, new_rows.author,
                  new_rows.source_name, new_rows.source_url, new_rows.cover_url, new_rows.extra, new_rows.external_id,
                  new_rows.status, new_rows.published_at, new_rows.deleted_at, new_rows.created_at, new_rows.updated_at,
                  new_rows.body_format, new_rows.body)),
    both_states AS (
        SELECT id, category_id, tags, author, source_name, status, published_at, deleted_at FROM old_rows
        UNION ALL
        SELECT id, category_id, tags, author, source_name, status, published_at, deleted_at FROM new_rows)
    SELECT array_agg((id, category_id, tags, author, source_name, status, published_at, deleted_at)::touched_article)
    FROM both_states JOIN changed USING (id) INTO touched;
    PERFORM note_touched_articles(touched);
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_stale_changed AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_articles_stale();

CREATE FUNCTION note_deleted_articles_stale() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_touched_articles(array_agg(
        (id, category_id, tags, author, source_name, status, published_at, deleted_at)::touched_article))
    FROM old_rows;
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_stale_deleted AFTER DELETE ON articles
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_deleted_articles_stale();

-- An article whose views were set. Views that are counted make nothing stale: answers with views are kept for seconds.
CREATE FUNCTION note_stale_article(changed uuid) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT note_touched_articles(array_agg(
        (id, category_id, tags, author, source_name, status, published_at, deleted_at)::touched_article))
    FROM articles WHERE id = changed
$$;

CREATE FUNCTION note_all_stale() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_stale_tags(ARRAY['*']);
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_stale_truncated AFTER TRUNCATE ON articles
    FOR EACH STATEMENT EXECUTE FUNCTION note_all_stale();
CREATE TRIGGER notices_note_stale_truncated AFTER TRUNCATE ON notices
    FOR EACH STATEMENT EXECUTE FUNCTION note_all_stale();
CREATE TRIGGER categories_note_stale_truncated AFTER TRUNCATE ON categories
    FOR EACH STATEMENT EXECUTE FUNCTION note_all_stale();
CREATE TRIGGER site_note_stale_truncated AFTER TRUNCATE ON site
    FOR EACH STATEMENT EXECUTE FUNCTION note_all_stale();
CREATE TRIGGER article_slugs_note_stale_truncated AFTER TRUNCATE ON article_slugs
    FOR EACH STATEMENT EXECUTE FUNCTION note_all_stale();

-- A former slug that leads elsewhere, or nowhere any more.
CREATE FUNCTION note_stale_slugs() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_stale_tags((SELECT array_agg(DISTINCT 'article:' || article_id) FROM old_rows));
    RETURN NULL;
END
$$;
CREATE TRIGGER article_slugs_note_stale_changed AFTER UPDATE ON article_slugs
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_slugs();
CREATE TRIGGER article_slugs_note_stale_deleted AFTER DELETE ON article_slugs
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_stale_slugs();

-- A category is named in the breadcrumbs of all that is below it, and its parent shows it. Where one comes, goes or moves,
-- other articles are below its old and its new parents.
CREATE FUNCTION note_stale_category() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before uuid := CASE WHEN TG_OP <> 'INSERT' THEN OLD.parent_id END;
    after uuid := CASE WHEN TG_OP <> 'DELETE' THEN NEW.parent_id END;
    own uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END;
    stale text[];
BEGIN
    WITH RECURSIVE above AS (
        SELECT id, parent_id FROM categories
        WHERE id IN (before, after) AND (TG_OP <> 'UPDATE' OR before IS DISTINCT FROM after)
        UNION
        SELECT categories.id, categories.parent_id FROM categories JOIN above ON categories.id = above.parent_id)
    SELECT array_agg(tag) INTO stale FROM (
        SELECT 'categories'
        UNION SELECT 'category:' || one FROM unnest(ARRAY[own, before, after]) AS one WHERE one IS NOT NULL
        UNION SELECT 'category_tree:' || id FROM above) AS of_category(tag);
    PERFORM note_stale_tags(stale);
    RETURN NULL;
END
$$;
CREATE TRIGGER categories_note_stale AFTER INSERT OR UPDATE OR DELETE ON categories
    FOR EACH ROW EXECUTE FUNCTION note_stale_category();

CREATE FUNCTION note_stale_site() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_stale_tags(ARRAY['site']);
    RETURN NULL;
END
$$;
CREATE TRIGGER site_note_stale AFTER INSERT OR UPDATE OR DELETE ON site
    FOR EACH STATEMENT EXECUTE FUNCTION note_stale_site();

-- Notices that are published, now or later. Those for members change nothing that visitors see.
CREATE FUNCTION list_notice_tags(one notices) RETURNS text[] LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT ARRAY['notice:' || one.id, CASE
        WHEN one.audience <> 'public' THEN 'member_notices'
        WHEN one.published_at <= clock_timestamp() + interval '1 minute' THEN 'notices'
        ELSE 'scheduled_notices' END]
    WHERE one.status = 'published' AND one.published_at IS NOT NULL AND one.deleted_at IS NULL
$$;
CREATE FUNCTION note_stale_notice() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    stale text[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        stale := stale || list_notice_tags(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        stale := stale || list_notice_tags(NEW);
    END IF;
    PERFORM note_stale_tags(stale);
    RETURN NULL;
END
$$;
CREATE TRIGGER notices_note_stale AFTER INSERT OR UPDATE OR DELETE ON notices
    FOR EACH ROW EXECUTE FUNCTION note_stale_notice();
