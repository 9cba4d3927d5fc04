//! Uploads that arrive in parts (tus 1.0).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::pictures::{jpeg, pdf};
use super::{MEDIA, PART, UPLOADS, api_path, id_of, key_with, own_store, path_of, tus, upload};
use crate::harness::{Answer, Client, TestApp, files_below};

/// Metadata as tus has them.
pub fn metadata(pairs: &[(&str, &str)]) -> String {
    let write = |(key, value): &(&str, &str)| format!("{key} {}", STANDARD.encode(value));
    pairs.iter().map(write).collect::<Vec<_>>().join(",")
}

/// Begins an upload, and returns its path.
pub async fn begin(client: &Client, bytes: usize, said: &[(&str, &str)]) -> String {
    let request = tus(client, Method::POST, UPLOADS).header("upload-length", &bytes.to_string());
    let request = if said.is_empty() { request } else { request.header("upload-metadata", &metadata(said)) };
    request.send().await.expect(201).header("location").to_owned()
}

/// Sends a part.
pub async fn append(client: &Client, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let request = tus(client, Method::PATCH, path).header("upload-offset", &offset.to_string());
    request.labelled(PART, bytes.to_vec()).send().await
}

/// How many bytes have arrived.
pub async fn offset(client: &Client, path: &str) -> usize {
    let head = tus(client, Method::HEAD, path).send().await.expect(200);
    assert_eq!((head.header("cache-control"), head.header("tus-resumable")), ("no-store", "1.0.0"));
    head.header("upload-offset").parse().unwrap()
}

/// The media that an upload has become.
pub async fn media_of(client: &Client, path: &str) -> Value {
    let upload = client.get(path).await.data(200);
    client.get(&format!("{MEDIA}/{}", upload["media_id"].as_str().unwrap())).await.data(200)
}

#[actix_web::test]
async fn the_parts_of_an_upload_become_media_with_what_was_said_at_first() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let told = anon.request(Method::OPTIONS, UPLOADS).send().await.expect(204);
    for (name, value) in [
        ("tus-version", "1.0.0"),
        ("tus-extension", "creation,creation-with-upload,expiration,checksum,termination"),
        ("tus-checksum-algorithm", "sha1,sha256,sha512,crc32"),
        ("tus-max-size", "500000000"),
    ] {
        assert_eq!(told.header(name), value);
    }
    let bytes = jpeg(200, 100);
    let said =
        [("filename", "Harbour.jpg"), ("filetype", "text/html"), ("alt", "Boats 质量"), ("tags", "sea,dawn")];
    let path = begin(&author, bytes.len(), &said).await;
    let mut sent = 0;
    for part in bytes.chunks(bytes.len() / 3 + 1) {
        assert_eq!(offset(&author, &path).await, sent);
        let answer = append(&author, &path, sent, part).await.expect(204);
        sent += part.len();
        assert_eq!(answer.header("upload-offset"), sent.to_string());
        assert!(!answer.header("upload-expires").is_empty());
        assert_eq!(answer.header("upload-media").is_empty(), sent < bytes.len());
    }
    let media = media_of(&author, &path).await;
    assert_eq!(
        (&media["name"], &media["alt"], &media["tags"]),
        (&json!("Harbour.jpg"), &json!("Boats 质量"), &json!(["sea", "dawn"]))
    );
    assert_eq!((&media["mime"], &media["bytes"]), (&json!("image/jpeg"), &json!(bytes.len())));
    let original = author.get(&format!("{}/original", api_path(&media))).await.expect(200);
    assert!(original.bytes == bytes);
    anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    // It has ended: nothing can be added, and asking does nothing again.
    assert_eq!(offset(&author, &path).await, bytes.len());
    assert_eq!(append(&author, &path, bytes.len(), b"x").await.status / 100, 4);
    append(&author, &path, bytes.len(), b"").await.expect(204);
    assert_eq!(author.get(MEDIA).await.data(200).as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_first_bytes_can_come_with_the_beginning() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(5000);
    for first in [1, 2500, 5000] {
        let request = tus(&author, Method::POST, UPLOADS).header("upload-length", "5000");
        let begun = request.labelled(PART, bytes[..first].to_vec()).send().await.expect(201);
        assert_eq!(begun.header("upload-offset"), first.to_string());
        let path = begun.header("location").to_owned();
        if first < 5000 {
            append(&author, &path, first, &bytes[first..]).await.expect(204);
        } else {
            assert!(!begun.header("upload-media").is_empty());
        }
        assert_eq!(media_of(&author, &path).await["bytes"], 5000);
    }
}

#[actix_web::test]
async fn a_part_at_another_place_or_in_another_way_is_not_added() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(1000);
    let path = begin(&author, 1000, &[]).await;
    append(&author, &path, 0, &bytes[..400]).await.expect(204);
    let problem = |status: u16, code: &str| (status, code.to_owned());
    for wrong in [0, 399, 401, 1000, 5000] {
        assert_eq!(
            append(&author, &path, wrong, &bytes[400..]).await.problem(),
            problem(409, "offset_mismatch")
        );
    }
    assert_eq!(append(&author, &path, 400, &pdf(601)).await.problem(), problem(413, "payload_too_large"));
    let send = |version: &str, label: &str, at: &str| {
        let request = author.request(Method::PATCH, &path).header("tus-resumable", version);
        request.header("upload-offset", at).labelled(label, bytes[400..].to_vec())
    };
    let unknown = send("0.2.2", PART, "400").send().await;
    assert_eq!(unknown.problem(), problem(412, "unknown_tus_version"));
    assert_eq!(unknown.header("tus-version"), "1.0.0", "the protocol asks for it");
    assert_eq!(
        send("1.0.0", "application/octet-stream", "400").send().await.problem(),
        problem(415, "unsupported_media_type")
    );
    for at in ["", "-1", "4e2", "99999999999999999999"] {
        assert_eq!(send("1.0.0", PART, at).send().await.status, 400, "{at}");
    }
    assert_eq!(offset(&author, &path).await, 400);
    append(&author, &path, 400, &bytes[400..]).await.expect(204);
    for (length, said, status) in [
        ("", "", 400),
        ("-5", "", 400),
        ("500000001", "", 413),
        ("5", "alt !!", 400),
        ("5", &metadata(&[("colour", "red")]), 400),
        ("5", &metadata(&[("audience", "nobody")]), 400),
        ("5", "alt /w==", 400),
    ] {
        let request = tus(&author, Method::POST, UPLOADS).header("upload-length", length);
        let answer = request.header("upload-metadata", said).send().await;
        assert_eq!(answer.status, status, "{length} {said}: {}", answer.text());
    }
    tus(&author, Method::POST, UPLOADS).send().await.expect(400);
    author.request(Method::POST, UPLOADS).header("upload-length", "5").send().await.expect(412);
}

#[actix_web::test]
async fn a_part_with_a_checksum_counts_as_a_whole_or_not_at_all() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(600);
    let path = begin(&author, 600, &[]).await;
    let send = async |at: usize, checksum: &str| {
        let request = tus(&author, Method::PATCH, &path).header("upload-offset", &at.to_string());
        request.header("upload-checksum", checksum).labelled(PART, bytes[at..at + 100].to_vec()).send().await
    };
    let digests = |part: &[u8]| {
        [
            format!("sha1 {}", STANDARD.encode(sha1::Sha1::digest(part))),
            format!("sha256 {}", STANDARD.encode(Sha256::digest(part))),
            format!("sha512 {}", STANDARD.encode(sha2::Sha512::digest(part))),
            format!("crc32 {}", STANDARD.encode(crc32fast::hash(part).to_be_bytes())),
        ]
    };
    for (at, wrong) in [0, 100, 200, 300].into_iter().zip(digests(b"other bytes")) {
        let refused = send(at, &wrong).await;
        assert_eq!(refused.problem(), (460, "checksum_mismatch".to_owned()), "{wrong}");
        assert_eq!(offset(&author, &path).await, at);
        let right = digests(&bytes[at..at + 100])[at / 100].clone();
        assert_eq!(send(at, &right).await.expect(204).header("upload-offset"), (at + 100).to_string());
    }
    for unknown in ["md5 AAAA", "sha1", "sha1 !", "", "SHA1 AAAA"] {
        assert_eq!(send(400, unknown).await.status, 400, "{unknown}");
    }
    append(&author, &path, 400, &bytes[400..]).await.expect(204);
    let media = media_of(&author, &path).await;
    let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(media["sha256"], hex);
}

#[actix_web::test]
async fn an_upload_is_nobody_elses() {
    let (app, anon) = TestApp::start().await;
    let (author, admin) = (app.db_member(Role::Author).await, app.db_member(Role::Admin).await);
    let key = key_with(&app, &admin, &["media:write"]).await;
    let path = begin(&author, 100, &[]).await;
    for other in [&app.db_member(Role::Author).await, &admin, &key] {
        for method in [Method::HEAD, Method::GET, Method::DELETE] {
            tus(other, method, &path).send().await.expect(404);
        }
        append(other, &path, 0, b"x").await.expect(404);
    }
    append(&anon, &path, 0, b"x").await.expect(401);
    assert_eq!(offset(&author, &path).await, 0);
    // A key goes on with its own.
    let bytes = pdf(100);
    let own = begin(&key, 100, &[]).await;
    append(&author, &own, 0, &bytes).await.expect(404);
    assert!(append(&key, &own, 0, &bytes).await.expect(204).header("upload-media").starts_with(MEDIA));
}

#[actix_web::test]
async fn what_an_author_says_of_an_upload_gives_no_more_rights_than_elsewhere() {
    let (app, _) = TestApp::start().await;
    let (author, editor) = (app.db_member(Role::Author).await, app.db_member(Role::Editor).await);
    let bytes = jpeg(32, 32);
    let media = upload(&editor, "?alt=mine", &bytes).await.data(201);
    let request = tus(&author, Method::POST, UPLOADS).header("upload-length", &bytes.len().to_string());
    let said = metadata(&[("id", id_of(&media)), ("alt", "theirs"), ("audience", "members")]);
    let begun = request.header("upload-metadata", &said).send().await;
    assert_eq!(begun.status, 403, "{}", begun.text());
    let seen = editor.get(&api_path(&media)).await.data(200);
    assert_eq!((&seen["alt"], &seen["audience"]), (&json!("mine"), &json!("public")));
    let path = begin(&editor, bytes.len(), &[("id", id_of(&media)), ("alt", "again")]).await;
    append(&editor, &path, 0, &bytes).await.expect(204);
    assert_eq!(editor.get(&api_path(&media)).await.data(200)["alt"], "again");
}

#[actix_web::test]
async fn an_upload_ends_when_its_owner_ends_it_or_its_time_is_over() {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, _) = TestApp::start_with(&flags).await;
    let author = app.db_member(Role::Author).await;
    let parts = || {
        files_below(folder.path())
            .into_iter()
            .filter(|path| path.starts_with(folder.path().join("uploads")))
            .count()
    };
    let path = begin(&author, 100, &[]).await;
    append(&author, &path, 0, &pdf(50)).await.expect(204);
    assert_eq!(parts(), 1);
    let ended = tus(&author, Method::DELETE, &path).send().await.expect(204);
    assert_eq!(ended.header("tus-resumable"), "1.0.0");
    assert_eq!(parts(), 0, "what has arrived is thrown away");
    for method in [Method::HEAD, Method::DELETE] {
        tus(&author, method, &path).send().await.expect(404);
    }
    append(&author, &path, 50, &pdf(50)).await.expect(404);
    let path = begin(&author, 100, &[]).await;
    append(&author, &path, 0, &pdf(50)).await.expect(204);
    app.db_execute("UPDATE media_uploads SET expires_at = now() - interval '1 second'").await;
    tus(&author, Method::HEAD, &path).send().await.expect(404);
    append(&author, &path, 50, &pdf(50)).await.expect(404);
    // Media that have become of an upload stay.
    let path = begin(&author, 100, &[]).await;
    append(&author, &path, 0, &pdf(100)).await.expect(204);
    let media = media_of(&author, &path).await;
    tus(&author, Method::DELETE, &path).send().await.expect(204);
    author.get(&api_path(&media)).await.expect(200);
}

#[actix_web::test]
async fn of_two_parts_at_once_one_is_added() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(2000);
    let path = begin(&author, 2000, &[]).await;
    let answers = join_all((0..4).map(|_| append(&author, &path, 0, &bytes[..1000]))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409, 409]);
    assert_eq!(offset(&author, &path).await, 1000);
    let answers = join_all((0..4).map(|_| append(&author, &path, 1000, &bytes[1000..]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    let media = media_of(&author, &path).await;
    assert!(author.get(&format!("{}/original", api_path(&media))).await.expect(200).bytes == bytes);
    assert_eq!(author.get(MEDIA).await.data(200).as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn an_end_that_was_interrupted_is_reached_by_asking() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(1000);
    let path = begin(&author, 1001, &[]).await;
    append(&author, &path, 0, &bytes).await.expect(204);
    // As if the process had died between the last byte and the end.
    app.db_execute("UPDATE media_uploads SET bytes = 1000").await;
    let head = tus(&author, Method::HEAD, &path).send().await.expect(200);
    assert!(!head.header("upload-media").is_empty());
    assert_eq!(media_of(&author, &path).await["bytes"], 1000);
}

#[actix_web::test]
async fn an_upload_that_is_refused_says_so_again() {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, _) = TestApp::start_with(&flags).await;
    let author = app.db_member(Role::Author).await;
    let damaged = jpeg(32, 32)[..400].to_vec();
    for (bytes, status, code) in
        [(b"<html>".to_vec(), 415, "unsupported_file"), (damaged, 422, "refused_file")]
    {
        let path = begin(&author, bytes.len(), &[]).await;
        let half = bytes.len() / 2;
        let first = append(&author, &path, 0, &bytes[..half]).await;
        let last =
            if first.status == 204 { append(&author, &path, half, &bytes[half..]).await } else { first };
        assert_eq!(last.problem(), (status, code.to_owned()));
        assert_eq!(author.get(&path).await.problem(), (status, code.to_owned()), "told alike");
        assert_eq!(append(&author, &path, bytes.len(), b"").await.problem(), (status, code.to_owned()));
    }
    assert_eq!(author.get(MEDIA).await.data(200), json!([]));
    assert!(
        !folder.path().join("originals").exists() || files_below(&folder.path().join("originals")).is_empty()
    );
}

#[actix_web::test]
async fn where_only_posts_pass_the_method_is_told_in_a_header() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = pdf(900);
    let post = |path: &str, method: &str| {
        tus(&author, Method::POST, path).header("x-http-method-override", method).header("upload-offset", "0")
    };
    for is_duplicate in [false, true] {
        let path = begin(&author, 900, &[]).await;
        let sent = post(&path, "PATCH").labelled(PART, bytes.clone()).send().await.expect(204);
        assert!(!sent.header("upload-media").is_empty());
        assert_eq!(author.get(&path).await.data(200)["duplicate"], is_duplicate);
        post(&path, "DELETE").send().await.expect(204);
        author.get(&path).await.expect(404);
    }
    let path = begin(&author, 900, &[]).await;
    for other in ["GET", "patch", ""] {
        let refused = post(&path, other).labelled(PART, bytes.clone()).send().await;
        assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()), "{other:?}");
    }
    assert_eq!(offset(&author, &path).await, 0);
}

#[actix_web::test]
async fn nobody_has_more_uploads_under_way_than_one_may_have() {
    let (app, _) = TestApp::start().await;
    let (author, other) = (app.db_member(Role::Author).await, app.db_member(Role::Author).await);
    let path = begin(&author, 10, &[]).await;
    for _ in 1..100 {
        begin(&author, 10, &[]).await;
    }
    let more = || tus(&author, Method::POST, UPLOADS).header("upload-length", "10").send();
    assert_eq!(more().await.problem(), (409, "too_many_uploads".to_owned()));
    begin(&other, 10, &[]).await;
    tus(&author, Method::DELETE, &path).send().await.expect(204);
    more().await.expect(201);
}
