//! Slugs of notices: those they have, and those that they have had.

use inkstone::upgrade;
use reqwest::Method;
use serde_json::{Value, json};

use super::{NOTICES, at, notice};
use crate::cache::staying;
use crate::harness::machine::ask;
use crate::harness::{Client, TestApp, column};
use crate::members::masked;

async fn import(editor: &Client, rows: &[Value]) -> Value {
    let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let request = editor.request(Method::POST, &format!("{NOTICES}/import"));
    request.labelled("application/x-ndjson", body).send().await.data(200)
}

#[actix_web::test]
async fn a_notice_gets_its_slug_from_pinyin_and_is_found_by_it() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let first = notice(&cast.editor, "放假通知", json!({})).await;
    assert_eq!(first["slug"], "fang-jia-tong-zhi");
    let second = notice(&cast.editor, "放假通知", json!({"kind": "announcement"})).await;
    assert!(second["slug"].as_str().unwrap().starts_with("fang-jia-tong-zhi-"), "{second}");
    assert_eq!(cast.anon.get(&format!("{NOTICES}/fang-jia-tong-zhi")).await.data(200), first);
    assert_eq!(notice(&cast.editor, "!!!", json!({})).await["slug"], "notice");
    let given = notice(&cast.editor, "C", json!({"slug": "given-1"})).await;
    let path = format!("{NOTICES}/given-1");
    cast.editor.patch(&path, json!({"pinned": true})).await.expect(200);
    cast.editor.delete(&path).await.expect(204);
    cast.editor.act(&format!("{path}/restore")).await.expect(200);
    assert_eq!(cast.editor.get(&path).await.data(200)["id"], given["id"]);
}

#[actix_web::test]
async fn a_slug_that_is_taken_or_cannot_be_one_is_refused_at_its_place() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    notice(&cast.editor, "A", json!({"slug": "a"})).await;
    cast.editor.patch(&format!("{NOTICES}/a"), json!({"slug": "b"})).await.expect(200);
    let other = notice(&cast.editor, "Other", json!({"slug": "other"})).await;
    for (slug, status, code) in [
        ("b", 409, "slug_taken"),
        ("a", 409, "slug_taken"),
        ("import", 422, "invalid_format"),
        ("0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60", 422, "invalid_format"),
        ("No Slug", 422, "invalid_format"),
    ] {
        let new = json!({"kind": "notice", "title": "x", "slug": slug});
        let row = json!({"external_id": "r", "kind": "notice", "title": "x", "slug": slug});
        for answer in [
            cast.editor.post(NOTICES, new).await,
            cast.editor.patch(&at(&other), json!({"slug": slug})).await,
        ] {
            assert_eq!(answer.faults(), [("/slug".to_owned(), code.to_owned())], "{slug}");
            assert_eq!(answer.status, status);
        }
        let summary = import(&cast.editor, &[row]).await;
        assert_eq!(column(&summary["errors"], "code"), [code], "{slug}");
    }
    // Made from titles they avoid it.
    let made = notice(&cast.editor, "A", json!({})).await;
    assert!(made["slug"].as_str().unwrap().starts_with("a-"), "{made}");
}

#[actix_web::test]
async fn a_slug_that_a_notice_has_had_leads_to_its_present_one_for_who_may_see_it() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let (anon, member) = (staying(&anon, &app.url), staying(&cast.member, &app.url));
    let made = notice(&cast.editor, "First", json!({})).await;
    for slug in ["second", "third"] {
        cast.editor.patch(&at(&made), json!({"slug": slug})).await.expect(200);
    }
    for old in ["first", "second"] {
        let answer = anon.get(&format!("{NOTICES}/{old}?fields=title&include=neighbors")).await.expect(301);
        let target = format!("{NOTICES}/third?fields=title&include=neighbors");
        assert_eq!(answer.header("location"), target);
    }
    // Renamed again, a kept redirect is not old; back at its own old slug, it is there.
    cast.editor.patch(&at(&made), json!({"slug": "fourth"})).await.expect(200);
    assert_eq!(anon.get(&format!("{NOTICES}/first")).await.header("location"), format!("{NOTICES}/fourth"));
    cast.editor.patch(&at(&made), json!({"slug": "first"})).await.expect(200);
    assert_eq!(anon.get(&format!("{NOTICES}/first")).await.data(200)["id"], made["id"]);
    assert_eq!(anon.get(&format!("{NOTICES}/third")).await.header("location"), format!("{NOTICES}/first"));
    // What may not be seen is not found by an old slug either.
    let nothing = masked(&anon.get(&format!("{NOTICES}/never-there")).await.expect(404));
    cast.editor.patch(&at(&made), json!({"audience": "members"})).await.expect(200);
    assert_eq!(masked(&anon.get(&format!("{NOTICES}/third")).await.expect(404)), nothing);
    member.get(&format!("{NOTICES}/third")).await.expect(301);
    cast.editor.delete(&at(&made)).await.expect(204);
    assert_eq!(masked(&member.get(&format!("{NOTICES}/third")).await.expect(404)), nothing);
    // Deleted for good it gives them back.
    app.db_execute("DELETE FROM notices").await;
    notice(&cast.editor, "Third", json!({"slug": "third"})).await;
}

#[actix_web::test]
async fn of_two_notices_that_want_one_slug_one_gets_it() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for round in 0..6 {
        let slug = format!("wanted-{round}");
        let own = notice(&cast.editor, "Own", json!({})).await;
        let new = json!({"kind": "notice", "title": "B", "slug": slug});
        let path = at(&own);
        let rename = cast.editor.patch(&path, json!({"slug": slug}));
        let (renamed, made) = futures_util::join!(rename, cast.admin.post(NOTICES, new));
        assert!((renamed.status == 200) != (made.status == 201), "{} {}", renamed.status, made.status);
    }
    // Two made from one title both get one.
    let new = || json!({"kind": "notice", "title": "Same title"});
    let (one, other) = futures_util::join!(cast.editor.post(NOTICES, new()), cast.admin.post(NOTICES, new()));
    assert_ne!(one.data(201)["slug"], other.data(201)["slug"]);
}

#[actix_web::test]
async fn rows_bring_slugs_and_summaries_and_what_is_listed_can_be_imported_again() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    let rows = [
        json!({"external_id": "x", "kind": "notice", "title": "One", "slug": "uno", "summary": "Given", "body": "<p>1</p>"}),
        json!({"kind": "announcement", "title": "Two", "slug": "dos", "body": "<p>2</p>", "pinned": true}),
        json!({"kind": "notice", "title": "Three", "body": "<p>3</p>"}),
    ];
    assert_eq!(import(&editor, &rows).await["created"], 3);
    assert_eq!(import(&editor, &rows).await["unchanged"], 3);
    // Without a slug a notice keeps the one it has; a row without an id is about the notice with its slug.
    let again = [
        json!({"external_id": "x", "kind": "notice", "title": "One", "summary": "Given", "body": "<p>1</p>"}),
    ];
    assert_eq!(import(&editor, &again).await["unchanged"], 1);
    let renamed = [json!({"kind": "announcement", "title": "Two!", "slug": "dos"})];
    assert_eq!(import(&editor, &renamed).await["updated"], 1);
    let keys = "external_id,slug,kind,title,summary,body,pinned,audience,status,published_at,expires_at";
    let list = format!("{NOTICES}?status=draft&fields={keys}");
    let listed = async |client: &Client| {
        let mut rows = client.get(&list).await.data(200).as_array().unwrap().clone();
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("id");
        }
        rows.sort_by_key(|row| row["slug"].to_string());
        rows
    };
    let rows = listed(&editor).await;
    assert_eq!(column(&json!(rows), "slug"), ["dos", "three", "uno"]);
    // The summary of one was made from its body, and is given now.
    assert_eq!(import(&editor, &rows).await["updated"], 1);
    assert_eq!(import(&editor, &rows).await["unchanged"], 3);
    assert_eq!(listed(&editor).await, rows);
    let (other, _) = TestApp::start().await;
    let other_editor = other.db_cast().await.editor;
    assert_eq!(import(&other_editor, &rows).await["created"], 3);
    assert_eq!(listed(&other_editor).await, rows);
    let csv = "kind,title,slug,summary\nnotice,Four,cuatro,Short\n";
    let request = editor.request(Method::POST, &format!("{NOTICES}/import"));
    assert_eq!(request.labelled("text/csv", csv).send().await.data(200)["created"], 1);
    assert_eq!(editor.get(&format!("{NOTICES}/cuatro")).await.data(200)["summary"], "Short");
}

#[actix_web::test]
async fn what_an_earlier_version_writes_gets_a_slug_and_a_summary_at_the_start() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    notice(&editor, "放假", json!({})).await;
    app.db_execute(
        "INSERT INTO notices (id, kind, title, body, sanitizer, status, published_at)
         SELECT gen_random_uuid(), 'notice', '放假', '<p>Text</p>', 1, 'published', now() FROM generate_series(1, 150)",
    )
    .await;
    let before = ask(&app.db.url, "SELECT sum(version) FROM notices").await;
    assert_eq!(upgrade::name_notices(&app.shared.app).await.unwrap(), 150);
    let rows = anon.get(&format!("{NOTICES}?page_size=100")).await.data(200);
    for row in rows.as_array().unwrap() {
        assert!(row["slug"].as_str().unwrap().starts_with("fang-jia"), "{row}");
        anon.get(&format!("{NOTICES}/{}", row["slug"].as_str().unwrap())).await.expect(200);
    }
    assert_eq!(rows[0]["summary"], "Text");
    assert_eq!(ask(&app.db.url, "SELECT sum(version) FROM notices").await, before);
    let recorded = "SELECT count(*) FROM changes WHERE entity = 'notice' AND fields = '{slug,summary}'";
    assert_eq!(ask(&app.db.url, recorded).await, "150");
}
