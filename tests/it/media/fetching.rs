//! Files that the server fetches from an address.

use std::net::Ipv4Addr;

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::pictures::{jpeg, pdf};
use super::server::{FileServer, empty, file};
use super::{MEDIA, api_path, key_with, path_of};
use crate::harness::machine::ask;
use crate::harness::{Answer, Client, TestApp};

const FROM_URL: &str = "/api/v1/media/from-url";
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

async fn fetch(client: &Client, url: &str) -> Answer {
    client.post(FROM_URL, json!({"url": url})).await
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 422 && answer.faults() == [("/url".to_owned(), "fetch_failed".to_owned())]
}

#[actix_web::test]
async fn a_file_is_fetched_and_kept_as_if_it_were_uploaded() {
    let (app, anon) = TestApp::start_with(&["--fetch-allow", "127.0.0.0/8"]).await;
    let (author, admin) = (app.db_member(Role::Author).await, app.db_member(Role::Admin).await);
    let (picture, document) = (jpeg(200, 100), pdf(500));
    let (served, paper) = (file(&picture, "text/html"), file(&document, "application/pdf"));
    let server = FileServer::start(HERE, move |path| match path {
        "/moved" => empty("302 Found", "Location: /sub/%E8%B4%A8.jpg?x=1\r\n"),
        "/a.pdf" => paper.clone(),
        _ => served.clone(),
    })
    .await;
    let media = fetch(&author, &server.url("/pictures/harbour.jpg?size=9")).await.data(201);
    assert_eq!((&media["name"], &media["mime"]), (&json!("harbour.jpg"), &json!("image/jpeg")));
    assert_eq!(media["source_url"], server.url("/pictures/harbour.jpg?size=9"));
    assert!(author.get(&format!("{}/original", api_path(&media))).await.expect(200).bytes == picture);
    anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    let said = json!({"url": server.url("/moved"), "alt": "Boats", "tags": ["sea"], "audience": "members"});
    let moved = author.post(FROM_URL, said).await.expect(201).json();
    assert_eq!((&moved["duplicate"], &moved["data"]["name"]), (&json!(true), &json!("质.jpg")));
    assert_eq!((&moved["data"]["alt"], &moved["data"]["tags"]), (&json!("Boats"), &json!(["sea"])));
    assert_eq!(moved["data"]["audience"], "members");
    assert_eq!(fetch(&author, &server.url("/a.pdf")).await.data(201)["kind"], "document");
    // Once under one name.
    let named = || {
        author
            .request(Method::POST, FROM_URL)
            .header("idempotency-key", "k")
            .json(&json!({"url": server.url("/a.pdf")}))
    };
    let first = named().send().await.expect(201);
    assert_eq!(named().send().await.expect(201).bytes, first.bytes);
    // A key that only writes gets a receipt.
    let writer = key_with(&app, &admin, &["media:write"]).await;
    let receipt = fetch(&writer, &server.url("/a.pdf")).await.expect(201).json();
    assert!(receipt.get("duplicate").is_none() && receipt["data"].get("url").is_none(), "{receipt}");
}

#[actix_web::test]
async fn private_addresses_are_not_asked_however_they_are_written() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let picture = file(&jpeg(8, 8), "image/jpeg");
    let server = FileServer::start(HERE, move |_| picture.clone()).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "127.0.0.1.",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "100.64.0.1",
        "[64:ff9b::7f00:1]",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let answer = fetch(&author, &format!("http://{host}:{port}/a.jpg")).await;
        assert!(is_refused(&answer), "{host}: {} {}", answer.status, answer.text());
        assert!(
            !answer.text().contains("10.0.0.1:") && !answer.text().contains("private network 1"),
            "{}",
            answer.text()
        );
    }
    for url in [
        "ftp://x.example/a",
        "file:///etc/passwd",
        "http://user:pass@x.example/",
        "javascript:x",
        "http://",
        "gopher://x",
    ] {
        assert_eq!(fetch(&author, url).await.status, 422, "{url}");
    }
    assert_eq!(server.paths(), [""; 0], "nobody has asked");
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media_files").await, "0");
}

#[actix_web::test]
async fn a_redirect_leads_to_no_address_that_could_not_be_named() {
    let (app, _) = TestApp::start_with(&["--fetch-allow", "127.0.0.1/32"]).await;
    let author = app.db_member(Role::Author).await;
    let picture = file(&jpeg(8, 8), "image/jpeg");
    let hidden = FileServer::start(Ipv4Addr::new(127, 0, 0, 2), move |_| picture.clone()).await;
    let inner = hidden.url("/secret.jpg");
    let server = FileServer::start(HERE, move |path| match path {
        "/a" => empty("302 Found", &format!("Location: {inner}\r\n")),
        "/b" => empty("307 Temporary Redirect", "Location: /a\r\n"),
        "/c" => empty("301 Moved Permanently", "Location: http://169.254.169.254/latest/meta-data\r\n"),
        "/d" => empty("302 Found", "Location: file:///etc/passwd\r\n"),
        "/e" => empty("302 Found", "Location: /e\r\n"),
        "/f" => empty("302 Found", ""),
        _ => empty("404 Not Found", ""),
    })
    .await;
    for path in ["/a", "/b", "/c", "/d", "/e", "/f", "/none"] {
        let answer = fetch(&author, &server.url(path)).await;
        assert!(is_refused(&answer), "{path}: {} {}", answer.status, answer.text());
        assert!(
            !answer.text().contains("127.0.0.2") && !answer.text().contains("169.254"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(hidden.paths(), [""; 0]);
    assert!(server.paths().iter().filter(|path| *path == "/e").count() <= 6);
}

#[actix_web::test]
async fn what_is_too_large_or_ends_early_or_is_no_file_is_not_kept() {
    let flags = ["--fetch-allow", "127.0.0.0/8", "--media-max-file", "40KB", "--media-max-image", "20KB"];
    let (app, _) = TestApp::start_with(&flags).await;
    let author = app.db_member(Role::Author).await;
    let (large, picture) = (pdf(60_000), super::pictures::png(100, 100));
    let server = FileServer::start(HERE, move |path| match path {
        "/large" => file(&large, "application/pdf"),
        // As long as it likes, without saying so.
        "/endless" => [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &large].concat(),
        "/picture" => file(&picture, "image/png"),
        "/cut" => file(&large[..30_000], "application/pdf")[..20_000].to_vec(),
        "/html" => file(b"<!DOCTYPE html><script>", "image/png"),
        "/empty" => file(b"", "image/png"),
        "/nothing" => Vec::new(),
        _ => empty("500 Internal Server Error", ""),
    })
    .await;
    for path in ["/large", "/endless", "/picture"] {
        assert_eq!(
            fetch(&author, &server.url(path)).await.problem(),
            (413, "payload_too_large".to_owned()),
            "{path}"
        );
    }
    for path in ["/html", "/empty"] {
        assert_eq!(
            fetch(&author, &server.url(path)).await.problem(),
            (415, "unsupported_file".to_owned()),
            "{path}"
        );
    }
    for path in ["/cut", "/nothing", "/broken"] {
        let answer = fetch(&author, &server.url(path)).await;
        assert!(is_refused(&answer), "{path}: {} {}", answer.status, answer.text());
    }
    // Where nobody listens.
    let gone = server.url("/a");
    drop(server);
    let refused: Value = {
        let answer = fetch(&author, &gone).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        answer.json()
    };
    assert!(refused["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    assert_eq!(author.get(MEDIA).await.data(200), json!([]));
}
