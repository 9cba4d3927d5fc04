DROP INDEX articles_own_trash_idx;
DROP INDEX articles_own_unpublished_idx;
DROP INDEX articles_trash_title_idx;
DROP INDEX articles_trash_created_idx;
DROP INDEX articles_trash_updated_idx;
DROP INDEX articles_unpublished_by_source_idx;
DROP INDEX articles_unpublished_by_author_idx;
DROP INDEX articles_unpublished_in_category_title_idx;
DROP INDEX articles_unpublished_in_category_created_idx;
DROP INDEX articles_unpublished_in_category_updated_idx;
DROP INDEX articles_unpublished_in_category_idx;
DROP INDEX articles_unpublished_title_idx;
DROP INDEX articles_unpublished_created_idx;
DROP INDEX articles_unpublished_updated_idx;
DROP INDEX articles_unpublished_in_status_idx;
DROP INDEX articles_visible_by_source_idx;
DROP INDEX articles_visible_by_author_idx;
DROP INDEX articles_visible_in_category_title_idx;
DROP INDEX articles_visible_in_category_created_idx;
DROP INDEX articles_visible_in_category_updated_idx;
DROP INDEX articles_visible_title_idx;
DROP INDEX articles_visible_created_idx;
DROP INDEX articles_visible_updated_idx;
CREATE INDEX articles_unpublished_idx ON articles (coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NULL AND status <> 'published';
CREATE INDEX articles_source_idx ON articles (source_name, published_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX articles_author_idx ON articles (author, published_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_title_idx ON articles (category_id, title, id)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_created_idx ON articles (category_id, created_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_updated_idx ON articles (category_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_idx ON articles (category_id, coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_title_idx ON articles (title, id) WHERE deleted_at IS NULL;
CREATE INDEX articles_kept_idx ON articles (coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_updated_idx ON articles (updated_at DESC, id DESC);
