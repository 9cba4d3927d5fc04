//! Documents, sound and film: served as they are, in parts too.

use inkstone::operations::Role;
use reqwest::Method;

use super::pictures::{jpeg, pdf};
use super::{api_path, path_of, upload};
use crate::harness::{Answer, Client, TestApp};

async fn part(client: &Client, path: &str, range: &str, condition: Option<&str>) -> Answer {
    let request = client.request(Method::GET, path).header("range", range);
    match condition {
        Some(condition) => request.header("if-range", condition).send().await,
        None => request.send().await,
    }
}

#[actix_web::test]
async fn a_document_is_to_be_had_in_parts() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(1000);
    let media = upload(&author, "", &bytes).await.data(201);
    for (client, path) in
        [(&anon, path_of(&media["url"])), (&author, format!("{}/original", api_path(&media)))]
    {
        let whole = client.get(&path).await.expect(200);
        assert_eq!((whole.header("accept-ranges"), whole.bytes.len()), ("bytes", 1000));
        let etag = whole.header("etag").to_owned();
        for (range, told, wanted) in [
            ("bytes=0-9", "bytes 0-9/1000", 0..10),
            ("bytes=990-", "bytes 990-999/1000", 990..1000),
            ("bytes=-5", "bytes 995-999/1000", 995..1000),
            ("bytes=995-2000", "bytes 995-999/1000", 995..1000),
            ("bytes=999-999", "bytes 999-999/1000", 999..1000),
        ] {
            for condition in [None, Some(etag.as_str())] {
                let answer = part(client, &path, range, condition).await.expect(206);
                assert_eq!(answer.header("content-range"), told);
                assert_eq!(answer.header("content-length"), wanted.len().to_string());
                assert!(answer.bytes == bytes[wanted.clone()], "{range}");
                assert_eq!(answer.header("content-type"), "application/pdf");
                assert_eq!(answer.header("etag"), etag);
            }
        }
        for range in ["bytes=1000-", "bytes=2000-3000", "bytes=-0"] {
            let answer = part(client, &path, range, None).await.expect(416);
            assert_eq!(answer.header("content-range"), "bytes */1000", "{range}");
            assert!(!answer.header("cache-control").contains("immutable"), "{answer:?}");
        }
        for (range, condition) in [
            ("bytes=0-1,4-5", None),
            ("lines=0-1", None),
            ("bytes=a-b", None),
            ("bytes=0-9", Some("\"another\"")),
            ("bytes=0-9", Some("Fri, 01 Jan 2100 00:00:00 GMT")),
        ] {
            let answer = part(client, &path, range, condition).await.expect(200);
            assert!(answer.bytes == bytes, "{range} {condition:?}");
        }
        // A client that has it already is told so, whatever part it asks for.
        let request = client.request(Method::GET, &path).header("range", "bytes=0-9");
        request.header("if-none-match", &etag).send().await.expect(304);
        let head = client.request(Method::HEAD, &path).send().await.expect(200);
        assert_eq!((head.header("content-length"), head.header("accept-ranges")), ("1000", "bytes"));
    }
}

#[actix_web::test]
async fn a_document_is_downloaded_and_a_sound_is_played_in_its_place() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let sound = [b"\xFF\xFB\x90\x00".as_slice(), &[0; 413]].concat().repeat(3);
    for (name, bytes, disposition) in [
        ("report.pdf", pdf(99), "attachment; filename=\"report.pdf\""),
        ("report.html", pdf(99), "attachment; filename=\"report.pdf\""),
        ("%E8%B4%A8.pdf", pdf(99), "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E8%B4%A8.pdf"),
        ("song.mp3", sound, "inline; filename=\"song.mp3\""),
    ] {
        let media = upload(&author, &format!("?name={name}"), &bytes).await.data(201);
        let answer = anon.get(&path_of(&media["url"])).await.expect(200);
        assert_eq!(answer.header("content-disposition"), disposition);
        assert!(answer.bytes == bytes);
        assert!(media["image"].is_null() && media["variants"].as_object().unwrap().is_empty(), "{media}");
    }
}

#[actix_web::test]
async fn a_variant_is_whole_whatever_range_is_asked_for() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let media = upload(&author, "", &jpeg(64, 48)).await.data(201);
    let path = path_of(&media["variants"]["w160"]);
    let whole = anon.get(&path).await.expect(200);
    let asked = part(&anon, &path, "bytes=0-9", None).await.expect(200);
    assert!(asked.bytes == whole.bytes);
}
