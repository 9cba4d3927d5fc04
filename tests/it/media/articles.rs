//! Media as covers and in bodies of articles.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pictures::{jpeg, pdf};
use super::{api_path, id_of, path_of, upload, upload_picture};
use crate::harness::machine::ask;
use crate::harness::{Client, TestApp};

const ARTICLES: &str = "/api/v1/articles";
const BASE: &str = "https://news.example.org";

/// A server that knows where it is to be found.
async fn start() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start_with(&["--base-url", BASE]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.patch("/api/v1/site", json!({"base_url": BASE})).await.expect(200);
    (app, anon, admin)
}

fn at(article: &Value) -> String {
    format!("{ARTICLES}/{}", id_of(article))
}

async fn publish(client: &Client, mut article: Value) -> Value {
    article["status"] = "published".into();
    client.post(ARTICLES, article).await.data(201)
}

#[actix_web::test]
async fn a_cover_is_an_id_or_an_address_and_answers_have_what_a_page_needs() {
    let (_app, anon, editor) = start().await;
    let media = upload(&editor, "?alt=Boats&caption=At%20dawn&credit=Ada", &jpeg(400, 300)).await.data(201);
    let src = media["image"]["src"].as_str().unwrap();
    assert!(src.starts_with(BASE), "{src}");
    let short = format!("/media/{}", id_of(&media));
    for cover in [id_of(&media), &short, src, &format!("{BASE}{short}"), &path_of(&media["image"]["src"])] {
        let article = publish(&editor, json!({"title": "t", "cover": cover})).await;
        assert_eq!(article["cover"], media["id"], "{cover}");
        assert_eq!(article["image"], media["image"], "{cover}");
        assert_eq!(article["cover_url"], src, "{cover}");
        let same =
            editor.patch(&at(&article), json!({"cover_url": src, "cover": media["id"]})).await.data(200);
        assert_eq!(same["version"], 1, "nothing changes");
        editor.delete(&at(&article)).await.expect(204);
    }
    let by_address = publish(&editor, json!({"title": "t", "cover_url": src})).await;
    assert_eq!(by_address["cover"], media["id"]);
    let seen = anon.get(&at(&by_address)).await.data(200);
    let card = anon.get(ARTICLES).await.data(200)[0].clone();
    for shown in [&seen, &card] {
        assert_eq!(shown["image"], media["image"]);
        assert_eq!((&shown["image"]["alt"], &shown["image"]["credit"]), (&json!("Boats"), &json!("Ada")));
    }
    let elsewhere = "https://x.example/a.jpg";
    for name in ["cover", "cover_url"] {
        let foreign = publish(&editor, json!({"title": "t", name: elsewhere})).await;
        assert_eq!(
            (&foreign["cover"], &foreign["cover_url"], &foreign["image"]["src"]),
            (&json!(elsewhere), &json!(elsewhere), &json!(elsewhere))
        );
        assert!(foreign["image"]["width"].is_null() && foreign["image"]["srcset"].is_null());
    }
    let bare = publish(&editor, json!({"title": "t"})).await;
    assert!(bare["cover"].is_null() && bare["cover_url"].is_null() && bare["image"].is_null());
    let cleared = editor.patch(&at(&by_address), json!({"cover": null})).await.data(200);
    assert!(cleared["cover"].is_null() && cleared["image"].is_null());
}

#[actix_web::test]
async fn two_covers_that_differ_and_covers_that_are_not_there_are_refused() {
    let (_app, _, editor) = start().await;
    let (media, other) = (upload_picture(&editor).await, upload_picture(&editor).await);
    let fault = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    let article = publish(&editor, json!({"title": "t", "cover": media["id"]})).await;
    for body in [
        json!({"title": "t", "cover": media["id"], "cover_url": "https://x.example/a.jpg"}),
        json!({"title": "t", "cover": media["id"], "cover_url": other["image"]["src"]}),
        json!({"title": "t", "cover": "https://x.example/b.jpg", "cover_url": "https://x.example/a.jpg"}),
    ] {
        for answer in [editor.post(ARTICLES, body.clone()).await, editor.patch(&at(&article), body).await] {
            assert_eq!((answer.status, answer.faults()), (422, fault("/cover_url", "invalid_format")));
        }
    }
    let contradiction = json!({"cover": media["id"], "cover_url": null});
    assert_eq!(editor.patch(&at(&article), contradiction).await.status, 422);
    editor.delete(&api_path(&other)).await.expect(204);
    let unknown = Uuid::now_v7().to_string();
    for cover in [json!(unknown), other["id"].clone(), json!(format!("/media/{unknown}"))] {
        for answer in [
            editor.post(ARTICLES, json!({"title": "t", "cover": cover})).await,
            editor.patch(&at(&article), json!({"cover": cover})).await,
        ] {
            assert_eq!(
                (answer.status, answer.faults()),
                (422, fault("/cover", "unknown_reference")),
                "{cover}"
            );
        }
    }
    for cover in ["", "no uuid", "javascript:x", "//x.example/a.jpg", "ftp://x.example/a"] {
        assert_eq!(editor.post(ARTICLES, json!({"title": "t", "cover": cover})).await.status, 422, "{cover}");
    }
    assert_eq!(editor.get(&at(&article)).await.data(200)["cover"], media["id"]);
}

#[actix_web::test]
async fn pictures_of_a_body_are_completed_for_readers() {
    let (_app, anon, editor) = start().await;
    let media = upload(&editor, "?alt=Boats%20%22%26%22", &jpeg(400, 300)).await.data(201);
    let document = upload(&editor, "?name=a.pdf", &pdf(99)).await.data(201);
    let id = id_of(&media);
    let body = format!(
        "<p>a</p><img src=\"/media/{id}\"><img src=\"/media/{id}\" alt=\"mine\" width=\"9\"><a href=\"/media/{}\">b</a>\
         <img src=\"/media/{}\"><img src=\"https://x.example/media/{id}\">",
        id_of(&document),
        Uuid::now_v7()
    );
    let written = editor
        .post(ARTICLES, json!({"title": "t", "body": body, "status": "published"}))
        .await
        .expect(201)
        .json();
    assert!(written.get("warnings").is_none_or(|warnings| warnings == &json!([])), "{written}");
    let article = &written["data"];
    let read = anon.get(&at(article)).await.data(200)["body"].as_str().unwrap().to_owned();
    let tags: Vec<&str> = read.split("<img ").skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
    for part in [
        "srcset=\"https://news.example.org/media/",
        "width=\"400\"",
        "height=\"300\"",
        "loading=\"lazy\"",
        "alt=\"Boats &quot;&amp;&quot;\"",
    ] {
        assert!(tags[0].contains(part), "{part}: {}", tags[0]);
    }
    assert!(
        tags[1].contains("alt=\"mine\"") && tags[1].contains("width=\"9\"") && !tags[1].contains("height"),
        "{}",
        tags[1]
    );
    assert!(!tags[2].contains("srcset") && !tags[3].contains("srcset"), "{tags:?}");
    assert!(read.contains(&format!("href=\"{}\"", document["url"].as_str().unwrap())), "{read}");
    let src = tags[0].split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    anon.get(&path_of(&json!(src))).await.expect(200);
    // A list shows summaries, never addresses of pictures.
    assert!(!anon.get(ARTICLES).await.expect(200).text().contains("<img"));
}

/// An article with a picture, and its body as it is stored.
async fn publish_with_picture(app: &TestApp, editor: &Client) -> (Value, Value, String) {
    let media = upload(editor, "?alt=Boats", &jpeg(400, 300)).await.data(201);
    let body = format!("<p>a</p><img src=\"/media/{}\">", id_of(&media));
    let article = publish(editor, json!({"title": "t", "body": body, "cover": media["id"]})).await;
    (media, article, ask(&app.db.url, "SELECT body FROM articles").await)
}

/// Writes an article as it was read.
async fn write_again(editor: &Client, article: &Value) -> Value {
    let read = editor.get(&at(article)).await.data(200);
    let again = json!({"title": read["title"], "body": read["body"], "cover": read["cover"], "cover_url": read["cover_url"]});
    editor.patch(&at(article), again).await.expect(200).json()
}

#[actix_web::test]
async fn a_body_that_was_read_can_be_written_again_without_warnings() {
    let (app, _, editor) = start().await;
    let (_, article, stored) = publish_with_picture(&app, &editor).await;
    assert!(stored.contains("src=\"/media/"), "{stored}");
    let written = write_again(&editor, &article).await;
    assert!(written.get("warnings").is_none_or(|warnings| warnings == &json!([])), "{written}");
    let now = ask(&app.db.url, "SELECT body FROM articles").await;
    assert!(now.contains("src=\"/media/") && !now.contains("srcset") && !now.contains(BASE), "{now}");
    let attributes = |body: &Value| {
        let tag = body.as_str().unwrap().split("<img ").nth(1).unwrap().trim_end_matches('>').to_owned();
        let mut attributes: Vec<String> =
            tag.split("\" ").map(|one| one.trim_matches('"').to_owned()).collect();
        attributes.sort();
        attributes
    };
    assert_eq!(attributes(&written["data"]["body"]), attributes(&article["body"]));
    assert_eq!(
        (&written["data"]["cover"], &written["data"]["image"]),
        (&article["cover"], &article["image"])
    );
}

#[actix_web::test]
async fn a_body_that_is_written_as_it_was_read_changes_nothing() {
    let (app, _, editor) = start().await;
    let (media, article, stored) = publish_with_picture(&app, &editor).await;
    let written = write_again(&editor, &article).await;
    assert_eq!(
        ask(&app.db.url, "SELECT body FROM articles").await,
        stored,
        "what is stored stays as it was written"
    );
    assert_eq!(written["data"]["version"], 1, "nothing has changed");
    // What is said of the media is still followed.
    editor.patch(&api_path(&media), json!({"alt": "Ships"})).await.expect(200);
    let read = editor.get(&at(&article)).await.data(200)["body"].as_str().unwrap().to_owned();
    assert!(read.contains("alt=\"Ships\""), "{read}");
}

#[actix_web::test]
async fn a_change_of_media_shows_at_once_wherever_they_are_shown() {
    let (_app, anon, editor) = start().await;
    let media = upload(&editor, "?alt=Boats", &jpeg(400, 300)).await.data(201);
    let body = format!("<p>a</p><img src=\"/media/{}\">", id_of(&media));
    editor.category("sea", None).await;
    let article =
        json!({"title": "Covered", "cover": media["id"], "body": body, "category": "sea", "tags": ["tide"]});
    let article = publish(&editor, article).await;
    let notice = json!({"kind": "notice", "title": "n", "body": body, "status": "published"});
    let notice = editor.post("/api/v1/notices", notice).await.data(201);
    let blocks = json!([{"kind": "latest", "size": 5}, {"kind": "html", "body": body}]);
    editor.put("/api/v1/site/home", json!({"blocks": blocks})).await.expect(200);
    let places = [
        at(&article),
        ARTICLES.to_owned(),
        format!("{ARTICLES}?category=sea"),
        format!("{ARTICLES}?tag=tide"),
        format!("/api/v1/notices/{}", id_of(&notice)),
        "/api/v1/home".to_owned(),
    ];
    let mut square = path_of(&media["variants"]["square"]);
    for (alt, x) in [("Ships", 0.1), ("Sails", 0.9), ("Boats", 0.1)] {
        for path in &places {
            anon.get(path).await.expect(200);
            anon.get(path).await.expect(200);
        }
        let change = json!({"alt": alt, "focal_point": {"x": x, "y": 0.5}});
        let changed = editor.patch(&api_path(&media), change).await.data(200);
        for path in &places {
            let seen = anon.get(path).await.expect(200).text();
            assert!(seen.contains(alt), "{path}: {seen}");
        }
        let moved = path_of(&changed["variants"]["square"]);
        assert_ne!(moved, square);
        square = moved;
    }
    // Pictures of the trash are shown nowhere: those that something uses cannot be put there.
    editor.delete(&api_path(&media)).await.expect(409);
}

#[actix_web::test]
async fn rows_of_imports_have_covers_as_articles_have() {
    let (_app, _, editor) = start().await;
    let media = upload(&editor, "", &jpeg(40, 30)).await.data(201);
    let id = id_of(&media);
    let elsewhere = "https://example.org/a.png";
    let rows = [
        json!({"external_id": "id", "title": "a", "cover": id}),
        json!({"external_id": "path", "title": "a", "cover_url": format!("/media/{id}")}),
        json!({"external_id": "elsewhere", "title": "a", "cover": elsewhere}),
        json!({"external_id": "both", "title": "a", "cover": elsewhere, "cover_url": "/b.png"}),
    ];
    let rows = rows.map(|row| format!("{row}\n")).concat();
    let request = editor.request(Method::POST, "/api/v1/articles/import");
    let summary = request.labelled("application/x-ndjson", rows).send().await.data(200);
    let errors = summary["errors"].as_array().unwrap().iter();
    let places: Vec<_> = errors.map(|error| (&error["line"], &error["pointer"])).collect();
    assert_eq!(places, [(&json!(4), &json!("/cover_url"))], "{summary}");
    for (name, cover) in [("id", id), ("path", id), ("elsewhere", elsewhere)] {
        let article = editor.get(&format!("{ARTICLES}/by-external-id/{name}")).await.data(200);
        assert_eq!(article["cover"], cover, "{name}");
    }
}
