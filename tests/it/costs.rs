//! What one request may cost: however hostile, it is small work and a small answer.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::cluster::bare_database;
use crate::harness::machine::{ask, execute};
use crate::harness::{Client, TestApp};

const LOGIN: &str = "/api/v1/auth/login";
const ARTICLES: &str = "/api/v1/articles";

async fn editor() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    (app, editor)
}

#[actix_web::test]
async fn an_answer_does_not_grow_with_the_faults_of_a_body() {
    let (_app, anon) = TestApp::start().await;
    let long = "k".repeat(5_000);
    let repeated = "\"\":0,".repeat(1_000);
    let body = format!("{{\"{long}\": {{{repeated}\"x\":0}}}}");
    let answer = anon.request(Method::POST, LOGIN).raw(body).send().await;
    assert_eq!(answer.status, 422);
    assert!(answer.bytes.len() < 40_000, "{} bytes", answer.bytes.len());
    let unknown: serde_json::Map<_, _> = (0..5_000).map(|n| (format!("key{n}"), json!(0))).collect();
    let answer = anon.post(LOGIN, unknown.into()).await;
    assert_eq!((answer.status, answer.faults().len()), (422, 100));
}

#[actix_web::test]
async fn a_query_string_has_a_bounded_number_of_parameters() {
    let (_app, anon) = TestApp::start().await;
    let query: Vec<String> = (0..513).map(|n| format!("p{n}=1")).collect();
    let answer = anon.get(&format!("{ARTICLES}?{}", query.join("&"))).await;
    assert_eq!(answer.problem(), (400, "bad_request".to_owned()));
    let answer = anon.get(&format!("{ARTICLES}?{}", query[..512].join("&"))).await;
    assert_eq!(answer.problem(), (400, "unknown_parameter".to_owned()));
}

#[actix_web::test]
async fn a_body_that_no_parser_bears_is_refused_where_it_stands() {
    let (_app, editor) = editor().await;
    let attributes: String = (0..10_000).map(|n| format!(" a{n}")).collect();
    let hostile = [
        ("<div>".repeat(20_000), "html"),
        ("<div><!--</div>-->".repeat(5_000), "html"),
        (">".repeat(20_000), "markdown"),
        (format!("<p{attributes}>"), "html"),
        ("&".repeat(60_000), "text"),
    ];
    for (body, format) in hostile {
        let article = json!({"title": "Deep", "body": body, "body_format": format});
        assert_eq!(
            editor.post(ARTICLES, article).await.faults(),
            [("/body".to_owned(), "invalid_format".to_owned())]
        );
        let notice = json!({"kind": "notice", "title": "Deep", "body": body, "body_format": format});
        let answer = editor.post("/api/v1/notices", notice).await;
        assert_eq!(answer.faults(), [("/body".to_owned(), "invalid_format".to_owned())]);
    }
}

#[actix_web::test]
async fn a_long_text_without_nesting_is_taken() {
    let (_app, editor) = editor().await;
    let body = "<p>潮水每天来两次。</p>".repeat(20_000);
    let article = editor.post(ARTICLES, json!({"title": "Long", "body": body})).await.data(201);
    assert_eq!(article["body"], body);
}

#[actix_web::test]
async fn the_category_tree_has_sixteen_levels_at_most() {
    let (_app, editor) = editor().await;
    let mut parent: Option<String> = None;
    for level in 1..=16 {
        let slug = format!("level-{level}");
        editor.category(&slug, parent.as_deref()).await;
        parent = Some(slug);
    }
    let below = json!({"name": "too deep", "parent": "level-16"});
    let refused = [("/parent".to_owned(), "out_of_range".to_owned())];
    assert_eq!(editor.post("/api/v1/categories", below).await.expect(422).faults(), refused);
    editor.category("other", None).await;
    let moved = editor.patch("/api/v1/categories/level-1", json!({"parent": "other"})).await;
    assert_eq!(moved.expect(422).faults(), refused);
    editor.patch("/api/v1/categories/level-2", json!({"parent": "other"})).await.expect(200);
}

#[actix_web::test]
async fn faults_of_every_kind_come_together() {
    let (_app, editor) = editor().await;
    let body =
        json!({"title": "T", "slug": "import", "category": "nowhere", "extra": {"x": "y".repeat(17_000)}});
    let places: Vec<String> =
        editor.post(ARTICLES, body).await.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/category", "/slug", "/extra"]);
    let category = json!({"name": "N", "slug": "import", "parent": "nowhere"});
    assert_eq!(editor.post("/api/v1/categories", category).await.faults().len(), 2);
    let member = json!({"email": "nobody", "password": "nobody  "});
    assert_eq!(editor.post("/api/v1/auth/register", member).await.problem().0, 422);
}

#[actix_web::test]
async fn a_walk_by_number_goes_on_by_cursor_where_numbers_end() {
    let (app, anon) = TestApp::start().await;
    app.db_execute(
        "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
         SELECT gen_random_uuid(), 's-' || n, 'T', '', '', 1, 'published', now() - n * interval '1 second'
         FROM generate_series(1, 10050) n",
    )
    .await;
    let last = anon.get(&format!("{ARTICLES}?page_size=100&page=100")).await.expect(200);
    let link = last.header("link").split(", ").find(|link| link.contains("rel=\"next\"")).unwrap().to_owned();
    let next = link.split(['<', '>']).nth(1).unwrap();
    assert_eq!(anon.get(next).await.data(200).as_array().unwrap().len(), 50);
}

#[actix_web::test]
async fn no_connection_lets_postgresql_compile_plans_unless_its_url_says_so() {
    let db = bare_database().await;
    // As an installation of PostgreSQL has it.
    execute(
        &db.url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = on', current_database()); END $$",
    )
    .await;
    assert_eq!(ask(&db.url, "current_setting('jit')").await, "off");
    assert_eq!(ask(&db.url, "current_setting('random_page_cost')").await, "1.1");
    let separator = if db.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-c%20jit%3Don", db.url);
    assert_eq!(ask(&url, "current_setting('jit')").await, "on");
}
