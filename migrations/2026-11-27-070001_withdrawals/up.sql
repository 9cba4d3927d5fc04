-- What readers could see, and then could not: by a change, not by time alone. Whoever has a copy of it has to be told.
CREATE TABLE withdrawals (
    xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at            timestamptz NOT NULL DEFAULT now(),
    entity        text        NOT NULL CHECK (entity IN ('article', 'notice')),
    entity_id     uuid        NOT NULL,
    -- As it was before: for whom, and from when until when it could be seen.
    members_only  boolean     NOT NULL,
    visible_from  timestamptz NOT NULL,
    visible_until timestamptz
);
CREATE INDEX withdrawals_entity_idx ON withdrawals (entity_id, xid);
CREATE INDEX withdrawals_at_idx ON withdrawals (at);

CREATE FUNCTION note_withdrawn_article() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO withdrawals (entity, entity_id, members_only, visible_from)
    VALUES ('article', OLD.id, false, OLD.published_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER articles_note_withdrawn AFTER UPDATE OF status, published_at, deleted_at ON articles FOR EACH ROW
WHEN (OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL
      AND (OLD.status, OLD.published_at, OLD.deleted_at)
          IS DISTINCT FROM (NEW.status, NEW.published_at, NEW.deleted_at))
EXECUTE FUNCTION note_withdrawn_article();

CREATE TRIGGER articles_note_deleted AFTER DELETE ON articles FOR EACH ROW
WHEN (OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL)
EXECUTE FUNCTION note_withdrawn_article();

CREATE FUNCTION note_withdrawn_notice() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO withdrawals (entity, entity_id, members_only, visible_from, visible_until)
    VALUES ('notice', OLD.id, OLD.audience = 'members', OLD.published_at, OLD.expires_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER notices_note_withdrawn AFTER UPDATE OF status, published_at, expires_at, audience, deleted_at ON notices FOR EACH ROW
WHEN (OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL
      AND (OLD.status, OLD.published_at, OLD.expires_at, OLD.audience, OLD.deleted_at)
          IS DISTINCT FROM (NEW.status, NEW.published_at, NEW.expires_at, NEW.audience, NEW.deleted_at))
EXECUTE FUNCTION note_withdrawn_notice();

CREATE TRIGGER notices_note_deleted AFTER DELETE ON notices FOR EACH ROW
WHEN (OLD.status = 'published' AND OLD.published_at IS NOT NULL AND OLD.deleted_at IS NULL)
EXECUTE FUNCTION note_withdrawn_notice();
