-- Every order of a list has an index in each place where articles are listed: all, a category;
-- and for each visibility: public, the staff's (drafts without a publication time are newest), the trash.
CREATE INDEX articles_kept_idx ON articles (coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_unpublished_idx ON articles (coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NULL AND status <> 'published';
CREATE INDEX articles_trash_idx ON articles (coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NOT NULL;
CREATE INDEX articles_title_idx ON articles (title, id) WHERE deleted_at IS NULL;
DROP INDEX articles_visible_by_title_idx;

CREATE INDEX articles_in_category_idx ON articles (category_id, coalesce(published_at, 'infinity') DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_updated_idx ON articles (category_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_created_idx ON articles (category_id, created_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX articles_in_category_title_idx ON articles (category_id, title, id)
    WHERE deleted_at IS NULL;

-- By author and source for the staff too.
CREATE INDEX articles_author_idx ON articles (author, published_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX articles_source_idx ON articles (source_name, published_at DESC, id DESC) WHERE deleted_at IS NULL;
DROP INDEX articles_visible_by_author_idx;
DROP INDEX articles_visible_by_source_idx;

-- An author's own, in the order in which they are listed.
CREATE INDEX articles_own_idx ON articles (created_by, coalesce(published_at, 'infinity') DESC, id DESC);
DROP INDEX articles_created_by_idx;

-- What the sweep of ended sessions asks for.
CREATE INDEX sessions_over_idx ON auth.sessions (least(expires_at, revoked_at));
DROP INDEX auth.sessions_ended_idx;
