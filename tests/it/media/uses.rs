//! What uses media: kept on every write, whoever writes.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pictures::jpeg;
use super::{api_path, id_of, upload, upload_picture};
use crate::harness::machine::{ask, until};
use crate::harness::process::{run_on, write_file};
use crate::harness::{Client, TestApp};

/// What uses the media, by their titles.
async fn users(client: &Client, media: &Value) -> Vec<String> {
    let seen = client.get(&api_path(media)).await.data(200);
    let mut users: Vec<String> = seen["used_by"]
        .as_array()
        .unwrap()
        .iter()
        .map(|used| format!("{} {}", used["type"].as_str().unwrap(), used["title"].as_str().unwrap()))
        .collect();
    users.sort();
    users
}

fn picture(media: &Value) -> String {
    format!("<p><img src=\"/media/{}\"></p>", id_of(media))
}

#[actix_web::test]
async fn everything_that_names_media_is_listed() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Admin).await;
    let media = upload_picture(&editor).await;
    assert!(users(&editor, &media).await.is_empty());
    editor.post("/api/v1/articles", json!({"title": "cover", "cover": media["id"]})).await.expect(201);
    editor
        .post("/api/v1/articles", json!({"title": "both", "cover": media["id"], "body": picture(&media)}))
        .await
        .expect(201);
    let link = format!("[file](/media/{})", id_of(&media));
    let markdown = json!({"title": "link", "body": link, "body_format": "markdown"});
    editor.post("/api/v1/articles", markdown).await.expect(201);
    editor.post("/api/v1/articles", json!({"title": "none", "body": "<p>x</p>"})).await.expect(201);
    editor
        .post("/api/v1/notices", json!({"kind": "notice", "title": "note", "body": picture(&media)}))
        .await
        .expect(201);
    let url = format!("/media/{}", id_of(&media));
    editor.put("/api/v1/site/menus/main", json!({"items": [{"title": "m", "url": url}]})).await.expect(201);
    let blocks = json!([{"kind": "html", "body": picture(&media)}]);
    editor.put("/api/v1/site/home", json!({"blocks": blocks})).await.expect(200);
    let all = ["article both", "article cover", "article link", "home_page ", "menu main", "notice note"];
    assert_eq!(users(&editor, &media).await, all);
    editor.put("/api/v1/site/menus/main", json!({"items": []})).await.expect(200);
    editor.put("/api/v1/site/home", json!({"blocks": [{"kind": "latest"}]})).await.expect(200);
    assert_eq!(
        users(&editor, &media).await,
        ["article both", "article cover", "article link", "notice note"]
    );
}

#[actix_web::test]
async fn uses_follow_every_kind_of_write() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let (media, other) = (upload_picture(&editor).await, upload_picture(&editor).await);
    let none: [&str; 0] = [];
    // The API.
    let article = json!({"title": "a", "external_id": "e", "body": picture(&media)});
    let article = editor.post("/api/v1/articles", article).await.data(201);
    let at = format!("/api/v1/articles/{}", id_of(&article));
    assert_eq!(users(&editor, &media).await, ["article a"]);
    editor.patch(&at, json!({"title": "b"})).await.expect(200);
    assert_eq!(users(&editor, &media).await, ["article b"]);
    editor.patch(&at, json!({"body": picture(&other)})).await.expect(200);
    assert_eq!(users(&editor, &media).await, none);
    assert_eq!(users(&editor, &other).await, ["article b"]);
    let put = json!({"title": "b", "external_id": "e", "cover": media["id"]});
    editor.put("/api/v1/articles/by-external-id/e", put).await.expect(200);
    assert_eq!(
        (users(&editor, &media).await, users(&editor, &other).await),
        (vec!["article b".to_owned()], vec![])
    );
    // The trash: it uses them still.
    editor.delete(&at).await.expect(204);
    assert_eq!(users(&editor, &media).await, ["article b"]);
    editor.act(&format!("{at}/restore")).await.expect(200);
    // Imports: of one row, and of many.
    let row = |n: usize, media: &Value| {
        json!({"external_id": format!("i{n}"), "title": format!("i{n}"), "body": picture(media)}).to_string()
    };
    let import = async |rows: Vec<String>| {
        let request = editor.request(Method::POST, "/api/v1/articles/import");
        request.labelled("application/x-ndjson", rows.join("\n")).send().await.expect(200)
    };
    import(vec![row(1, &media)]).await;
    assert_eq!(users(&editor, &media).await, ["article b", "article i1"]);
    import((1..=30).map(|n| row(n, &other)).collect()).await;
    assert_eq!(users(&editor, &media).await, ["article b"]);
    let of_other = format!("SELECT count(*) FROM media_uses WHERE media_id = '{}'", id_of(&other));
    assert_eq!(ask(&app.db.url, &of_other).await, "30");
    assert_eq!(users(&editor, &other).await.len(), 20, "at most twenty are named");
    let notice = json!([{"external_id": "n", "kind": "notice", "title": "n", "body": picture(&media)}]);
    editor.post("/api/v1/notices/import", notice).await.expect(200);
    assert_eq!(users(&editor, &media).await, ["article b", "notice n"]);
    // The command line.
    let folder = tempfile::tempdir().unwrap();
    let file = write_file(folder.path(), "a.ndjson", row(99, &media));
    let (code, _, said) = run_on(&app, &["import", &file]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(users(&editor, &media).await, ["article b", "article i99", "notice n"]);
    // psql.
    app.db_execute("DELETE FROM articles WHERE external_id = 'i99'").await;
    app.db_execute("UPDATE notices SET body = ''").await;
    app.db_execute(&format!("UPDATE articles SET body = '{}' WHERE external_id = 'i7'", picture(&media)))
        .await;
    assert_eq!(users(&editor, &media).await, ["article b", "article i7"]);
    app.db_execute("UPDATE articles SET cover_url = NULL, body = ''").await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media_uses").await, "0");
}

#[actix_web::test]
async fn media_in_use_are_not_deleted_and_the_refusal_names_what_uses_them() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload_picture(&editor).await;
    let article =
        editor.post("/api/v1/articles", json!({"title": "Tides", "cover": media["id"]})).await.data(201);
    let at = format!("/api/v1/articles/{}", id_of(&article));
    for _ in 0..2 {
        let refused = editor.delete(&api_path(&media)).await;
        assert_eq!(refused.problem(), (409, "media_in_use".to_owned()));
        assert!(
            refused.text().contains("Tides") && refused.text().contains(id_of(&article)),
            "{}",
            refused.text()
        );
        // In the trash, too: it could be restored.
        let _ = editor.delete(&at).await;
    }
    editor.act(&format!("{at}/restore")).await.expect(200);
    editor.patch(&at, json!({"cover": null})).await.expect(200);
    editor.delete(&api_path(&media)).await.expect(204);
    // What is in the trash is shown nowhere, and used by what is written now if it is restored.
    let written = json!({"title": "Ebb", "body": picture(&media), "status": "published"});
    let written = editor.post("/api/v1/articles", written).await.data(201);
    assert!(!written["body"].as_str().unwrap().contains("srcset"));
    let restored = editor.act(&format!("{}/restore", api_path(&media))).await.data(200);
    assert_eq!(restored["used_by"][0]["title"], "Ebb");
    let seen = editor.get(&format!("/api/v1/articles/{}", id_of(&written))).await.data(200);
    assert!(seen["body"].as_str().unwrap().contains("alt="), "{seen}");
}

#[actix_web::test]
async fn media_that_come_after_what_names_them_are_known_to_be_used() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    // As an import of articles before the import of their media.
    let id = Uuid::now_v7();
    let body = format!("<img src=\"/media/{id}\">");
    let article = json!({"title": "early", "body": body, "status": "published"});
    let article = editor.post("/api/v1/articles", article).await.data(201);
    let path = format!("/api/v1/articles/{}", id_of(&article));
    assert!(!editor.get(&path).await.data(200)["body"].as_str().unwrap().contains("srcset"));
    let media = upload(&editor, &format!("?id={id}&alt=late"), &jpeg(400, 300)).await.data(201);
    assert_eq!(users(&editor, &media).await, ["article early"]);
    let visitor = Client::new(&app.url, None);
    assert!(
        visitor.get(&path).await.data(200)["body"].as_str().unwrap().contains("late"),
        "it is shown at once"
    );
    editor.delete(&api_path(&media)).await.expect(409);
}

#[actix_web::test]
async fn a_cover_that_is_deleted_meanwhile_is_not_taken() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload_picture(&editor).await;
    // What a request to delete them does, between its look at what uses them and its end.
    let deleting = inkstone::db::pool::open_client(&app.db.url).await.unwrap();
    let begin = format!(
        "BEGIN; SELECT FROM media WHERE id = '{0}' FOR UPDATE; UPDATE media SET deleted_at = now() WHERE id = '{0}'",
        id_of(&media)
    );
    deleting.batch_execute(&begin).await.unwrap();
    let article = json!({"title": "t", "cover": media["id"], "status": "published"});
    let (client, url) = (editor.clone(), app.db.url.clone());
    let writing = actix_web::rt::spawn(async move { client.post("/api/v1/articles", article).await });
    until("the article to wait", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        ask(&url, waiting).await != "0"
    })
    .await;
    deleting.batch_execute("COMMIT").await.unwrap();
    let answer = writing.await.unwrap();
    assert_eq!(answer.status, 422, "{}", answer.text());
}

#[actix_web::test]
async fn what_was_emptied_uses_nothing_any_more() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload_picture(&editor).await;
    editor.post("/api/v1/articles", json!({"title": "t", "cover": media["id"]})).await.expect(201);
    editor
        .post("/api/v1/notices", json!({"kind": "notice", "title": "n", "body": picture(&media)}))
        .await
        .expect(201);
    app.db_execute("TRUNCATE articles, notices CASCADE").await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media_uses").await, "0");
    editor.delete(&api_path(&media)).await.expect(204);
}
