//! The audit trail: a line for every change, and none for what was refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Cast, Client, TestApp, column};
use crate::members::{PASSWORD, walked};

const AUDIT: &str = "/api/v1/audit";

/// The lines that the request behind `answer` left.
async fn rows(admin: &Client, answer: &Answer) -> Vec<Value> {
    let page = admin.get(&format!("{AUDIT}?page_size=100")).await.data(200);
    let id = answer.header("x-request-id");
    page.as_array().unwrap().iter().filter(|row| row["request_id"] == id).cloned().collect()
}

/// The only line that a request left, as `action entity fields`; it names `actor` and the thing.
async fn line(cast: &Cast, actor: &Client, answer: &Answer) -> String {
    let rows = rows(&cast.admin, answer).await;
    assert_eq!(rows.len(), 1, "{}: {rows:#?}", answer.text());
    assert_eq!((&rows[0]["actor_kind"], &rows[0]["actor_id"]), (&json!("member"), &json!(actor.id)));
    if !answer.bytes.is_empty() {
        assert_eq!(rows[0]["entity_id"], thing(&rows[0], answer));
    }
    let text = |key: &str| rows[0][key].as_str().unwrap().to_owned();
    format!("{} {} {}", text("action"), text("entity"), column_of(&rows[0]["fields"]))
}

/// The id in an answer. The site shows none, so its line's is taken.
fn thing(row: &Value, answer: &Answer) -> Value {
    let id = answer.json()["data"]["id"].clone();
    if id.is_null() { row["entity_id"].clone() } else { id }
}

fn column_of(fields: &Value) -> String {
    let mut fields: Vec<&str> = fields.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    fields.sort_unstable();
    fields.join(",")
}

#[actix_web::test]
async fn each_change_of_an_article_leaves_one_line() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let (author, editor, admin) = (&cast.author, &cast.editor, &cast.admin);
    let made = author.post("/api/v1/articles", json!({"title": "a"})).await.expect(201);
    assert_eq!(line(&cast, author, &made).await, "create article ");
    let path = "/api/v1/articles/a";
    let put = "/api/v1/articles/by-external-id/x";
    for (who, answer, wanted) in [
        (author, author.patch(path, json!({"title": "b", "tags": ["t"]})).await, "update article tags,title"),
        (
            editor,
            editor.patch(path, json!({"status": "published"})).await,
            "update article published_at,status",
        ),
        (admin, admin.patch(path, json!({"views": 7})).await, "update article views"),
        (editor, editor.delete(path).await, "delete article "),
        (editor, editor.act(&format!("{path}/restore")).await, "restore article "),
        (editor, editor.put(put, json!({"title": "p"})).await, "create article "),
        (editor, editor.put(put, json!({"title": "q"})).await, "update article title"),
    ] {
        assert_eq!(line(&cast, who, &answer).await, wanted);
    }
}

#[actix_web::test]
async fn each_change_of_a_category_leaves_one_line() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let (editor, path) = (&cast.editor, "/api/v1/categories/a");
    editor.category("z", None).await;
    for (answer, wanted) in [
        (editor.post("/api/v1/categories", json!({"name": "a"})).await, "create category "),
        (editor.patch(path, json!({"parent": "z", "position": 4})).await, "update category parent,position"),
        (editor.delete(path).await, "delete category "),
    ] {
        assert_eq!(line(&cast, editor, &answer).await, wanted);
    }
}

#[actix_web::test]
async fn what_a_deleted_category_hands_over_has_a_line_each() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (slug, parent) in [("a", None), ("b", Some("a")), ("z", None)] {
        cast.editor.category(slug, parent).await;
    }
    cast.editor.article("x", Some("a")).await;
    cast.editor.article("y", Some("a")).await;
    let answer = cast.editor.delete("/api/v1/categories/a?move_to=z").await.expect(204);
    let rows = rows(&cast.admin, &answer).await;
    let mut said: Vec<String> = rows
        .iter()
        .map(|row| {
            format!("{} {} {}", row["action"], row["entity"], column_of(&row["fields"])).replace('"', "")
        })
        .collect();
    said.sort();
    let article = "update article category";
    assert_eq!(said, ["delete category ", article, article, "update category parent"]);
    assert!(rows.iter().all(|row| row["transaction_id"] == rows[0]["transaction_id"]));
}

#[actix_web::test]
async fn each_change_of_a_notice_leaves_one_line() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let editor = &cast.editor;
    let made = editor.post("/api/v1/notices", json!({"kind": "notice", "title": "a"})).await.expect(201);
    let path = format!("/api/v1/notices/{}", made.json()["data"]["id"].as_str().unwrap());
    for (answer, wanted) in [
        (made, "create notice "),
        (
            editor.patch(&path, json!({"pinned": true, "audience": "members"})).await,
            "update notice audience,pinned",
        ),
        (editor.delete(&path).await, "delete notice "),
        (editor.act(&format!("{path}/restore")).await, "restore notice "),
    ] {
        assert_eq!(line(&cast, editor, &answer).await, wanted);
    }
}

#[actix_web::test]
async fn each_change_of_a_member_or_the_site_leaves_one_line() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let (admin, member) = (&cast.admin, &cast.member);
    let path = format!("/api/v1/members/{}", member.id.unwrap());
    let account = json!({"email": "a@example.org", "password": PASSWORD});
    for (who, answer, wanted) in [
        (admin, admin.post("/api/v1/members", account).await, "create member "),
        (member, member.patch("/api/v1/members/me", json!({"bio": "x"})).await, "update member bio"),
        (admin, admin.patch(&path, json!({"role": "author"})).await, "update member role"),
        (admin, admin.patch(&path, json!({"status": "suspended"})).await, "update member status"),
        (admin, admin.delete(&path).await, "delete member "),
        (admin, admin.patch("/api/v1/site", json!({"name": "x"})).await, "update site name"),
    ] {
        assert_eq!(line(&cast, who, &answer).await, wanted);
    }
}

#[actix_web::test]
async fn registering_signing_in_and_out_leave_a_line_each() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let account = json!({"email": "a@example.org", "password": PASSWORD});
    let registered = anon.post("/api/v1/auth/register", account.clone()).await.expect(201);
    let row = rows(&cast.admin, &registered).await.pop().unwrap();
    assert_eq!((&row["actor_kind"], &row["actor_id"]), (&json!("visitor"), &json!(null)));
    assert_eq!((&row["action"], &row["entity"]), (&json!("create"), &json!("member")));
    let login = anon.post("/api/v1/auth/login", account).await.expect(200);
    let session = login.json()["data"].clone();
    let row = rows(&cast.admin, &login).await.pop().unwrap();
    assert_eq!((&row["actor_id"], &row["entity"]), (&session["member"]["id"], &json!("session")));
    let member = Client::new(&app.url, session["access_token"].as_str().map(str::to_owned));
    let ended = rows(&cast.admin, &member.act("/api/v1/auth/logout").await).await.pop().unwrap();
    assert_eq!((&ended["action"], &ended["entity_id"]), (&json!("delete"), &row["entity_id"]));
}

#[actix_web::test]
async fn what_was_refused_or_changes_nothing_leaves_no_line() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let editor = &cast.editor;
    editor.category("a", None).await;
    let notice = json!({"kind": "notice", "title": "a", "status": "published"});
    let notice = editor.post("/api/v1/notices", notice).await.data(201);
    let notice = format!("/api/v1/notices/{}", notice["id"].as_str().unwrap());
    let category = "/api/v1/categories/a";
    let stale = editor.request(Method::DELETE, category).header("if-match", "\"9\"");
    let wrong = json!({"email": "nobody@example.org", "password": PASSWORD});
    for (answer, status) in [
        (editor.post("/api/v1/categories", json!({"name": "x", "slug": "a"})).await, 409),
        (editor.patch(&notice, json!({"title": "b", "expires_at": "2001-01-01T00:00:00Z"})).await, 422),
        (stale.send().await, 412),
        (cast.author.patch(category, json!({"name": "b"})).await, 403),
        (anon.patch(category, json!({"name": "b"})).await, 401),
        (anon.post("/api/v1/auth/login", wrong).await, 401),
        (editor.patch("/api/v1/categories/none", json!({"name": "b"})).await, 404),
        (editor.patch(category, json!({"name": "a"})).await, 200),
        (editor.get(category).await, 200),
    ] {
        assert_eq!(rows(&cast.admin, &answer.clone().expect(status)).await, [json!(null); 0]);
    }
}

#[actix_web::test]
async fn a_change_whose_line_cannot_be_written_does_not_happen() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.category("a", None).await;
    app.db_execute("ALTER TABLE changes ADD CHECK (entity <> 'category') NOT VALID").await;
    let failed = cast.editor.post("/api/v1/categories", json!({"name": "b"})).await.expect(500);
    assert_eq!(failed.json()["detail"], json!(null), "a fault of ours shows nothing");
    cast.editor.delete("/api/v1/categories/a").await.expect(500);
    assert_eq!(column(&anon.get("/api/v1/categories").await.data(200), "slug"), ["a"]);
}

#[actix_web::test]
async fn a_line_names_fields_and_never_what_is_in_them() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let secret = "sesame-opens-this";
    cast.member.patch("/api/v1/members/me", json!({"phone": secret, "bio": secret})).await.expect(200);
    cast.editor.post("/api/v1/articles", json!({"title": secret, "body": secret})).await.expect(201);
    let text = cast.admin.get(AUDIT).await.expect(200).text();
    assert!(text.contains("phone") && !text.contains(secret), "{text}");
}

#[actix_web::test]
async fn the_trail_is_cut_down_by_who_what_which_and_when() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let category = cast.editor.category("a", None).await;
    cast.editor.patch("/api/v1/categories/a", json!({"name": "b"})).await.expect(200);
    cast.author.post("/api/v1/articles", json!({"title": "x"})).await.expect(201);
    cast.admin.patch("/api/v1/site", json!({"name": "x"})).await.expect(200);
    let seen = async |query: &str| {
        let rows = cast.admin.get(&format!("{AUDIT}?{query}")).await.data(200);
        column(&rows, "entity").join(" ")
    };
    let (author, category) = (cast.author.id.unwrap(), category["id"].as_str().unwrap());
    assert_eq!(seen(&format!("actor={author}")).await, "article");
    assert_eq!(seen("entity=category").await, "category category");
    assert_eq!(seen("entity=category&action=update").await, "category");
    assert_eq!(seen(&format!("entity_id={category}")).await, "category category");
    let hours = column(&cast.admin.get(AUDIT).await.data(200), "at");
    assert_eq!(seen(&format!("from={}", hours[1])).await, "site article");
    assert_eq!(seen(&format!("to={}", hours[1])).await, "category category");
    assert_eq!(seen("entity=nothing").await, "");
}

#[actix_web::test]
async fn a_walk_through_the_trail_is_not_disturbed_by_new_lines() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for number in 0..5 {
        cast.editor.category(&format!("s{number}"), None).await;
    }
    let whole = walked(&cast.admin, &format!("{AUDIT}?page_size=100"), "seq").await;
    assert_eq!(walked(&cast.admin, &format!("{AUDIT}?page_size=2"), "seq").await, whole);
    let first = cast.admin.get(&format!("{AUDIT}?page_size=2")).await.json();
    cast.editor.category("late", None).await;
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let second = cast.admin.get(&format!("{AUDIT}?page_size=2&cursor={cursor}")).await.json();
    assert_eq!(column(&second["data"], "seq"), whole[2..4]);
}
