-- An article is in one of three parts: published (also in the future), unpublished, in the trash. Each part has an
-- index for each order, in each place where its articles are listed; so a list of some rows reads so many entries of an
-- index, however many articles there are, and an article has one entry for each order and place.

-- Published.
CREATE INDEX articles_visible_updated_idx ON articles (updated_at, id)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_created_idx ON articles (created_at, id)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_title_idx ON articles (title, id)
    WHERE status = 'published' AND deleted_at IS NULL;
-- Exports are in the order of articles_created_idx, whatever part the articles are in.
DROP INDEX articles_updated_idx, articles_title_idx, articles_kept_idx;

CREATE INDEX articles_visible_in_category_updated_idx ON articles (category_id, updated_at, id)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_in_category_created_idx ON articles (category_id, created_at, id)
    WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_in_category_title_idx ON articles (category_id, title, id)
    WHERE status = 'published' AND deleted_at IS NULL;
DROP INDEX articles_in_category_updated_idx, articles_in_category_created_idx, articles_in_category_title_idx,
    articles_in_category_idx;

-- By author and by source. The category and the other times are in the entries: those of one author can be looked
-- through and sorted without the rows.
CREATE INDEX articles_visible_by_author_idx ON articles (author, published_at, id)
    INCLUDE (category_id, updated_at, created_at) WHERE status = 'published' AND deleted_at IS NULL;
CREATE INDEX articles_visible_by_source_idx ON articles (source_name, published_at, id)
    INCLUDE (category_id, updated_at, created_at) WHERE status = 'published' AND deleted_at IS NULL;
DROP INDEX articles_author_idx, articles_source_idx;

-- Unpublished: drafts without a publication time are newest.
CREATE INDEX articles_unpublished_in_status_idx ON articles (status, (coalesce(published_at, 'infinity')), id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_updated_idx ON articles (status, updated_at, id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_created_idx ON articles (status, created_at, id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_title_idx ON articles (status, title, id)
    WHERE status <> 'published' AND deleted_at IS NULL;
DROP INDEX articles_unpublished_idx;
CREATE INDEX articles_unpublished_in_category_idx
    ON articles (category_id, status, (coalesce(published_at, 'infinity')), id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_in_category_updated_idx ON articles (category_id, status, updated_at, id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_in_category_created_idx ON articles (category_id, status, created_at, id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_in_category_title_idx ON articles (category_id, status, title, id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_by_author_idx ON articles (author, (coalesce(published_at, 'infinity')), id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_unpublished_by_source_idx ON articles (source_name, (coalesce(published_at, 'infinity')), id)
    WHERE status <> 'published' AND deleted_at IS NULL;
CREATE INDEX articles_own_unpublished_idx ON articles (created_by, status, (coalesce(published_at, 'infinity')), id)
    WHERE status <> 'published' AND deleted_at IS NULL;

-- In the trash.
CREATE INDEX articles_trash_updated_idx ON articles (updated_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX articles_trash_created_idx ON articles (created_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX articles_trash_title_idx ON articles (title, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX articles_own_trash_idx ON articles (created_by, (coalesce(published_at, 'infinity')), id)
    WHERE status = 'draft' AND deleted_at IS NOT NULL;
