-- How many articles are published (also in the future) with each tag: the count of its row, and the sum of its changes
-- that are not in it yet. Each statement adds changes, so that writers do not wait for each other; they are added to the
-- counts every few seconds.
CREATE TABLE tag_counts (
    tag   text   COLLATE "C" PRIMARY KEY,
    count bigint NOT NULL
);
CREATE INDEX tag_counts_count_idx ON tag_counts (count DESC, tag);

CREATE TABLE tag_changes (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag    text   COLLATE "C" NOT NULL,
    change bigint NOT NULL
);
CREATE INDEX tag_changes_tag_idx ON tag_changes (tag);

CREATE FUNCTION count_tags_of_new_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO tag_changes (tag, change)
        SELECT tag, count(DISTINCT id) FROM added, unnest(tags) AS tag
        WHERE status = 'published' AND deleted_at IS NULL GROUP BY tag;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_tags_of_changed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO tag_changes (tag, change)
        SELECT tag, sum(change) FROM (
            SELECT DISTINCT id, tag, 1 AS change FROM added, unnest(tags) AS tag
            WHERE status = 'published' AND deleted_at IS NULL
            UNION ALL
            SELECT DISTINCT id, tag, -1 FROM removed, unnest(tags) AS tag
            WHERE status = 'published' AND deleted_at IS NULL) AS changes
        GROUP BY tag HAVING sum(change) <> 0;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_tags_of_removed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO tag_changes (tag, change)
        SELECT tag, -count(DISTINCT id) FROM removed, unnest(tags) AS tag
        WHERE status = 'published' AND deleted_at IS NULL GROUP BY tag;
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_tag_counts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    TRUNCATE tag_counts, tag_changes;
    RETURN NULL;
END
$$;

CREATE TRIGGER articles_count_tags_of_new AFTER INSERT ON articles
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_tags_of_new_articles();
CREATE TRIGGER articles_count_tags_of_changed AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_tags_of_changed_articles();
CREATE TRIGGER articles_count_tags_of_removed AFTER DELETE ON articles
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_tags_of_removed_articles();
CREATE TRIGGER articles_forget_tag_counts AFTER TRUNCATE ON articles
    FOR EACH STATEMENT EXECUTE FUNCTION forget_tag_counts();

-- No article can be written meanwhile: the triggers have locked the table until the migration is committed.
INSERT INTO tag_counts (tag, count) SELECT tag, count(*) FROM article_tags GROUP BY tag;

-- A tag that is renamed, or becomes another one.
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('category_move', 'tag_merge'));
