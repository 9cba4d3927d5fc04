//! Requests that a client has named act once.

use futures::future::join_all;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp};

const CREATORS: [(&str, &str); 3] = [
    ("/api/v1/articles", r#"{"title": "Once", "body": "<p>Once</p>", "status": "published"}"#),
    ("/api/v1/categories", r#"{"name": "Once"}"#),
    ("/api/v1/notices", r#"{"kind": "notice", "title": "Once", "status": "published"}"#),
];

async fn post(client: &Client, path: &str, key: &str, body: &str) -> Answer {
    let body: Value = serde_json::from_str(body).unwrap();
    client.request(Method::POST, path).header("idempotency-key", key).json(&body).send().await
}

async fn count(client: &Client, path: &str) -> usize {
    client.get(path).await.data(200).as_array().unwrap().len()
}

#[actix_web::test]
async fn a_repeated_request_gets_the_first_answer_and_does_nothing() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (path, body) in CREATORS {
        let first = post(&editor, path, &format!("one-{path}"), body).await.expect(201);
        // Whatever became of it: the answer is the one that the client has missed.
        editor.delete(first.header("location")).await.expect(204);
        let again = post(&editor, path, &format!("one-{path}"), body).await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes), "{path}");
        for header in ["etag", "location", "content-type", "cache-control"] {
            assert_eq!(again.header(header), first.header(header), "{path} {header}");
        }
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(first.header("idempotency-replayed"), "");
        assert_eq!(count(&anon, path).await, 0, "{path}");
        post(&editor, path, &format!("two-{path}"), body).await.expect(201);
        assert_eq!(count(&anon, path).await, 1, "{path}");
        // A name is given to one request.
        editor
            .request(Method::POST, path)
            .header("idempotency-key", &format!("one-{path}"))
            .json(&json!({"x": 1}))
            .send()
            .await
            .expect(422);
    }
}

#[actix_web::test]
async fn a_repeated_answer_with_warnings_says_in_which_language_they_are() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body = json!({"kind": "notice", "title": "a", "body": "<font>b</font>"});
    for (path, body) in
        [("/api/v1/notices", &body), ("/api/v1/articles", &json!({"title": "a", "body": body["body"]}))]
    {
        let post = async |language: &str| {
            let request = editor.request(Method::POST, path).header("idempotency-key", &format!("w-{path}"));
            request.header("accept-language", language).json(body).send().await.expect(201)
        };
        let (first, again) = (post("zh").await, post("en").await);
        assert_eq!(again.bytes, first.bytes);
        assert_eq!((first.header("content-language"), again.header("content-language")), ("zh-CN", "zh-CN"));
        assert_eq!(again.header("vary"), first.header("vary"));
        assert!(first.header("vary").contains("Accept-Language"), "{}", first.header("vary"));
    }
    // What holds no sentence has no language.
    let (path, body) = CREATORS[1];
    post(&editor, path, "n", body).await.expect(201);
    let again = post(&editor, path, "n", body).await;
    assert_eq!((again.header("idempotency-replayed"), again.header("content-language")), ("true", ""));
}

#[actix_web::test]
async fn a_name_is_for_one_request_of_one_caller() {
    let (app, _) = TestApp::start().await;
    let [editor, other] = [app.db_member(Role::Editor).await, app.db_member(Role::Editor).await];
    let [(articles, body), (categories, category), _] = CREATORS;
    let first = post(&editor, articles, "n", body).await.data(201);
    let mismatch = (422, "idempotency_mismatch".to_owned());
    assert_eq!(post(&editor, articles, "n", r#"{"title": "Other", "body": ""}"#).await.problem(), mismatch);
    assert_eq!(post(&editor, categories, "n", category).await.problem(), mismatch);
    assert_ne!(post(&other, articles, "n", body).await.data(201)["id"], first["id"]);
    for key in ["", " ", "a b", "ä", &"x".repeat(256)] {
        let answer = post(&editor, articles, key, body).await;
        assert_eq!(answer.problem(), (400, "invalid_parameter".to_owned()), "{key}");
    }
    post(&editor, articles, &"x".repeat(255), body).await.expect(201);
}

#[actix_web::test]
async fn a_request_that_failed_can_be_sent_again_under_its_name() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let (path, body) = ("/api/v1/categories", r#"{"name": "Inner", "parent": "outer"}"#);
    post(&editor, path, "n", body).await.expect(422);
    editor.category("outer", None).await;
    let made = post(&editor, path, "n", body).await.expect(201);
    assert_eq!(made.header("idempotency-replayed"), "");
}

#[actix_web::test]
async fn of_many_at_once_on_two_nodes_one_acts() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let (_node, there) = TestApp::start_on(app.db.clone(), &[]).await;
    let mut there = there;
    there.token.clone_from(&editor.token);
    let (path, body) = CREATORS[0];
    for round in 0..5 {
        let key = format!("round {round}").replace(' ', "-");
        let sent =
            (0..8).map(|number| post(if number % 2 == 0 { &editor } else { &there }, path, &key, body));
        let answers = join_all(sent).await;
        let made = answers
            .iter()
            .filter(|answer| answer.status == 201 && answer.header("idempotency-replayed").is_empty());
        assert_eq!(made.count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(answer.problem(), (409, "idempotency_in_flight".to_owned()));
        }
        assert_eq!(count(&anon, path).await, round + 1);
    }
}

#[actix_web::test]
async fn a_restored_article_can_be_restored_again_under_the_same_name() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = editor.article("Once", None).await;
    let path = format!("/api/v1/articles/{}", article["id"].as_str().unwrap());
    editor.delete(&path).await.expect(204);
    let restore = format!("{path}/restore");
    let sent = || editor.request(Method::POST, &restore).header("idempotency-key", "r").send();
    let first = sent().await.expect(200);
    let again = sent().await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &first.bytes));
    editor.act(&restore).await.expect(404);
}

#[actix_web::test]
async fn answers_are_kept_for_a_day() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let (path, body) = CREATORS[1];
    let first = post(&editor, path, "n", body).await.data(201);
    let sweep = async || {
        app.shared
            .app
            .write(async |tx| Ok(inkstone::idempotency::queries::delete_old_answers(tx).await?))
            .await
            .unwrap();
    };
    app.db_execute("UPDATE idempotency_keys SET created_at = now() - interval '23 hours 59 minutes'").await;
    sweep().await;
    assert_eq!(post(&editor, path, "n", body).await.data(201)["id"], first["id"]);
    app.db_execute("UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 minute'").await;
    sweep().await;
    assert_ne!(post(&editor, path, "n", body).await.data(201)["id"], first["id"]);
}
