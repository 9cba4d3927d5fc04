-- The bytes of media, by their digest. Several media share them. A row is there only while the bytes are in the store.
CREATE TABLE media_files (
    sha256       bytea       PRIMARY KEY CHECK (octet_length(sha256) = 32),
    bytes        bigint      NOT NULL,
    mime         text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('image', 'audio', 'video', 'document')),
    -- What was found in a picture: its size, its master, its colours. Null for other files.
    picture      jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- When media last began to use it. The sweep waits a day after that.
    last_used_at timestamptz NOT NULL DEFAULT now(),
    -- Since when the sweep takes its bytes away. Nobody may begin to use it then.
    removing_at  timestamptz
);
CREATE INDEX media_files_last_used_idx ON media_files (last_used_at);

-- Pictures and files, one row an upload: each with its own texts, over shared bytes.
CREATE TABLE media (
    id            uuid        PRIMARY KEY,
    sha256        bytea       NOT NULL REFERENCES media_files,
    kind          text        NOT NULL,
    name          text        NOT NULL,
    alt           text        NOT NULL DEFAULT '',
    caption       text        NOT NULL DEFAULT '',
    credit        text        NOT NULL DEFAULT '',
    source_url    text        COLLATE "C",
    tags          text[]      NOT NULL DEFAULT '{}',
    -- Where the picture is cropped about, in thousandths of its width and its height.
    focal_x       smallint    NOT NULL DEFAULT 500 CHECK (focal_x BETWEEN 0 AND 1000),
    focal_y       smallint    NOT NULL DEFAULT 500 CHECK (focal_y BETWEEN 0 AND 1000),
    -- The focal points that it has had, as pairs, so that addresses made with them stay valid.
    former_focals smallint[]  NOT NULL DEFAULT '{}',
    audience      text        NOT NULL DEFAULT 'public' CHECK (audience IN ('public', 'members')),
    created_by    uuid        REFERENCES members (id),
    version       integer     NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    deleted_at    timestamptz
);
CREATE INDEX media_live_idx ON media (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX media_live_by_kind_idx ON media (kind, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX media_trash_idx ON media (created_at DESC, id DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX media_deleted_idx ON media (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX media_sha256_idx ON media (sha256);
CREATE INDEX media_source_url_idx ON media (md5(source_url)) WHERE source_url IS NOT NULL;
CREATE INDEX media_tags_idx ON media USING gin (tags) WHERE deleted_at IS NULL;
CREATE INDEX media_created_by_idx ON media (created_by);

-- The definitions that presets have had, so that addresses made with them stay valid.
CREATE TABLE media_presets (
    name       text NOT NULL,
    definition text NOT NULL,
    PRIMARY KEY (name, definition)
);

-- Where media are used. Triggers keep it, whoever writes. What names media that are not there yet uses them too, as soon as they
-- come.
CREATE TABLE media_uses (
    media_id uuid NOT NULL,
    entity   text NOT NULL CHECK (entity IN ('article', 'notice', 'menu', 'home_page')),
    user_id  uuid NOT NULL,
    PRIMARY KEY (media_id, entity, user_id)
);
CREATE INDEX media_uses_user_idx ON media_uses (user_id);

-- Uploads that arrive in parts (tus 1.0).
CREATE TABLE media_uploads (
    id         uuid        PRIMARY KEY,
    -- The member or the API key that began it; nobody else may go on with it.
    owner_id   uuid        NOT NULL,
    bytes      bigint      NOT NULL CHECK (bytes >= 0),
    received   bigint      NOT NULL DEFAULT 0,
    -- The parts that have arrived, in order: names of objects in the store.
    parts      text[]      NOT NULL DEFAULT '{}',
    metadata   jsonb       NOT NULL DEFAULT '{}',
    media_id   uuid,
    -- Whether there were media with the same bytes, which its owner may see.
    duplicate  boolean     NOT NULL DEFAULT false,
    -- Why what has arrived was refused.
    refusal    jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX media_uploads_expires_idx ON media_uploads (expires_at);
CREATE INDEX media_uploads_owner_idx ON media_uploads (owner_id);

-- Work on a file or a picture that one process does for all. It ends with the row, or at its time. After a crash of the
-- database it may be done twice, which harms nothing: a lease is not worth waiting for the disk.
CREATE UNLOGGED TABLE media_leases (
    name  text        PRIMARY KEY,
    until timestamptz NOT NULL
);

-- The ids in addresses of media that a text has, each once.
CREATE FUNCTION find_media_ids(content text) RETURNS uuid[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT DISTINCT (regexp_matches(content,
        '/media/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})', 'gi'))[1]::uuid)
    WHERE content LIKE '%/media/%'
$$;

-- Notes that what uses media is stale where answers show the media.
CREATE FUNCTION note_media_users_stale(changed uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    stale text[];
BEGIN
    PERFORM note_touched_articles(array_agg(
        (id, category_id, tags, author, source_name, status, published_at, deleted_at)::touched_article))
    FROM articles
    WHERE id IN (SELECT user_id FROM media_uses WHERE media_id = ANY (changed) AND entity = 'article');
    SELECT array_agg(DISTINCT tag) INTO stale FROM (
        SELECT unnest(list_notice_tags(notices)) FROM notices
        WHERE id IN (SELECT user_id FROM media_uses WHERE media_id = ANY (changed) AND entity = 'notice')
        UNION ALL SELECT 'menus' WHERE EXISTS (
            SELECT FROM media_uses WHERE media_id = ANY (changed) AND entity = 'menu')
        UNION ALL SELECT 'home' WHERE EXISTS (
            SELECT FROM media_uses WHERE media_id = ANY (changed) AND entity = 'home_page')
        UNION ALL SELECT 'media:' || id FROM unnest(changed) AS id
        UNION ALL SELECT 'all_media' WHERE cardinality(changed) > 0) AS of_media(tag);
    PERFORM note_stale_tags(stale);
END
$$;
CREATE FUNCTION note_changed_media_stale() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_media_users_stale((SELECT array_agg(id) FROM old_rows));
    RETURN NULL;
END
$$;
CREATE TRIGGER media_note_stale_changed AFTER UPDATE ON media
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_changed_media_stale();
CREATE FUNCTION note_deleted_media_stale() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_media_users_stale(ARRAY[OLD.id]);
    RETURN OLD;
END
$$;
-- Before it is gone.
CREATE TRIGGER media_note_stale_deleted BEFORE DELETE ON media
    FOR EACH ROW EXECUTE FUNCTION note_deleted_media_stale();
CREATE TRIGGER media_note_stale_truncated AFTER TRUNCATE ON media
    FOR EACH STATEMENT EXECUTE FUNCTION note_all_stale();

-- Uses of media in what was written. The media are locked, so that nobody finds them unused at the same time.
CREATE FUNCTION note_media_uses(of_entity text, of_user uuid, content text) RETURNS void LANGUAGE sql
SET search_path FROM CURRENT AS $$
    DELETE FROM media_uses WHERE user_id = of_user AND entity = of_entity
        AND media_id <> ALL (coalesce(find_media_ids(content), '{}'));
    SELECT FROM media WHERE id = ANY (find_media_ids(content)) ORDER BY id FOR KEY SHARE;
    INSERT INTO media_uses (media_id, entity, user_id)
    SELECT id, of_entity, of_user FROM unnest(find_media_ids(content)) AS id
    ON CONFLICT DO NOTHING
$$;

-- Of an article, only rows with media, before or after, are looked at closely.
CREATE FUNCTION note_media_of_new_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_media_uses('article', id, concat_ws(' ', cover_url, body)) FROM new_rows
    WHERE cover_url LIKE '%/media/%' OR body LIKE '%/media/%';
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_media_of_new AFTER INSERT ON articles
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_media_of_new_articles();
CREATE FUNCTION note_media_of_changed_articles() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT
SET enable_nestloop = off AS $$
BEGIN
    PERFORM note_media_uses('article', id, concat_ws(' ', new_rows.cover_url, new_rows.body))
    FROM new_rows JOIN old_rows USING (id)
    WHERE (new_rows.cover_url, new_rows.body) IS DISTINCT FROM (old_rows.cover_url, old_rows.body)
      AND (new_rows.cover_url LIKE '%/media/%' OR new_rows.body LIKE '%/media/%'
           OR old_rows.cover_url LIKE '%/media/%' OR old_rows.body LIKE '%/media/%');
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_note_media_of_changed AFTER UPDATE ON articles
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_media_of_changed_articles();
CREATE FUNCTION note_media_of_notice() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_media_uses('notice', NEW.id, NEW.body);
    RETURN NULL;
END
$$;
CREATE TRIGGER notices_note_media AFTER INSERT OR UPDATE OF body ON notices
    FOR EACH ROW EXECUTE FUNCTION note_media_of_notice();
CREATE FUNCTION note_media_of_menu() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_media_uses('menu', NEW.id, NEW.items::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER menus_note_media AFTER INSERT OR UPDATE ON menus
    FOR EACH ROW EXECUTE FUNCTION note_media_of_menu();
CREATE FUNCTION note_media_of_home_page() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_media_uses('home_page', NEW.id, NEW.blocks::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER home_page_note_media AFTER INSERT OR UPDATE ON home_page
    FOR EACH ROW EXECUTE FUNCTION note_media_of_home_page();

CREATE FUNCTION forget_media_uses() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM media_uses WHERE user_id IN (SELECT id FROM old_rows);
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_forget_media AFTER DELETE ON articles
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION forget_media_uses();
CREATE TRIGGER notices_forget_media AFTER DELETE ON notices
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION forget_media_uses();
CREATE TRIGGER menus_forget_media AFTER DELETE ON menus
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION forget_media_uses();
CREATE TRIGGER home_page_forget_media AFTER DELETE ON home_page
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION forget_media_uses();

CREATE FUNCTION forget_all_media_uses() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM media_uses WHERE entity = TG_ARGV[0];
    RETURN NULL;
END
$$;
CREATE TRIGGER articles_forget_all_media AFTER TRUNCATE ON articles
    FOR EACH STATEMENT EXECUTE FUNCTION forget_all_media_uses('article');
CREATE TRIGGER notices_forget_all_media AFTER TRUNCATE ON notices
    FOR EACH STATEMENT EXECUTE FUNCTION forget_all_media_uses('notice');
CREATE TRIGGER menus_forget_all_media AFTER TRUNCATE ON menus
    FOR EACH STATEMENT EXECUTE FUNCTION forget_all_media_uses('menu');
CREATE TRIGGER home_page_forget_all_media AFTER TRUNCATE ON home_page
    FOR EACH STATEMENT EXECUTE FUNCTION forget_all_media_uses('home_page');
