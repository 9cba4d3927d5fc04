//! Hostile files on every path: each is refused, or what is served of it is harmless.

use std::net::Ipv4Addr;
use std::sync::Arc;

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::hostile_files::{EVIL, Hostile, all};
use super::pictures::holds;
use super::resuming::{append, begin, media_of};
use super::server::{FileServer, file};
use super::serving::fetch;
use super::{Form, MEDIA, path_of, upload};
use crate::harness::{Answer, Client, TestApp};

/// Fails unless a refusal is one of the caller's file.
fn check_refusal(path: &str, name: &str, answer: &Answer) {
    let (status, code) = answer.problem();
    let is_known = match status {
        415 => code == "unsupported_file",
        422 => code == "refused_file",
        413 => code == "payload_too_large",
        _ => false,
    };
    assert!(is_known, "{path} {name}: {}", answer.text());
}

/// Fails unless everything that is served of these media can do nothing.
pub async fn check_served(anon: &Client, name: &str, media: &Value) {
    let is_image = media["kind"] == "image";
    let variants = media["variants"].as_object().unwrap().values();
    for address in variants.chain([&media["url"]]) {
        for takes_webp in [true, false] {
            let answer = fetch(anon, &path_of(address), takes_webp).await.expect(200);
            let kind = answer.header("content-type");
            assert!(
                !kind.contains("html") && !kind.contains("xml") && !kind.contains("script"),
                "{name}: {kind}"
            );
            assert_eq!(kind.starts_with("image/"), is_image, "{name}: {kind}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
            assert!(answer.header("content-security-policy").starts_with("sandbox"), "{name}");
            let disposition = answer.header("content-disposition");
            assert!(!disposition.contains(".html"), "{name}: {disposition}");
            assert!(
                media["kind"] != "document" || disposition.starts_with("attachment"),
                "{name}: {disposition}"
            );
            assert!(!is_image || !holds(&answer.bytes, EVIL), "{name} {kind}");
        }
    }
}

/// Sends all files over one path: those that must be refused are, the others are refused or become harmless.
async fn send_all(
    path: &str,
    anon: &Client,
    files: &[Hostile],
    mut send: impl AsyncFnMut(usize, &Hostile) -> (Answer, Option<Value>),
) {
    for (at, hostile) in files.iter().enumerate() {
        let (name, _, must_be_refused) = hostile;
        let (answer, media) = send(at, hostile).await;
        match media {
            Some(media) => {
                assert!(!must_be_refused, "{path} {name} was taken");
                check_served(anon, name, &media).await;
            }
            None => check_refusal(path, name, &answer),
        }
    }
}

/// The media of an answer, if it has taken the file.
fn taken(answer: Answer) -> (Answer, Option<Value>) {
    let media = (answer.status == 201).then(|| answer.json()["data"].clone());
    (answer, media)
}

#[actix_web::test]
async fn a_hostile_file_in_a_form_is_refused_or_harmless() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    send_all("form", &anon, &all(), async |_, (_, bytes, _)| {
        let label = "form-data; name=\"file\"; filename=\"a.html\"\r\nContent-Type: text/html";
        taken(Form::default().part(label, bytes).send(&author).await)
    })
    .await;
}

#[actix_web::test]
async fn a_hostile_file_as_bytes_alone_is_refused_or_harmless() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let files = all();
    assert!(files.len() >= 200, "{}", files.len());
    send_all("bytes", &anon, &files, async |_, (_, bytes, _)| {
        taken(upload(&author, "?name=a.html", bytes).await)
    })
    .await;
    // What was refused has left nothing behind.
    let kept = author.get(&format!("{MEDIA}?page_size=1&count=true")).await.expect(200).json();
    let files = "SELECT count(*) FROM media_files WHERE NOT EXISTS (SELECT FROM media WHERE media.sha256 = media_files.sha256)";
    assert_eq!(crate::harness::machine::ask(&app.db.url, files).await, "0", "{kept}");
}

#[actix_web::test]
async fn a_hostile_file_in_parts_is_refused_or_harmless() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    send_all("tus", &anon, &all(), async |_, (_, bytes, _)| {
        let path = begin(&author, bytes.len(), &[("filename", "a.html"), ("filetype", "text/html")]).await;
        let half = bytes.len() / 2;
        let first = append(&author, &path, 0, &bytes[..half]).await;
        if first.status != 204 {
            return (first, None);
        }
        let last = append(&author, &path, half, &bytes[half..]).await;
        let media = if last.status == 204 { Some(media_of(&author, &path).await) } else { None };
        (last, media)
    })
    .await;
}

#[actix_web::test]
async fn a_hostile_file_from_an_address_is_refused_or_harmless() {
    let (app, anon) = TestApp::start_with(&["--fetch-allow", "127.0.0.0/8"]).await;
    let author = app.db_member(Role::Author).await;
    let files = Arc::new(all());
    let served = files.clone();
    let server = FileServer::start(Ipv4Addr::LOCALHOST, move |path| {
        let at: usize = path.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        file(&served[at].1, "text/html")
    })
    .await;
    send_all("address", &anon, &files, async |at, _| {
        let body = json!({"url": server.url(&format!("/{at}.html"))});
        taken(author.post("/api/v1/media/from-url", body).await)
    })
    .await;
}
