-- The lines of the articles that were there before. Apart from the columns, which nobody can read while they are added.
INSERT INTO article_views (article_id, state, category_id)
    SELECT id, CASE WHEN deleted_at IS NULL THEN status ELSE 'trash' END, category_id FROM articles ORDER BY id
    ON CONFLICT (article_id) DO UPDATE SET state = excluded.state, category_id = excluded.category_id;
CREATE INDEX article_views_views_idx ON article_views (state, views, article_id);
CREATE INDEX article_views_in_category_idx ON article_views (state, category_id, views, article_id);

-- Lists of articles with a cover.
CREATE INDEX articles_visible_with_cover_idx ON articles (published_at, id)
    WHERE cover_url IS NOT NULL AND status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_in_category_with_cover_idx ON articles (category_id, published_at, id)
    WHERE cover_url IS NOT NULL AND status = 'published' AND deleted_at IS NULL;
