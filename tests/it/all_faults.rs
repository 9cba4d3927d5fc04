//! One answer names all faults of a query string or of a body, each once.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp};

fn sorted(answer: &Answer) -> Vec<(String, String)> {
    let mut faults = answer.faults();
    faults.sort();
    faults
}

/// Fails unless `answer` has just these faults.
#[track_caller]
fn assert_faults(answer: &Answer, wanted: &[(&str, &str)]) {
    let wanted: Vec<_> = wanted.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
    assert_eq!(sorted(answer), wanted, "{}", answer.text());
}

/// Markup that no sanitiser reads in reasonable time.
fn unreadable() -> String {
    "<div>".repeat(250)
}

#[actix_web::test]
async fn a_query_string_is_refused_with_all_its_faults() {
    let (_app, anon) = TestApp::start().await;
    let query = "/api/v1/articles?catgory=x&page_size=0&sort=x&fields=bdoy&author=&author=&page=600&tag=&published_from=now";
    let answer = anon.get(query).await.expect(400);
    assert_faults(
        &answer,
        &[
            ("author", "repeated_parameter"),
            ("catgory", "unknown_parameter"),
            ("fields", "invalid_parameter"),
            ("page_size", "invalid_parameter"),
            ("published_from", "invalid_parameter"),
            ("sort", "invalid_parameter"),
            ("tag", "invalid_parameter"),
        ],
    );
    assert_eq!(answer.problem().1, "invalid_parameter");
}

#[actix_web::test]
async fn a_page_that_there_cannot_be_is_told_beside_other_faults() {
    let (_app, anon) = TestApp::start().await;
    let deep = anon.get("/api/v1/articles?pag=1&page=501").await.expect(400);
    assert_faults(&deep, &[("pag", "unknown_parameter"), ("page", "page_too_deep")]);
    let both = anon.get("/api/v1/notices?kind=x&page=1&cursor=abc").await.expect(400);
    assert_faults(&both, &[("kind", "invalid_parameter"), ("page", "invalid_parameter")]);
    let sorted = "/api/v1/articles?sort=title,-title&category=nowhere";
    let answer = anon.get(sorted).await.expect(400);
    assert_faults(&answer, &[("category", "invalid_parameter"), ("sort", "invalid_parameter")]);
    let cursor = anon.get("/api/v1/articles?cursor=abc&category=nowhere").await.expect(400);
    assert_faults(&cursor, &[("category", "invalid_parameter"), ("cursor", "invalid_cursor")]);
}

#[actix_web::test]
async fn every_operation_with_parameters_tells_all_faults_of_them() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (method, path, wanted) in [
        (Method::GET, "/api/v1/audit?actor=x&page_size=x&at=y", ["actor", "at", "page_size"]),
        (Method::GET, "/api/v1/members?role=x&count=2&rol=y", ["count", "rol", "role"]),
        (Method::GET, "/api/v1/articles/export?format=x&status=y&formt=z", ["format", "formt", "status"]),
        (
            Method::GET,
            "/api/v1/articles/some-slug?include=x&fields=y&feilds=z",
            ["feilds", "fields", "include"],
        ),
        (Method::POST, "/api/v1/notices/import?mode=x&skip=-1&mod=y", ["mod", "mode", "skip"]),
    ] {
        let answer = admin.request(method, path).send().await.expect(400);
        let places: Vec<String> = sorted(&answer).into_iter().map(|(at, _)| at).collect();
        assert_eq!(places, wanted, "{path}");
    }
}

#[actix_web::test]
async fn faults_of_an_article_that_no_schema_tells_are_told_beside_those_that_it_tells() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body = json!({"slug": "import", "body": unreadable(), "category": "nowhere", "views": -1, "tilte": "T",
        "extra": {"f": "x".repeat(20_000)}});
    let wanted = [
        ("/body", "invalid_format"),
        ("/category", "unknown_reference"),
        ("/extra", "too_long"),
        ("/slug", "invalid_format"),
        ("/tilte", "unknown_field"),
        ("/title", "missing_field"),
        ("/views", "out_of_range"),
    ];
    assert_faults(&editor.post("/api/v1/articles", body.clone()).await.expect(422), &wanted);
    let mut put = body.clone();
    put["external_id"] = json!("other");
    let answer = editor.put("/api/v1/articles/by-external-id/x-1", put).await.expect(422);
    assert_faults(&answer, &[&wanted[..2], &[("/external_id", "invalid_format")], &wanted[2..]].concat());
    let article = editor.post("/api/v1/articles", json!({"title": "T"})).await.data(201);
    let path = format!("/api/v1/articles/{}", article["id"].as_str().unwrap());
    let without_title: Vec<_> = wanted.into_iter().filter(|(at, _)| *at != "/title").collect();
    assert_faults(&editor.patch(&path, body).await.expect(422), &without_title);
    let format = json!({"body_format": "markdown", "status": "publishd", "slug": "export"});
    assert_faults(
        &editor.patch(&path, format).await.expect(422),
        &[("/body_format", "invalid_format"), ("/slug", "invalid_format"), ("/status", "unknown_value")],
    );
    assert_eq!(editor.get(&path).await.data(200), article, "nothing was written");
}

#[actix_web::test]
async fn what_rendering_makes_too_long_is_told_beside_other_faults() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    // Clean HTML has five characters for each of the last ones.
    let text = "x".repeat(195_000) + &"&".repeat(2_000);
    let body = json!({"body": text, "kind": "rumour", "title": "T"});
    let answer = editor.post("/api/v1/notices", body).await.expect(422);
    assert_faults(&answer, &[("/body", "too_long"), ("/kind", "unknown_value")]);
}

#[actix_web::test]
async fn faults_of_a_notice_that_no_schema_tells_are_told_beside_those_that_it_tells() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let window = json!({"published_at": "2020-01-02T00:00:00Z", "expires_at": "2020-01-01T00:00:00Z"});
    let with_window = |more: Value| {
        let mut body = window.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let body = with_window(json!({"kind": "notice", "title": "", "body": unreadable()}));
    let wanted = [("/body", "invalid_format"), ("/expires_at", "out_of_range"), ("/title", "too_short")];
    assert_faults(&editor.post("/api/v1/notices", body).await.expect(422), &wanted);
    let plain = with_window(json!({"kind": "notice", "title": "T", "body": unreadable()}));
    assert_faults(&editor.post("/api/v1/notices", plain).await.expect(422), &wanted[..2]);
    let notice = editor.post("/api/v1/notices", json!({"kind": "notice", "title": "T"})).await.data(201);
    let path = format!("/api/v1/notices/{}", notice["id"].as_str().unwrap());
    let format = with_window(json!({"body_format": "markdown"}));
    let wanted = [("/body_format", "invalid_format"), ("/expires_at", "out_of_range")];
    assert_faults(&editor.patch(&path, format).await.expect(422), &wanted);
    let more = with_window(json!({"body_format": "markdown", "pinned": 1}));
    let wanted = [wanted[0], wanted[1], ("/pinned", "wrong_type")];
    assert_faults(&editor.patch(&path, more).await.expect(422), &wanted);
    // The other end of the window is that of the notice.
    let opened = json!({"status": "published", "published_at": "2020-01-02T00:00:00Z"});
    editor.patch(&path, opened).await.expect(200);
    let ends = json!({"expires_at": "2020-01-01T00:00:00Z", "titel": "x"});
    let wanted = [("/expires_at", "out_of_range"), ("/titel", "unknown_field")];
    assert_faults(&editor.patch(&path, ends).await.expect(422), &wanted);
}

#[actix_web::test]
async fn faults_of_a_category_that_no_schema_tells_are_told_beside_those_that_it_tells() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body = json!({"slug": "import", "parent": "nowhere", "position": -1});
    let wanted = [
        ("/name", "missing_field"),
        ("/parent", "unknown_reference"),
        ("/position", "out_of_range"),
        ("/slug", "invalid_format"),
    ];
    assert_faults(&editor.post("/api/v1/categories", body.clone()).await.expect(422), &wanted);
    editor.post("/api/v1/categories", json!({"name": "A", "slug": "a"})).await.expect(201);
    assert_faults(&editor.patch("/api/v1/categories/a", body).await.expect(422), &wanted[1..]);
    let into_itself = json!({"slug": "import", "parent": "a"});
    let wanted = [("/parent", "category_cycle"), ("/slug", "invalid_format")];
    assert_faults(&editor.patch("/api/v1/categories/a", into_itself.clone()).await.expect(422), &wanted);
    let mut more = into_itself;
    more["nmae"] = json!("x");
    let wanted = [("/nmae", "unknown_field"), wanted[0], wanted[1]];
    assert_faults(&editor.patch("/api/v1/categories/a", more).await.expect(422), &wanted);
}

async fn post(client: &Client, path: &str, body: Value, wanted: &[(&str, &str)]) {
    assert_faults(&client.post(path, body).await.expect(422), wanted);
}

#[actix_web::test]
async fn faults_of_accounts_that_no_schema_tells_are_told_beside_those_that_it_tells() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let weak = [("/nmae", "unknown_field"), ("/password", "weak_password")];
    post(
        &anon,
        "/api/v1/auth/password/reset",
        json!({"token": "x", "password": "password1", "nmae": ""}),
        &weak,
    )
    .await;
    let wanted = [("/password", "weak_password"), ("/token", "missing_field")];
    post(&anon, "/api/v1/auth/password/reset", json!({"password": "password1"}), &wanted).await;
    let wanted = [("/current_password", "missing_field"), ("/new_password", "weak_password")];
    post(&admin, "/api/v1/auth/password/change", json!({"new_password": "password1"}), &wanted).await;
    let wanted = [("/email", "invalid_format"), ("/password", "wrong_type")];
    post(
        &admin,
        "/api/v1/auth/email/change",
        json!({"email": "a\u{200b}b@example.org", "password": 1}),
        &wanted,
    )
    .await;
    let wanted =
        [("/display_name", "wrong_type"), ("/email", "missing_field"), ("/password", "weak_password")];
    for path in ["/api/v1/auth/register", "/api/v1/members"] {
        post(
            if path.ends_with("register") { &anon } else { &admin },
            path,
            json!({"display_name": 1, "password": "password1"}),
            &wanted,
        )
        .await;
    }
    let key = json!({"name": "", "scopes": ["articles:read"], "expires_at": "2001-01-01T00:00:00Z"});
    let wanted = [("/expires_at", "out_of_range"), ("/name", "too_short")];
    post(&admin, "/api/v1/api-keys", key, &wanted).await;
    let site = json!({"base_url": "http://a:99999", "name": ""});
    let wanted = [("/base_url", "invalid_format"), ("/name", "too_short")];
    assert_faults(&admin.patch("/api/v1/site", site).await.expect(422), &wanted);
}
