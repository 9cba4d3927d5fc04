//! Lists of media, and changes to what is said of them.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use super::pictures::{jpeg, pdf};
use super::{MEDIA, api_path, id_of, upload, upload_picture};
use crate::harness::{TestApp, column};

#[actix_web::test]
async fn a_list_is_cut_down_by_what_is_known_of_the_files() {
    let (app, _) = TestApp::start().await;
    let (author, editor) = (app.db_member(Role::Author).await, app.db_member(Role::Editor).await);
    let bytes = jpeg(16, 16);
    let harbour =
        upload(&author, "?name=Harbour.jpg&alt=Boats&tags=sea,dawn&source_url=https://x.example/a", &bytes)
            .await
            .data(201);
    let report = upload(&editor, "?name=report.pdf&caption=50%25%20more&tags=sea", &pdf(99)).await.data(201);
    let sha = harbour["sha256"].as_str().unwrap();
    let article = json!({"title": "t", "cover": harbour["id"]});
    editor.post("/api/v1/articles", article).await.expect(201);
    let both = vec![id_of(&report), id_of(&harbour)];
    for (query, found) in [
        ("", both.clone()),
        ("?kind=image", vec![id_of(&harbour)]),
        ("?kind=document", vec![id_of(&report)]),
        ("?kind=audio", vec![]),
        ("?tags=sea", both),
        ("?tags=sea,dawn", vec![id_of(&harbour)]),
        ("?q=hArB", vec![id_of(&harbour)]),
        ("?q=boats", vec![id_of(&harbour)]),
        ("?q=50%25", vec![id_of(&report)]),
        ("?q=%25", vec![id_of(&report)]),
        ("?q=_", vec![]),
        (&format!("?sha256={sha}"), vec![id_of(&harbour)]),
        ("?source_url=https://x.example/a", vec![id_of(&harbour)]),
        ("?source_url=https://x.example/b", vec![]),
        ("?used=true", vec![id_of(&harbour)]),
        ("?used=false", vec![id_of(&report)]),
        ("?own=true", vec![id_of(&report)]),
        ("?deleted=true", vec![]),
    ] {
        assert_eq!(column(&editor.get(&format!("{MEDIA}{query}")).await.data(200), "id"), found, "{query}");
    }
    assert_eq!(editor.get(&format!("{MEDIA}?kind=picture")).await.status, 400);
    let first = editor.get(&format!("{MEDIA}?page_size=1&count=true")).await.expect(200).json();
    assert_eq!((&first["page"]["total"], first["data"].as_array().unwrap().len()), (&json!(2), 1));
    let next = first["page"]["next_cursor"].as_str().unwrap();
    let second = editor.get(&format!("{MEDIA}?page_size=1&cursor={next}")).await.data(200);
    assert_eq!(column(&second, "id"), [id_of(&harbour)]);
}

#[actix_web::test]
async fn authors_change_what_they_have_uploaded_and_see_their_own_trash() {
    let (app, anon) = TestApp::start().await;
    let (author, other) = (app.db_member(Role::Author).await, app.db_member(Role::Author).await);
    let editor = app.db_member(Role::Editor).await;
    let media = upload_picture(&author).await;
    let path = api_path(&media);
    assert_eq!(other.patch(&path, json!({"alt": "x"})).await.status, 403);
    assert_eq!(other.delete(&path).await.status, 403);
    let change = json!({"alt": "Boats", "caption": "c", "credit": "d", "tags": ["b", "a", "b"], "name": "../x.jpg",
                        "source_url": "https://x.example/", "focal_point": {"x": 0.25, "y": 0.7504}});
    let changed = author.patch(&path, change).await.expect(200);
    let etag = changed.header("etag").to_owned();
    let changed = changed.data(200);
    assert_eq!(
        (&changed["version"], &changed["tags"], &changed["name"]),
        (&json!(2), &json!(["b", "a"]), &json!("x.jpg"))
    );
    assert_eq!(changed["focal_point"], json!({"x": 0.25, "y": 0.75}));
    // Nothing changes: neither does the version.
    assert_eq!(author.patch(&path, json!({"alt": "Boats"})).await.data(200)["version"], 2);
    let stale = editor
        .request(Method::PATCH, &path)
        .header("if-match", "\"1-0\"")
        .json(&json!({"alt": "y"}))
        .send()
        .await;
    assert_eq!(stale.status, 412);
    editor
        .request(Method::PATCH, &path)
        .header("if-match", &etag)
        .json(&json!({"source_url": null}))
        .send()
        .await
        .expect(200);
    for (wrong, pointer) in [
        (json!({"alt": "a".repeat(2001)}), "/alt"),
        (json!({"focal_point": {"x": 1.5, "y": 0}}), "/focal_point/x"),
        (json!({"tags": ["a,b"]}), "/tags/0"),
        (json!({"kind": "video"}), "/kind"),
        (json!({"name": "  "}), "/name"),
        (json!({"source_url": "javascript:x"}), "/source_url"),
    ] {
        let refused = author.patch(&path, wrong).await.expect(422);
        assert_eq!(refused.faults()[0].0, pointer);
    }
    author.delete(&path).await.expect(204);
    for client in [&author, &anon, &editor] {
        client.get(&path).await.expect(404);
    }
    let trash = format!("{MEDIA}?deleted=true");
    assert_eq!(column(&author.get(&trash).await.data(200), "id"), [id_of(&media)]);
    assert_eq!(column(&editor.get(&trash).await.data(200), "id"), [id_of(&media)]);
    assert_eq!(other.get(&trash).await.data(200), json!([]));
    other.act(&format!("{path}/restore")).await.expect(404);
    let restored = author.act(&format!("{path}/restore")).await.data(200);
    assert_eq!((&restored["alt"], &restored["tags"]), (&json!("Boats"), &json!(["b", "a"])));
    author.act(&format!("{path}/restore")).await.expect(404);
}
