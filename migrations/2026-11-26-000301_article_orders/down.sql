CREATE INDEX sessions_ended_idx ON auth.sessions (expires_at);
DROP INDEX auth.sessions_over_idx;
CREATE INDEX articles_created_by_idx ON articles (created_by);
DROP INDEX articles_own_idx;
CREATE INDEX articles_visible_by_source_idx ON articles (source_name, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_by_author_idx ON articles (author, published_at DESC, id DESC)
    WHERE status = 'published' AND deleted_at IS NULL;
DROP INDEX articles_source_idx;
DROP INDEX articles_author_idx;
DROP INDEX articles_in_category_title_idx;
DROP INDEX articles_in_category_created_idx;
DROP INDEX articles_in_category_updated_idx;
DROP INDEX articles_in_category_idx;
CREATE INDEX articles_visible_by_title_idx ON articles (title, id)
    WHERE status = 'published' AND deleted_at IS NULL;
DROP INDEX articles_title_idx;
DROP INDEX articles_trash_idx;
DROP INDEX articles_unpublished_idx;
DROP INDEX articles_kept_idx;
