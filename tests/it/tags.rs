//! Tags: their counts, and other names for them.

use chrono::TimeDelta;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use inkstone::db;
use inkstone::db::rows::PageSlice;
use inkstone::operations::Role;
use inkstone::tags::view::TagSort;
use inkstone::tags::{queries, renaming};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cache::{fill, list_forgotten};
use crate::harness::machine::{ask, until};
use crate::harness::{Client, TestApp, column};
use crate::members::walked;

const TAGS: &str = "/api/v1/tags";
const ARTICLES: &str = "/api/v1/articles";

/// The path of a tag, every byte encoded.
fn at(tag: &str) -> String {
    let encoded: String = tag.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{TAGS}/{encoded}")
}

/// A published article with these tags.
async fn tagged(client: &Client, tags: &[&str]) -> Value {
    let article =
        json!({"title": "T", "tags": tags, "status": "published", "published_at": "2019-09-20T00:00:00Z"});
    client.post(ARTICLES, article).await.data(201)
}

fn path_of(article: &Value) -> String {
    format!("{ARTICLES}/{}", article["id"].as_str().unwrap())
}

/// The tags of a list with their counts.
async fn counts(client: &Client, query: &str) -> String {
    let rows = client.get(&format!("{TAGS}?{query}")).await.data(200);
    let one = |row: &Value| format!("{}:{}", row["tag"].as_str().unwrap(), row["count"]);
    rows.as_array().unwrap().iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Adds the changes to the counts, as the server does every few seconds.
async fn add_changes(app: &TestApp) {
    until("all changes to be added", async || {
        app.shared.app.write(async |tx| Ok(queries::add_changes(tx).await?)).await.unwrap();
        ask(&app.db.url, "SELECT count(*) FROM tag_changes").await == "0"
    })
    .await;
}

#[actix_web::test]
async fn tags_are_listed_with_the_number_of_public_articles() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let one = tagged(&editor, &["b", "a", "质量"]).await;
    tagged(&editor, &["b", "质检"]).await;
    for hidden in [
        json!({"title": "T", "tags": ["b", "draft"]}),
        json!({"title": "T", "tags": ["b", "later"], "status": "published", "published_at": "2999-01-01T00:00:00Z"}),
        json!({"title": "T", "tags": ["b", "archived"], "status": "archived"}),
    ] {
        editor.post(ARTICLES, hidden).await.expect(201);
    }
    // With changes that wait, with some of them, and without.
    for _ in 0..2 {
        assert_eq!(counts(&anon, "").await, "b:2 a:1 质检:1 质量:1");
        assert_eq!(counts(&anon, "sort=tag").await, "a:1 b:2 质检:1 质量:1");
        assert_eq!(counts(&anon, "prefix=%E8%B4%A8").await, "质检:1 质量:1");
        assert_eq!(counts(&anon, "prefix=质量&sort=tag").await, "质量:1");
        assert_eq!(counts(&anon, "prefix=%25").await, "");
        assert_eq!(counts(&anon, "prefix=later").await, "");
        let single = anon.get(&at("b")).await.data(200);
        assert_eq!(single, json!({"tag": "b", "count": 2, "last_published_at": "2019-09-20T00:00:00Z"}));
        for hidden in ["draft", "later", "archived", "never", "B", "a,b", " "] {
            assert_eq!(anon.get(&at(hidden)).await.status, 404, "{hidden}");
            assert_eq!(editor.get(&at(hidden)).await.status, 404, "{hidden}");
        }
        let list = anon.get(&format!("{TAGS}?page_size=2&count=true")).await.expect(200).json();
        assert_eq!((&list["page"]["total"], &list["page"]["has_next"]), (&json!(4), &json!(true)));
        for size in 1..=3 {
            for sort in ["-count", "tag"] {
                let whole = column(&anon.get(&format!("{TAGS}?sort={sort}")).await.data(200), "tag");
                assert_eq!(
                    walked(&anon, &format!("{TAGS}?page_size={size}&sort={sort}"), "tag").await,
                    whole
                );
            }
        }
        add_changes(&app).await;
        app.shared.app.follower.forget_answers();
    }
    // Each change counts at once, whoever makes it.
    editor.patch(&path_of(&one), json!({"tags": ["b", "c"]})).await.expect(200);
    assert_eq!(counts(&anon, "").await, "b:2 c:1 质检:1");
    editor.delete(&path_of(&one)).await.expect(204);
    assert_eq!(counts(&anon, "").await, "b:1 质检:1");
    editor.act(&format!("{}/restore", path_of(&one))).await.expect(200);
    add_changes(&app).await;
    app.db_execute("UPDATE articles SET tags = '{c,c,d}' WHERE status = 'published'").await;
    assert_eq!(counts(&anon, "").await, "c:2 d:2");
    app.db_execute("DELETE FROM articles WHERE published_at > now()").await;
    assert_eq!(counts(&anon, "sort=tag").await, "c:2 d:2");
    add_changes(&app).await;
    assert_eq!(
        ask(&app.db.url, "SELECT string_agg(tag || count, ' ' ORDER BY tag) FROM tag_counts").await,
        "c2 d2"
    );
    app.db_execute("TRUNCATE articles CASCADE").await;
    assert_eq!(counts(&anon, "").await, "");
}

#[actix_web::test]
async fn a_tag_may_have_any_character_but_a_comma() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let names = [
        "a/b", "50%", "%41", "a+b", "a b", "v1.0", "C#", "?", "import", "me", "archive", "é", "🙂", "a;b",
        "x=y&z",
    ];
    for name in names {
        tagged(&editor, &[name]).await;
    }
    for name in names {
        for path in [at(name), format!("{TAGS}/{}", reqwest_encode(name))] {
            assert_eq!(anon.get(&path).await.data(200)["tag"], name, "{path}");
        }
        let listed = anon.get(&format!("{TAGS}?prefix={}", reqwest_encode(name))).await.data(200);
        assert!(column(&listed, "tag").contains(&name.to_owned()), "{name}");
    }
    assert_eq!(anon.get(&format!("{TAGS}/%FF")).await.status, 404);
    assert_eq!(anon.get(&format!("{TAGS}/a/b")).await.status, 404);
    let renamed = editor.patch(&at("a/b"), json!({"tag": "50%/100%"})).await.data(200);
    assert_eq!((&renamed["tag"], &renamed["count"]), (&json!("50%/100%"), &json!(1)));
    anon.get(&at("50%/100%")).await.expect(200);
    for (tag, code) in [
        ("a,b", "invalid_format"),
        (" ", "invalid_format"),
        ("", "too_short"),
        (&"长".repeat(65), "too_long"),
    ] {
        let refused = editor.patch(&at("50%"), json!({"tag": tag})).await;
        assert_eq!(refused.faults()[0], ("/tag".to_owned(), code.to_owned()), "{tag}");
    }
}

/// As a frontend's `encodeURIComponent` does it.
fn reqwest_encode(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(byte);
    let one = |byte: u8| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(one).collect()
}

#[actix_web::test]
async fn kept_answers_change_with_their_tag_and_when_an_hour_comes() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    tagged(&editor, &["a"]).await;
    tagged(&editor, &["b"]).await;
    let (of_a, of_b, list) = (at("a"), at("b"), format!("{TAGS}?sort=tag"));
    let paths = [of_a.as_str(), &of_b, &list];
    fill(&app, &anon, &paths).await;
    editor.post(ARTICLES, json!({"title": "draft", "tags": ["a"]})).await.expect(201);
    assert_eq!(list_forgotten(&app, &anon, &paths).await, Vec::<&str>::new());
    tagged(&editor, &["a"]).await;
    assert_eq!(list_forgotten(&app, &anon, &paths).await, [of_a.as_str(), &list]);
    assert_eq!(counts(&anon, "sort=tag").await, "a:2 b:1");
    let soon = (app.shared.app.now() + TimeDelta::seconds(3)).to_rfc3339();
    let article = json!({"title": "soon", "tags": ["b", "c"], "status": "published", "published_at": soon});
    editor.post(ARTICLES, article).await.expect(201);
    assert_eq!((counts(&anon, "sort=tag").await.as_str(), anon.get(&at("c")).await.status), ("a:2 b:1", 404));
    until("the hour", async || counts(&anon, "sort=tag").await == "a:2 b:2 c:1").await;
    until("the tag", async || anon.get(&at("b")).await.data(200)["count"] == 2).await;
}

#[actix_web::test]
async fn a_tag_is_renamed_in_all_articles_and_merged_into_another() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let one = tagged(&editor, &["x", "old", "y"]).await;
    let both = tagged(&editor, &["new", "x", "old"]).await;
    let draft = editor.post(ARTICLES, json!({"title": "D", "tags": ["old"]})).await.data(201);
    let trashed = tagged(&editor, &["old"]).await;
    editor.delete(&path_of(&trashed)).await.expect(204);
    let list = format!("{ARTICLES}?tag=old");
    fill(&app, &anon, &[&list, &at("old")]).await;
    let renamed = editor.patch(&at("old"), json!({"tag": "new"})).await.data(200);
    assert_eq!((&renamed["tag"], &renamed["count"]), (&json!("new"), &json!(2)));
    for (article, tags) in
        [(&one, json!(["x", "new", "y"])), (&both, json!(["new", "x"])), (&draft, json!(["new"]))]
    {
        let after = editor.get(&path_of(article)).await.data(200);
        assert_eq!((&after["tags"], &after["version"]), (&tags, &json!(2)));
    }
    assert_eq!(editor.act(&format!("{}/restore", path_of(&trashed))).await.data(200)["tags"], json!(["new"]));
    assert_eq!(anon.get(&list).await.data(200), json!([]));
    assert_eq!(anon.get(&at("old")).await.status, 404);
    assert_eq!(counts(&anon, "").await, "new:3 x:2 y:1");
    app.index().await;
    let found = anon.get("/api/v1/search?q=T&tag=new").await.json();
    assert_eq!(found["page"]["total"], 3);
    let recorded = "SELECT count(*) FROM changes WHERE entity = 'article' AND fields = '{tags}' AND actor_kind = 'member'";
    assert_eq!(ask(&app.db.url, recorded).await, "4");
    // There is no such tag any more; the same name changes nothing.
    assert_eq!(editor.patch(&at("old"), json!({"tag": "new"})).await.problem().0, 404);
    let same = editor.patch(&at("new"), json!({"tag": "new"})).await.data(200);
    assert_eq!(same["count"], 3);
    assert_eq!(editor.get(&path_of(&one)).await.data(200)["version"], 2);
    // One with fifty tags keeps fifty.
    let fifty: Vec<String> = (0..50).map(|n| format!("t{n}")).collect();
    let full = tagged(&editor, &fifty.iter().map(String::as_str).collect::<Vec<_>>()).await;
    editor.patch(&at("t7"), json!({"tag": "t8"})).await.expect(200);
    let tags = editor.get(&path_of(&full)).await.data(200)["tags"].clone();
    assert_eq!((tags.as_array().unwrap().len(), &tags[7], &tags[8]), (49, &json!("t8"), &json!("t9")));
}

/// Articles that are more than a step changes, all with the tag `many`.
const MANY: i64 = 2_500;

async fn fill_many(app: &TestApp) {
    app.db_execute(&format!(
        "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at, tags)
         SELECT gen_random_uuid(), 's-' || n, 'T', '', '', 1, CASE WHEN n % 5 = 0 THEN 'draft' ELSE 'published' END,
             now(), '{{many,other}}' FROM generate_series(1, {MANY}) n"
    ))
    .await;
}

async fn is_done(editor: &Client, job: &str) -> bool {
    editor.get(job).await.data(200)["state"] == "done"
}

#[actix_web::test]
async fn many_articles_are_renamed_in_steps_and_what_is_written_meanwhile_too() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    fill_many(&app).await;
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    conn.batch_execute("BEGIN; SELECT FROM articles WHERE slug = 's-7' FOR UPDATE").await.unwrap();
    let answer = editor.patch(&at("many"), json!({"tag": "few"})).await.expect(202);
    let job = answer.header("location").to_owned();
    let begun = answer.data(202);
    assert_eq!((&begun["kind"], &begun["total"]), (&json!("tag_merge"), &json!(MANY)));
    until("all others to change", async || editor.get(&job).await.data(200)["done"] == MANY - 1).await;
    // Asked again, it is the same work; what contradicts it waits.
    let again = editor.patch(&at("many"), json!({"tag": "few"})).await.expect(202);
    assert_eq!(again.header("location"), job);
    for (from, to) in [("many", "else"), ("few", "many"), ("few", "else"), ("other", "many")] {
        let refused = editor.patch(&at(from), json!({"tag": to})).await;
        assert_eq!(refused.problem(), (409, "tag_busy".to_owned()), "{from} {to}");
    }
    let late = tagged(&editor, &["many"]).await;
    // Another rename goes on beside it, and may have the same target.
    tagged(&editor, &["third"]).await;
    editor.patch(&at("third"), json!({"tag": "few"})).await.expect(200);
    conn.batch_execute("ROLLBACK").await.unwrap();
    renaming::run_jobs(&app.shared.app).await.unwrap();
    until("the renaming to end", async || is_done(&editor, &job).await).await;
    assert_eq!(editor.get(&path_of(&late)).await.data(200)["tags"], json!(["few"]));
    assert_eq!(anon.get(&at("many")).await.status, 404);
    assert_eq!(anon.get(&at("few")).await.data(200)["count"], MANY * 4 / 5 + 2);
    let largest =
        "SELECT max(n) FROM (SELECT count(*) n FROM changes WHERE fields = '{tags}' GROUP BY xid) AS steps";
    // Of the first thousand one was locked.
    assert_eq!(ask(&app.db.url, largest).await, "999", "no transaction changes more");
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM articles WHERE 'many' = ANY(tags)").await, "0");
}

#[actix_web::test]
async fn two_renamings_that_cross_end_with_one_name() {
    let (app, _) = TestApp::start().await;
    let (one, other) = (app.db_member(Role::Editor).await, app.db_member(Role::Editor).await);
    for round in 0..4 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        let first = tagged(&one, &[&a]).await;
        let second = tagged(&one, &[&b]).await;
        let paths = [at(&a), at(&b)];
        let forth = one.patch(&paths[0], json!({"tag": b}));
        let back = other.patch(&paths[1], json!({"tag": a}));
        let (forth, back) = futures_util::join!(forth, back);
        assert_eq!([forth.status, back.status], [200, 200]);
        let tags = |article: Value| article["tags"].clone();
        let left = tags(one.get(&path_of(&first)).await.data(200));
        assert_eq!(left, tags(one.get(&path_of(&second)).await.data(200)));
    }
}

#[actix_web::test]
async fn a_renaming_that_was_broken_off_goes_on() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    fill_many(&app).await;
    // As a process leaves it that ends between two steps.
    app.db_execute(
        "INSERT INTO jobs (id, kind, params, total, actor_kind)
         VALUES (gen_random_uuid(), 'tag_merge', '{\"from\": \"many\", \"to\": \"few\"}', 2500, 'system')",
    )
    .await;
    renaming::run_jobs(&app.shared.app).await.unwrap();
    let job = ask(&app.db.url, "SELECT '/api/v1/jobs/' || id FROM jobs").await;
    until("the renaming to end", async || is_done(&editor, &job).await).await;
    assert_eq!(editor.get(&at("few")).await.data(200)["count"], MANY * 4 / 5);
}

#[actix_web::test]
async fn renaming_takes_an_editor_or_a_key_that_writes_articles() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    tagged(&cast.editor, &["a"]).await;
    for (client, status) in [(&cast.anon, 401), (&cast.member, 403), (&cast.author, 403)] {
        assert_eq!(client.patch(&at("a"), json!({"tag": "b"})).await.status, status);
    }
    for (scope, status) in [("articles:read", 403), ("categories:write", 403), ("articles:write", 200)] {
        let key = json!({"name": "k", "scopes": [scope]});
        let key = cast.admin.post("/api/v1/api-keys", key).await.data(201);
        let script = Client::new(&app.url, key["key"].as_str().map(str::to_owned));
        let job = script.get("/api/v1/jobs/0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60").await;
        assert_eq!(job.status, if scope.ends_with("write") { 404 } else { 403 }, "{scope}");
        assert_eq!(script.patch(&at("a"), json!({"tag": "b"})).await.status, status, "{scope}");
    }
    for body in [json!({}), json!({"tag": 7}), json!({"tag": "c", "more": 1}), json!({"tag": null})] {
        assert_eq!(cast.editor.patch(&at("b"), body).await.status, 422);
    }
}

#[actix_web::test]
async fn an_import_counts_its_tags_and_a_rename_is_an_edit() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let rows: String = (0..300)
        .map(|n| {
            let tags = ["all".to_owned(), format!("t{}", n % 7)];
            let row =
                json!({"external_id": format!("x{n}"), "title": "T", "tags": tags, "status": "published"});
            format!("{row}\n")
        })
        .collect();
    let import = async |query: &str| {
        let request = editor.request(Method::POST, &format!("{ARTICLES}/import{query}"));
        request.labelled("application/x-ndjson", rows.clone()).send().await.data(200)
    };
    import("").await;
    assert_eq!(counts(&anon, "page_size=3").await, "all:300 t0:43 t1:43");
    editor.patch(&at("t0"), json!({"tag": "zero"})).await.expect(200);
    let again = import("?keep_edited=true").await;
    assert_eq!(again["unchanged"], 257, "{again}");
    assert_eq!(anon.get(&at("zero")).await.data(200)["count"], 43);
    import("").await;
    assert_eq!(
        (anon.get(&at("zero")).await.status, counts(&anon, "prefix=t0").await.as_str()),
        (404, "t0:43")
    );
}

#[actix_web::test]
async fn no_list_of_tags_reads_all_of_them() {
    let (app, _) = TestApp::start().await;
    // A statement has five seconds.
    for from in (1..50_000).step_by(5_000) {
        let to = from + 4_999;
        app.db_execute(&format!(
            "INSERT INTO tag_counts SELECT 't' || md5(n::text), n % 977 + 1 FROM generate_series({from}, {to}) n"
        ))
        .await;
    }
    app.db_execute(
        "INSERT INTO tag_changes (tag, change) SELECT 't' || md5(n::text), 1 FROM generate_series(1, 200) n",
    )
    .await;
    app.db_execute("VACUUM (ANALYZE) tag_counts").await;
    app.db_execute("VACUUM (ANALYZE) tag_changes").await;
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let conn = app.shared.app.long_reader().await.unwrap();
    for (sort, prefix) in [
        (TagSort::CountDown, None),
        (TagSort::Tag, None),
        (TagSort::Tag, Some("tab")),
        (TagSort::CountDown, Some("tab")),
    ] {
        let order = queries::order(sort);
        let middle: Vec<String> = order
            .iter()
            .map(|column| if column.name == "count" { "500".to_owned() } else { "tabc".to_owned() })
            .collect();
        for keys in [None, Some(middle)] {
            let slice = PageSlice { order: order.clone(), keys, backwards: false, limit: 21, offset: 0 };
            let (conditions, text) = queries::list_statement(prefix, &slice);
            let text = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {text}");
            let line: Line = conditions.statement(text).get_result(&mut &*conn).await.unwrap();
            let mut open = vec![&line.plan[0]["Plan"]];
            while let Some(node) = open.pop() {
                open.extend(node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default());
                let number = |name: &str| node[name].as_f64().unwrap_or_default();
                let read =
                    (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
                assert!(
                    node["Relation Name"] != "tag_counts" || read < 1_000.0,
                    "{sort:?} {prefix:?}: {node}"
                );
            }
        }
    }
}
