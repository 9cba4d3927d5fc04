-- What an article's change has made stale, and its tags: as PL/pgSQL, whose plans a connection keeps. Functions in SQL are
-- planned at each call, which was a quarter of what a change of an article cost.
CREATE OR REPLACE FUNCTION note_stale_tags(stale text[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF cardinality(stale) > 0 THEN
        INSERT INTO invalidations (tags)
        VALUES (CASE WHEN cardinality(stale) > 5000 THEN ARRAY['*'] ELSE stale END);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION note_touched_articles(touched touched_article[]) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    stale text[];
BEGIN
    WITH published AS (
        SELECT * FROM unnest(touched)
        WHERE status = 'published' AND published_at IS NOT NULL AND deleted_at IS NULL)
    SELECT array_agg(tag) INTO stale FROM (
        SELECT 'article:' || id FROM published WHERE id IS NOT NULL
        UNION SELECT 'category_articles:' || category_id FROM published WHERE category_id IS NOT NULL
        UNION SELECT 'tag:' || one FROM published, unnest(tags) AS one
        UNION SELECT 'author:' || author FROM published
        UNION SELECT 'source:' || source_name FROM published
        UNION SELECT CASE WHEN published_at <= clock_timestamp() + interval '1 minute'
                          THEN 'articles' ELSE 'scheduled_articles' END FROM published) AS of_published(tag);
    PERFORM note_stale_tags(stale);
END
$$;
