-- Fills a migrated, empty database with :rows articles and as many lines of the change log.
--
-- The same shares whatever the number: categories, authors, sources and tags by Zipf's law, 3 % drafts, 2 % archived,
-- 0.5 % scheduled, 1 % in the trash. Beside them are names that three articles have, and names that only the oldest
-- two in a hundred have.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT setseed(0.42);
-- Neither triggers nor foreign keys for each row: what they would do is done at the end.
SET session_replication_role = replica;

CREATE TEMP TABLE dropped_indexes AS
    SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid IN ('articles'::regclass, 'changes'::regclass) AND NOT indisunique;
DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT dropped_indexes.name FROM dropped_indexes LOOP EXECUTE format('DROP INDEX %s', name); END LOOP;
END $$;

INSERT INTO members (id, email, email_canonical, role)
    SELECT md5('member ' || n)::uuid, 'm' || n || '@x.org', 'm' || n || '@x.org', 'author' FROM generate_series(1, 40) n;

-- 6 roots without articles, 3 categories in each of which one has no articles, and 2 in each of these.
INSERT INTO categories (id, slug, name)
    SELECT md5('root' || r)::uuid, 'root' || r, 'Root ' || r FROM generate_series(1, 6) r;
INSERT INTO categories (id, slug, name, parent_id)
    SELECT md5('c' || r || '-' || c)::uuid, 'c' || r || '-' || c, 'Category ' || c, md5('root' || r)::uuid
    FROM generate_series(1, 6) r, generate_series(1, 3) c;
INSERT INTO categories (id, slug, name, parent_id)
    SELECT md5('c' || r || '-' || c || '-' || l)::uuid, 'c' || r || '-' || c || '-' || l, 'Category ' || l,
        md5('c' || r || '-' || c)::uuid
    FROM generate_series(1, 6) r, generate_series(1, 3) c, generate_series(1, 2) l;

-- A number from 1 to `most`; k has a share of about 1 / k.
CREATE FUNCTION pg_temp.zipf(most int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT floor(most ^ random())::int';

CREATE TEMP TABLE filled AS SELECT ARRAY(
    SELECT id FROM categories WHERE slug ~ '^c\d-[23]$' OR (slug ~ '^c\d-\d-\d$' AND slug <> 'c2-1-1') ORDER BY md5(slug)
) AS categories;

INSERT INTO articles (id, slug, external_id, title, summary, body, sanitizer, author, source_name, category_id, tags, extra,
                      status, published_at, created_by, created_at, updated_at, deleted_at)
SELECT (lpad(to_hex(n), 12, '0') || '7' || substr(md5('article ' || n), 1, 19))::uuid,
    'a' || n, 'x-' || n,
    md5('title ' || n) || ' 全省计量工作会议在省城召开，第 ' || n || ' 号',
    '与会者讨论了标准物质的溯源问题，实验室的天平已经校准完毕，企业代表介绍了质量管理的经验，监督抽查的合格率比去年提高。',
    text.body, 1,
    CASE WHEN n % (:rows / 3) = 77 THEN 'rare' WHEN n <= :rows / 50 AND n % 3 = 0 THEN 'old' ELSE 'author ' || pg_temp.zipf(2000) END,
    CASE WHEN n % (:rows / 3) = 78 THEN 'rare' WHEN n <= :rows / 50 AND n % 3 = 1 THEN 'old' ELSE 'source ' || pg_temp.zipf(500) END,
    filled.categories[pg_temp.zipf(cardinality(filled.categories) + 1)],
    CASE WHEN n % (:rows / 3) = 79 THEN '{rare}'::text[] WHEN n <= :rows / 50 AND n % 3 = 2 THEN '{old}' ELSE '{}' END ||
        ARRAY(SELECT DISTINCT 'tag ' || pg_temp.zipf(3000) FROM generate_series(1, n % 5)),
    '{}',
    CASE WHEN state.part < 0.03 THEN 'draft' WHEN state.part < 0.05 THEN 'archived' ELSE 'published' END,
    CASE WHEN state.part < 0.015 THEN NULL
         WHEN state.part > 0.995 THEN now() + random() * interval '300 days'
         ELSE now() - interval '1 minute' - (:rows - n + random() * 3) / :rows * interval '15 years' END,
    md5('member ' || pg_temp.zipf(41))::uuid,
    now() - (:rows - n) / 2000 * 2000.0 / :rows * interval '14 years',
    now() - CASE WHEN random() < 0.3 THEN random() * (:rows - n) ELSE (:rows - n) / 2000 * 2000 END / :rows * interval '14 years',
    CASE WHEN random() < 0.01 THEN now() - random() * interval '1 year' END
FROM filled,
    (SELECT string_agg('<p>' || md5('text ' || n) || '新的检定规程从下月起施行，记者走访了三家电线电缆企业。</p>', '') AS body
     FROM generate_series(1, 11) n) AS text,
    generate_series(1, :rows) n, LATERAL (SELECT random() + n * 0 AS part) AS state;

INSERT INTO article_slugs (slug, article_id, created_at) SELECT slug, id, created_at FROM articles;
INSERT INTO article_views (article_id, views) SELECT id, pg_temp.zipf(10000) FROM articles;

INSERT INTO changes (xid, at, actor_kind, actor_id, action, entity, entity_id, fields, request_id)
SELECT '3', now() - (:rows - n) / 20 * 20.0 / :rows * interval '3 years', 'member', md5('member ' || pg_temp.zipf(41))::uuid,
    CASE WHEN n % (:rows / 3) = 77 THEN 'rare' WHEN n <= :rows / 50 THEN 'old' WHEN random() < 0.3 THEN 'create' ELSE 'update' END,
    CASE WHEN n % (:rows / 3) = 78 THEN 'site' WHEN n <= :rows / 50 AND n % 2 = 0 THEN 'old' ELSE 'article' END,
    (lpad(to_hex(1 + floor(random() * :rows)::bigint), 12, '0') || '7' || substr(md5('x'), 1, 19))::uuid, '{title,body}', 'request-' || n
FROM generate_series(1, :rows) n;

INSERT INTO article_tags (tag, published_at, article_id, category_id, updated_at, created_at)
    SELECT tag, published_at, id, category_id, updated_at, created_at FROM articles, unnest(tags) AS tag
    WHERE status = 'published' AND deleted_at IS NULL ORDER BY tag, published_at;
INSERT INTO article_counts (category_id, change)
    SELECT category_id, count(*) FROM articles
    WHERE status = 'published' AND deleted_at IS NULL AND category_id IS NOT NULL GROUP BY category_id;

SET maintenance_work_mem = '512MB';
DO $$ DECLARE definition text; BEGIN
    FOR definition IN SELECT dropped_indexes.definition FROM dropped_indexes LOOP EXECUTE definition; END LOOP;
END $$;
