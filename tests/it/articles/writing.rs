//! Creating and changing: slugs, summaries, hours, and what a merge patch keeps.

use futures::future::join;
use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, at, create, with};
use crate::harness::{Client, TestApp};

async fn editor() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    (app, editor)
}

#[actix_web::test]
async fn a_slug_is_made_of_the_titles_pinyin() {
    let (_app, editor) = editor().await;
    for (title, slug) in
        [("2020年检测报告", "2020-nian-jian-ce-bao-gao"), ("Café — “déjà vu”", "cafe-deja-vu")]
    {
        assert_eq!(create(&editor, json!({"title": title})).await["slug"], slug);
    }
}

#[actix_web::test]
async fn equal_titles_get_slugs_of_their_own() {
    let (_app, editor) = editor().await;
    let (one, two) = join(create(&editor, json!({})), create(&editor, json!({}))).await;
    let mut slugs = [one, two].map(|article| article["slug"].as_str().unwrap().to_owned());
    slugs.sort_by_key(String::len);
    assert_eq!(slugs[0], "chao-xi-biao-tide-tables");
    let ending = slugs[1].strip_prefix("chao-xi-biao-tide-tables-").unwrap();
    assert!(!ending.is_empty() && ending.len() <= 8, "{ending}");
}

#[actix_web::test]
async fn a_given_slug_is_kept_or_refused() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({"slug": "tides-2020"})).await;
    assert_eq!(article["slug"], "tides-2020");
    let taken = editor.post(ARTICLES, with(json!({"slug": "tides-2020"}))).await;
    assert_eq!(taken.problem(), (409, "slug_taken".to_owned()));
    assert_eq!(taken.faults(), [("/slug".to_owned(), "slug_taken".to_owned())]);
    let other = create(&editor, json!({})).await;
    let renamed = editor.patch(&at(&other), json!({"slug": "tides-2020"})).await;
    assert_eq!(renamed.problem(), (409, "slug_taken".to_owned()));
}

#[actix_web::test]
async fn a_slug_in_the_trash_is_still_taken() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({"slug": "thrown"})).await;
    editor.delete(&at(&article)).await.expect(204);
    editor.post(ARTICLES, with(json!({"slug": "thrown"}))).await.expect(409);
}

#[actix_web::test]
async fn a_title_change_leaves_the_slug_alone() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({})).await;
    let changed = editor.patch(&at(&article), json!({"title": "Quite another"})).await.data(200);
    assert_eq!(changed["slug"], article["slug"]);
}

#[actix_web::test]
async fn an_external_id_names_one_article() {
    let (_app, editor) = editor().await;
    create(&editor, json!({"external_id": "编号 7"})).await;
    let answer = editor.post(ARTICLES, with(json!({"external_id": "编号 7"}))).await;
    assert_eq!(answer.problem(), (409, "external_id_taken".to_owned()));
    let other = create(&editor, json!({})).await;
    let answer = editor.patch(&at(&other), json!({"external_id": "编号 7"})).await;
    assert_eq!(answer.faults(), [("/external_id".to_owned(), "external_id_taken".to_owned())]);
}

#[actix_web::test]
async fn tags_count_once_and_keep_their_order() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({"tags": ["质量", "b", "a", "质量", "A", "b"]})).await;
    assert_eq!(article["tags"], json!(["质量", "b", "a", "A"]));
    let changed = editor.patch(&at(&article), json!({"tags": ["x", "x"]})).await.data(200);
    assert_eq!(changed["tags"], json!(["x"]));
}

#[actix_web::test]
async fn a_cover_on_the_site_is_shown_with_the_sites_address() {
    let (app, editor) = editor().await;
    app.db_execute("UPDATE site SET base_url = 'https://portal.example.org'").await;
    for (sent, shown) in
        [("/img/a b.jpg", ""), ("/img/封面.jpg?w=2", "https://portal.example.org/img/封面.jpg?w=2")]
    {
        let answer = editor.post(ARTICLES, with(json!({"cover_url": sent}))).await;
        if shown.is_empty() {
            answer.expect(422);
        } else {
            assert_eq!(answer.data(201)["cover_url"], shown);
        }
    }
}

#[actix_web::test]
async fn what_is_published_without_an_hour_is_out_from_now_on() {
    let (app, editor) = editor().await;
    let article = create(&editor, json!({})).await;
    assert_eq!(article["published_at"], article["created_at"]);
    let draft = create(&editor, json!({"status": "draft"})).await;
    assert_eq!(draft["published_at"], Value::Null);
    let published = editor.patch(&at(&draft), json!({"status": "published"})).await.data(200);
    assert_eq!(published["published_at"], published["updated_at"]);
    Client::new(&app.url, None).get(&at(&draft)).await.expect(200);
}

#[actix_web::test]
async fn a_publication_hour_survives_withdrawing_and_comes_back_in_utc() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({"published_at": "2019-09-20T08:00:00+08:00"})).await;
    assert_eq!(article["published_at"], "2019-09-20T00:00:00Z");
    for status in ["archived", "draft", "published"] {
        let changed = editor.patch(&at(&article), json!({"status": status})).await.data(200);
        assert_eq!(changed["published_at"], "2019-09-20T00:00:00Z", "{status}");
    }
}

#[actix_web::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let (_app, editor) = editor().await;
    editor.category("local", None).await;
    let keys = json!({"category": "local", "tags": ["a"], "author": "Lin", "source_name": "Gazette", "extra": {"a": {"b": 1}},
        "source_url": "https://example.org/1", "cover_url": "https://example.org/1.png", "external_id": "e1", "summary": "S"});
    let before = create(&editor, keys).await;
    let patch = json!({"extra": {"c": 2, "a": {"b": null, "d": 3}}, "author": ""});
    let after = editor.patch(&at(&before), patch).await.data(200);
    let mut wanted = before.clone();
    wanted["extra"] = json!({"a": {"d": 3}, "c": 2});
    wanted["author"] = json!("");
    wanted["version"] = json!(2);
    wanted["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, wanted);
}

#[actix_web::test]
async fn null_in_a_patch_empties_what_may_be_empty() {
    let (_app, editor) = editor().await;
    editor.category("local", None).await;
    let keys = json!({"category": "local", "source_url": "https://example.org/1", "cover_url": "/1.png",
        "external_id": "e1", "summary": "Given."});
    let article = create(&editor, keys).await;
    let nulls = json!({"category": null, "source_url": null, "cover_url": null, "external_id": null, "summary": null});
    let after = editor.patch(&at(&article), nulls).await.data(200);
    for key in ["category", "source_url", "cover_url", "external_id"] {
        assert_eq!(after[key], Value::Null, "{key}");
    }
    assert_eq!(after["summary"], "High water at noon.");
}

#[actix_web::test]
async fn null_for_what_cannot_be_empty_is_a_wrong_type() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({})).await;
    let keys = ["title", "slug", "body", "tags", "author", "source_name", "extra", "views"];
    for key in keys {
        let answer = editor.patch(&at(&article), json!({key: null})).await;
        assert_eq!(answer.faults(), [(format!("/{key}"), "wrong_type".to_owned())], "{key}");
    }
}

#[actix_web::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({"extra": {"b": 1, "a": [1.5, null]}, "tags": ["x"]})).await;
    for patch in
        [json!({}), json!({"extra": {"a": [1.5, null], "b": 1}, "tags": ["x"], "status": "published"})]
    {
        assert_eq!(editor.patch(&at(&article), patch).await.data(200), article);
    }
}

#[actix_web::test]
async fn an_article_can_be_changed_by_its_slug_and_move_between_categories() {
    let (_app, editor) = editor().await;
    let category = editor.category("local", None).await;
    create(&editor, json!({"slug": "tides"})).await;
    for name in [json!("local"), category["id"].clone()] {
        let moved = editor.patch(&format!("{ARTICLES}/tides"), json!({"category": name})).await.data(200);
        assert_eq!(moved["category"]["id"], category["id"]);
    }
}
