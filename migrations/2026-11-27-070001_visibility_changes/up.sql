-- What could be seen before each change of what can be seen. Whoever has a copy of what is taken away has to be told;
-- and it is known whether something comes into sight, or was in it before.
CREATE TABLE visibility_changes (
    -- Changes of one thing are in the order of this number: its row is locked while each is noted.
    seq           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),
    -- The time of the change itself, which may have waited for another one.
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    entity        text        NOT NULL CHECK (entity IN ('article', 'notice')),
    entity_id     uuid        NOT NULL,
    -- As it was before: for whom, and from when until when it could be seen. From 'infinity' on: never.
    members_only  boolean     NOT NULL,
    visible_from  timestamptz NOT NULL,
    visible_until timestamptz,
    -- What the address of its page was made of.
    slug          text        NOT NULL,
    category_id   uuid,
    notice_kind   text
);
CREATE INDEX visibility_changes_entity_idx ON visibility_changes (entity_id, seq);
CREATE INDEX visibility_changes_at_idx ON visibility_changes (at);

CREATE FUNCTION note_visibility_of_article() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO visibility_changes (entity, entity_id, members_only, visible_from, slug, category_id)
    VALUES ('article', OLD.id, false,
            CASE WHEN OLD.status = 'published' AND OLD.deleted_at IS NULL THEN OLD.published_at ELSE 'infinity' END,
            OLD.slug, OLD.category_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER articles_note_visibility AFTER UPDATE OF status, published_at, deleted_at ON articles FOR EACH ROW
WHEN ((OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL
       OR NEW.status = 'published' AND NEW.published_at IS NOT NULL AND NEW.deleted_at IS NULL)
      AND (OLD.status, OLD.published_at, OLD.deleted_at)
          IS DISTINCT FROM (NEW.status, NEW.published_at, NEW.deleted_at))
EXECUTE FUNCTION note_visibility_of_article();

CREATE TRIGGER articles_note_deleted AFTER DELETE ON articles FOR EACH ROW
WHEN (OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL)
EXECUTE FUNCTION note_visibility_of_article();

CREATE FUNCTION note_visibility_of_notice() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO visibility_changes (entity, entity_id, members_only, visible_from, visible_until, slug, notice_kind)
    VALUES ('notice', OLD.id, OLD.audience = 'members',
            CASE WHEN OLD.status = 'published' AND OLD.deleted_at IS NULL THEN OLD.published_at ELSE 'infinity' END,
            OLD.expires_at, OLD.slug, OLD.kind);
    RETURN NULL;
END
$$;

CREATE TRIGGER notices_note_visibility
AFTER UPDATE OF status, published_at, expires_at, audience, deleted_at ON notices FOR EACH ROW
WHEN ((OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL
       OR NEW.status = 'published' AND NEW.published_at IS NOT NULL AND NEW.deleted_at IS NULL)
      AND (OLD.status, OLD.published_at, OLD.expires_at, OLD.audience, OLD.deleted_at)
          IS DISTINCT FROM (NEW.status, NEW.published_at, NEW.expires_at, NEW.audience, NEW.deleted_at))
EXECUTE FUNCTION note_visibility_of_notice();

CREATE TRIGGER notices_note_deleted AFTER DELETE ON notices FOR EACH ROW
WHEN (OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL)
EXECUTE FUNCTION note_visibility_of_notice();
