CREATE OR REPLACE FUNCTION note_touched_articles(touched touched_article[]) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
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
CREATE OR REPLACE FUNCTION note_stale_tags(stale text[]) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO invalidations (tags)
    SELECT CASE WHEN cardinality(stale) > 5000 THEN ARRAY['*'] ELSE stale END WHERE cardinality(stale) > 0
$$;
