//! Characters that nobody sees, in emails, names and titles.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::TestApp;

/// One of each kind: a directional override, an isolate, a zero-width space, a mark, a joiner of
/// words, a byte order mark, a soft hyphen, a filler, a tag, a line separator, a control character.
const HIDDEN: [&str; 11] = [
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{200f}",
    "\u{2060}",
    "\u{feff}",
    "\u{ad}",
    "\u{3164}",
    "\u{e0041}",
    "\u{2028}",
    "\u{9b}",
];

/// The names and titles of single writes: method, path, body without them, and their pointers.
fn writes(
    article: &str,
    category: &str,
    notice: &str,
    member: &str,
) -> Vec<(Method, String, Value, &'static [&'static str])> {
    let v1 = |path: &str| format!("/api/v1/{path}");
    let account = json!({"email": "ada@example.org", "password": "three long words"});
    vec![
        (
            Method::POST,
            v1("articles"),
            json!({"title": "x"}),
            &["/title", "/author", "/source_name", "/tags/0"],
        ),
        (
            Method::PATCH,
            v1(&format!("articles/{article}")),
            json!({}),
            &["/title", "/author", "/source_name", "/tags/0"],
        ),
        (Method::PUT, v1("articles/by-external-id/x"), json!({"title": "x"}), &["/title", "/author"]),
        (Method::POST, v1("categories"), json!({"name": "x"}), &["/name"]),
        (Method::PATCH, v1(&format!("categories/{category}")), json!({}), &["/name"]),
        (Method::POST, v1("notices"), json!({"title": "x", "kind": "notice"}), &["/title"]),
        (Method::PATCH, v1(&format!("notices/{notice}")), json!({}), &["/title"]),
        (Method::PATCH, v1("site"), json!({}), &["/name", "/tagline"]),
        (Method::POST, v1("auth/register"), account.clone(), &["/display_name", "/email"]),
        (Method::POST, v1("members"), account, &["/display_name", "/email"]),
        (Method::PATCH, v1(&format!("members/{member}")), json!({}), &["/display_name"]),
        (Method::PATCH, v1("members/me"), json!({}), &["/display_name", "/phone", "/organisation", "/title"]),
        (Method::POST, v1("api-keys"), json!({"name": "x", "scopes": ["articles:read"]}), &["/name"]),
    ]
}

/// `body` with `text` at `pointer`.
fn with(body: &Value, pointer: &str, text: &str) -> Value {
    let mut body = body.clone();
    match pointer {
        "/tags/0" => body["tags"] = json!([text]),
        "/email" => body["email"] = json!(format!("{text}@example.org")),
        name => body[&name[1..]] = json!(text),
    }
    body
}

#[actix_web::test]
async fn no_name_title_or_email_has_characters_that_nobody_sees() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let id = |thing: Value| thing["id"].as_str().unwrap().to_owned();
    let article = id(admin.article("one", None).await);
    let category = id(admin.category("one", None).await);
    let notice = json!({"title": "one", "kind": "notice"});
    let notice = id(admin.post("/api/v1/notices", notice).await.data(201));
    let member = app.db_member(Role::Member).await.id.unwrap().to_string();
    for (at, (method, path, body, pointers)) in
        writes(&article, &category, &notice, &member).into_iter().enumerate()
    {
        for (number, pointer) in pointers.iter().enumerate() {
            // Each write tries some of them, so that all are tried.
            for hidden in [HIDDEN[(at + number) % HIDDEN.len()], HIDDEN[(at + number + 5) % HIDDEN.len()]] {
                let body = with(&body, pointer, &format!("ad{hidden}a"));
                let answer = admin.request(method.clone(), &path).json(&body).send().await.expect(422);
                let expected = [((*pointer).to_owned(), "invalid_format".to_owned())];
                assert_eq!(answer.faults(), expected, "{method} {path}: {}", hidden.escape_unicode());
            }
        }
    }
    let nested = json!({"share_targets": [{"id": "x", "name": "a\u{202e}b", "url": "https://example.org"}]});
    let answer = admin.patch("/api/v1/site", nested).await.expect(422);
    assert_eq!(answer.faults(), [("/share_targets/0/name".to_owned(), "invalid_format".to_owned())]);
}

#[actix_web::test]
async fn joiners_that_scripts_need_are_kept_in_names_and_refused_in_emails() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for title in ["نامه\u{200c}ای", "ක්\u{200d}ර", "👩\u{200d}🔬", "葛\u{e0100}"] {
        let made = admin.post("/api/v1/articles", json!({"title": title, "tags": [title]})).await.data(201);
        assert_eq!((&made["title"], &made["tags"][0]), (&json!(title), &json!(title)));
    }
    for email in [
        "a\u{200d}da@example.org",
        "ada\u{fe0f}@example.org",
        "ada@exa\u{200c}mple.org",
        "ada@exam\u{ad}ple.org",
    ] {
        let body = json!({"email": email, "password": "three long words"});
        let answer = admin.post("/api/v1/members", body).await.expect(422);
        assert_eq!(answer.faults(), [("/email".to_owned(), "invalid_format".to_owned())], "{email}");
    }
}
