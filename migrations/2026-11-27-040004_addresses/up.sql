-- The bytes that percent-encoded text stands for: in any character set, and however it is spelled.
CREATE FUNCTION decode_percents(encoded text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(
        CASE WHEN found[1] ~ '^%[0-9A-Fa-f]{2}' THEN decode(replace(found[1], '%', ''), 'hex')
             ELSE convert_to(found[1], 'UTF8') END,
        ''::bytea ORDER BY number), ''::bytea)
    FROM regexp_matches(encoded, '(?:%[0-9A-Fa-f]{2})+|[^%]+|%', 'g') WITH ORDINALITY AS parts(found, number)
$$;

-- What two addresses share that lead to the same page: the path and the query, without scheme, host, fragment and slashes
-- at the end, in one spelling. The parts of the query are sorted. Null for a site as a whole.
CREATE FUNCTION make_address_key(address text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path FROM CURRENT AS $$
DECLARE
    rest text := split_part(regexp_replace(address, '^https?://[^/?#]*', '', 'i'), '#', 1);
    path text := '/' || btrim(split_part(rest, '?', 1), '/');
    query text := substr(rest, strpos(rest, '?') + 1);
    key bytea;
    parts bytea;
BEGIN
    key := CASE WHEN path LIKE '%\%%' THEN decode_percents(path) ELSE convert_to(path, 'UTF8') END;
    IF strpos(rest, '?') > 0 AND query <> '' THEN
        SELECT string_agg(decode_percents(replace(part, '+', ' ')), '&'::bytea ORDER BY decode_percents(replace(part, '+', ' ')))
            FROM regexp_split_to_table(query, '&') AS part WHERE part <> '' INTO parts;
        key := key || coalesce('?'::bytea || parts, ''::bytea);
    END IF;
    RETURN CASE
        WHEN key = '/'::bytea THEN NULL
        -- Entries of an index are short.
        WHEN octet_length(key) > 1000 THEN sha256(key)
        ELSE key END;
END
$$;

-- The host of an address, without `www.` and a port.
CREATE FUNCTION find_address_host(address text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(lower(substring(address FROM '(?i)^https?://([^/?#:]*)')), '^www\.', '')
$$;

CREATE INDEX articles_address_idx ON articles (make_address_key(source_url), published_at, id) WHERE source_url IS NOT NULL;
