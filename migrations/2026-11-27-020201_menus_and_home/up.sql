-- Menus: trees of links that staff edit, each under a name that a frontend knows.
CREATE TABLE menus (
    id         uuid        PRIMARY KEY,
    name       text        COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(name) <= 60),
    items      jsonb       NOT NULL,
    version    integer     NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The home page, as staff compose it. Without the row it is made of the categories there are.
CREATE TABLE home_page (
    id         uuid        PRIMARY KEY,
    only_row   boolean     NOT NULL DEFAULT true UNIQUE CHECK (only_row),
    blocks     jsonb       NOT NULL,
    -- The version of the sanitiser that has made the HTML in it safe.
    sanitizer  smallint    NOT NULL,
    version    integer     NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION note_stale_menus() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_stale_tags(ARRAY['menus']);
    RETURN NULL;
END
$$;
CREATE TRIGGER menus_note_stale AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON menus
    FOR EACH STATEMENT EXECUTE FUNCTION note_stale_menus();

CREATE FUNCTION note_stale_home() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM note_stale_tags(ARRAY['home']);
    RETURN NULL;
END
$$;
CREATE TRIGGER home_page_note_stale AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON home_page
    FOR EACH STATEMENT EXECUTE FUNCTION note_stale_home();
