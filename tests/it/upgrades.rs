//! Databases of earlier versions: filled, then brought to the newest schema with nothing lost.

use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;
use inkstone::db;
use inkstone::operations::Role;
use inkstone::upgrade;
use serde_json::Value;

use crate::harness::TestApp;
use crate::harness::cluster::bare_database;
use crate::harness::machine::{ask, execute};

/// The number of the last migration of versions that have landed: the first, the last before there were media, the
/// first with media, and the first with webhooks.
const LANDED: &[&str] = &["20261124000800", "20261127040004", "20261127060001", "20261127070002"];

/// A row of everything that the oldest landed version keeps.
const FILL: &str = "
    INSERT INTO members (id, email, email_canonical, role, display_name, locale) VALUES
        (md5('ada')::uuid, 'Ada@example.org', 'ada@example.org', 'editor', 'Ada', 'zh-CN');
    INSERT INTO auth.passwords (member_id, hash) VALUES (md5('ada')::uuid, 'a hash');
    INSERT INTO auth.sessions (id, member_id, device, network, expires_at) VALUES
        (md5('session')::uuid, md5('ada')::uuid, 'a phone', 'n', now() + interval '1 day');
    INSERT INTO auth.refresh_tokens (hash, session_id) VALUES ('r', md5('session')::uuid);
    INSERT INTO auth.one_time_tokens (hash, member_id, purpose, expires_at) VALUES
        ('t', md5('ada')::uuid, 'verify', now() + interval '1 day');
    INSERT INTO auth.outbox (id, kind, email_canonical) VALUES (md5('mail')::uuid, 'verify', 'ada@example.org');
    INSERT INTO auth.api_keys (id, prefix, hash, name, scopes, member_id) VALUES
        (md5('key')::uuid, 'abcdefgh', 'k', 'nightly', '{articles:import}', md5('ada')::uuid);
    INSERT INTO auth.signing_keys (kid, secret, state) VALUES ('k1', decode(repeat('2a', 32), 'hex'), 'active');
    INSERT INTO auth.site_secret (secret) VALUES (decode(repeat('2a', 32), 'hex'));
    UPDATE site SET name = '砝码', tagline = 'before', version = 3;
    INSERT INTO categories (id, slug, name) VALUES (md5('news')::uuid, 'news', '新闻');
    INSERT INTO categories (id, slug, name, parent_id) VALUES (md5('local')::uuid, 'local', '地方', md5('news')::uuid);
    INSERT INTO articles (id, slug, external_id, title, summary, body, body_source, body_format, sanitizer, author,
            source_name, category_id, tags, extra, status, published_at, created_by, {hash_columns}deleted_at)
        SELECT md5('a' || n)::uuid, 'a-' || n, 'x-' || n, 'Article ' || n, 's', '<p>b</p>', '*b*', 'markdown', 2, 'Ada',
            'elsewhere', md5('local')::uuid, '{质量}', '{\"k\": 1}',
            CASE WHEN n % 3 = 0 THEN 'draft' ELSE 'published' END, now() - n * interval '1 hour', md5('ada')::uuid, {hashes}CASE WHEN n % 7 = 0 THEN now() END
        FROM generate_series(1, 50) n;
    INSERT INTO article_views SELECT id, 7 FROM articles ON CONFLICT DO NOTHING;
    UPDATE article_views SET views = 7;
    INSERT INTO notices (id, kind, title, body, sanitizer, external_id) VALUES
        (md5('notice')::uuid, 'notice', '通知', '<p>n</p>', 2, 'n-1');
    INSERT INTO changes (actor_kind, action, entity, entity_id) SELECT 'system', 'create', 'article', id FROM articles;
";

/// What the first version with media keeps besides.
const FILL_OF_MEDIA: &str = "
    INSERT INTO media_files (sha256, bytes, mime, kind, picture) VALUES
        (decode(repeat('2a', 32), 'hex'), 7, 'image/png', 'image', '{\"width\": 1}');
    INSERT INTO media (id, sha256, kind, name, created_by) VALUES
        (md5('media')::uuid, decode(repeat('2a', 32), 'hex'), 'image', 'a.png', md5('ada')::uuid);
    INSERT INTO media_uses (media_id, entity, user_id) VALUES (md5('media')::uuid, 'article', md5('a1')::uuid);
";

/// The same of what the first version with webhooks keeps.
const FILL_OF_WEBHOOKS: &str = "
    INSERT INTO webhooks (id, url, description, events, coalesce_seconds) VALUES
        (md5('webhook')::uuid, 'https://example.org/hook', 'Builds the site.', '{article.*}', 60);
    INSERT INTO webhook_deliveries (id, webhook_id, event, entity_id, body, state, tries, ended_at) VALUES
        (md5('delivery')::uuid, md5('webhook')::uuid, 'article.updated', md5('a1')::uuid, '{\"type\": \"article.updated\"}',
         'delivered', 1, now());
    INSERT INTO webhook_attempts (delivery_id, at, duration_ms, status, response_headers) VALUES
        (md5('delivery')::uuid, now(), 7, 204, '{}');
";

/// The same for the version of the migration `last`.
fn fill_of(last: &str) -> String {
    // Digests of articles have gone since the first.
    let is_first = last == LANDED[0];
    let (columns, values) = if is_first { ("content_hash, source_hash, ", "'h', 's', ") } else { ("", "") };
    let media = if last >= "20261127060001" { FILL_OF_MEDIA } else { "" };
    let webhooks = if last >= "20261127070002" { FILL_OF_WEBHOOKS } else { "" };
    FILL.replace("{hash_columns}", columns).replace("{hashes}", values) + media + webhooks
}

/// All rows of all tables but those of the migrations, as JSON by table.
async fn contents(url: &str) -> Value {
    let tables = "SELECT string_agg(format('SELECT %L AS name, to_jsonb(t) AS row FROM %I.%I AS t', \
                  table_schema || '.' || table_name, table_schema, table_name), ' UNION ALL ') \
                  FROM information_schema.tables WHERE table_schema IN ('public', 'auth') \
                  AND table_name NOT LIKE '\\_\\_diesel%'";
    let all = ask(url, tables).await;
    let grouped = format!(
        "SELECT jsonb_object_agg(name, rows)::text FROM (SELECT name, jsonb_agg(row ORDER BY row::text) AS rows FROM ({all}) AS all_rows GROUP BY name) AS grouped"
    );
    serde_json::from_str(&ask(url, &grouped).await).unwrap()
}

/// Takes from `rows` what only one of both versions has.
fn keep_shared(row: &Value, other: &Value) -> Value {
    let shared = row.as_object().unwrap().iter().filter(|(key, _)| other.get(key.as_str()).is_some());
    shared.map(|(key, value)| (key.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

#[actix_web::test]
async fn the_former_name_of_what_webhooks_were_told_is_found() {
    let (app, _) = TestApp::start().await;
    execute(&app.db.url, "ALTER TABLE webhook_last_states RENAME TO webhook_told").await;
    let migration = include_str!("../../migrations/2026-11-27-080001_last_states/up.sql");
    // Also where it has its name already.
    for _ in 0..2 {
        execute(&app.db.url, migration).await;
        assert_eq!(ask(&app.db.url, "SELECT count(*) FROM webhook_last_states").await, "0");
    }
}

#[actix_web::test]
async fn a_filled_database_of_each_landed_version_keeps_everything() {
    for last in LANDED {
        let db = bare_database().await;
        let url = db.url.clone();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let migrating = runtime.spawn(async move {
            let client =
                AsyncPgConnection::try_from(db::pool::open_client(&url).await.unwrap()).await.unwrap();
            let mut harness = AsyncMigrationHarness::new(client);
            while harness.run_next_migration(db::MIGRATIONS).unwrap().to_string() != *last {}
            let mut client = harness.into_inner();
            client.batch_execute(&fill_of(last)).await.unwrap();
            let before = contents(&url).await;
            let mut harness = AsyncMigrationHarness::new(client);
            harness.run_pending_migrations(db::MIGRATIONS).unwrap();
            (before, contents(&url).await)
        });
        let (before, after) = migrating.await.unwrap();
        runtime.shutdown_background();
        for (table, rows) in before.as_object().unwrap() {
            let (rows, kept) = (rows.as_array().unwrap(), after[table].as_array().unwrap());
            assert_eq!(rows.len(), kept.len(), "{table}");
            let shared = |rows: &[Value], others: &[Value]| {
                let mut rows: Vec<String> =
                    rows.iter().map(|row| keep_shared(row, &others[0]).to_string()).collect();
                rows.sort();
                rows
            };
            assert_eq!(shared(rows, kept), shared(kept, rows), "{table}");
        }
        // What is there can be read and changed by the server.
        let (app, anon) = TestApp::start_on(db, &[]).await;
        // Once only: a notice keeps the slug that it has got.
        assert_eq!(upgrade::name_notices(&app.shared.app).await.unwrap(), 1);
        assert_eq!(upgrade::name_notices(&app.shared.app).await.unwrap(), 0);
        let admin = app.db_member(Role::Admin).await;
        let article = anon.get("/api/v1/articles/a-1").await.data(200);
        assert_eq!((&article["views"], &article["category"]["slug"]), (&7.into(), &"local".into()));
        admin.patch("/api/v1/articles/a-1", serde_json::json!({"title": "Changed"})).await.expect(200);
        let notice = admin.get("/api/v1/notices/tong-zhi").await.data(200);
        assert_eq!((&notice["summary"], &notice["external_id"]), (&"n".into(), &"n-1".into()));
        assert_eq!(ask(&app.db.url, "SELECT string_agg(slug, ' ') FROM notice_slugs").await, "tong-zhi");
        // What was published before is counted: 28 articles, less those in the trash.
        let published = "SELECT count(*) FROM articles WHERE status = 'published' AND deleted_at IS NULL";
        let published: i64 = ask(&app.db.url, published).await.parse().unwrap();
        assert_eq!(anon.get("/api/v1/tags/%E8%B4%A8%E9%87%8F").await.data(200)["count"], published);
        let months = anon.get("/api/v1/articles/archive?category=news").await.data(200);
        let counted: i64 =
            months.as_array().unwrap().iter().map(|month| month["count"].as_i64().unwrap()).sum();
        assert_eq!(counted, published);
        // Its articles keep the slugs that they had before, also in the trash.
        admin.patch("/api/v1/articles/a-1", serde_json::json!({"slug": "b-1"})).await.expect(200);
        assert_eq!(anon.get("/api/v1/articles/a-1").await.data(200)["slug"], "b-1");
        for taken in ["a-1", "a-7"] {
            let new = serde_json::json!({"title": "New", "slug": taken});
            assert_eq!(admin.post("/api/v1/articles", new).await.problem(), (409, "slug_taken".to_owned()));
        }
    }
}
