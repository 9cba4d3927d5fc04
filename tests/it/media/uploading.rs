//! Files that come in as a whole: in a form, or as bytes alone.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pictures::{gif, jpeg, pdf, png, webp};
use super::{Form, MEDIA, OCTETS, api_path, id_of, key_with, path_of, upload};
use crate::harness::machine::ask;
use crate::harness::{TestApp, column};

#[actix_web::test]
async fn a_form_and_bytes_alone_make_the_same_media() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let (first, second) = (jpeg(300, 200), jpeg(300, 200));
    let said = [
        ("alt", "The harbour"),
        ("caption", "At dawn"),
        ("credit", "Ada"),
        ("source_url", "https://x.example/h.jpg"),
        ("tags", "sea,dawn, sea"),
        ("audience", "public"),
    ];
    let form = said.iter().fold(Form::default(), |form, (name, value)| form.text(name, value));
    let by_form = form.file("harbour.jpg", &first).send(&author).await.expect(201);
    assert_eq!(by_form.json()["duplicate"], false);
    let query =
        said.iter().map(|(name, value)| format!("&{name}={}", value.replace(' ', "%20"))).collect::<String>();
    let by_bytes = upload(&author, &format!("?name=harbour.jpg{query}"), &second).await.data(201);
    let by_form = {
        assert_eq!(by_form.header("location"), api_path(&by_form.json()["data"]));
        by_form.data(201)
    };
    for media in [&by_form, &by_bytes] {
        for (name, value) in &said[..4] {
            assert_eq!(media[*name], *value);
        }
        assert_eq!(media["tags"], json!(["sea", "dawn"]));
        assert_eq!(
            (&media["name"], &media["mime"], &media["kind"]),
            (&json!("harbour.jpg"), &json!("image/jpeg"), &json!("image"))
        );
        assert_eq!((&media["width"], &media["height"]), (&json!(300), &json!(200)));
        assert_eq!(media["created_by"], author.id.unwrap().to_string());
        assert!(!media["thumbhash"].as_str().unwrap().is_empty());
        assert!(media["dominant_color"].as_str().unwrap().starts_with('#'));
    }
    assert_eq!(by_form["bytes"], first.len());
    assert_ne!(by_form["sha256"], by_bytes["sha256"]);
    let seen = anon.get(&api_path(&by_form)).await.data(200);
    assert_eq!((&seen["used_by"], &seen["created_by"]), (&Value::Null, &Value::Null), "for staff only");
}

#[actix_web::test]
async fn a_name_is_found_where_it_is_said_and_hides_nothing() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = png(8, 8);
    let disposed = |disposition: &str| {
        let request = author.request(Method::POST, MEDIA).header("content-disposition", disposition);
        request.labelled(OCTETS, bytes.clone())
    };
    let name = |answer: crate::harness::Answer| answer.data(201)["name"].as_str().unwrap().to_owned();
    assert_eq!(name(disposed("attachment; filename=\"a.png\"").send().await), "a.png");
    let extended = "attachment; filename=\"x.png\"; filename*=UTF-8''%E8%B4%A8%E9%87%8F.png";
    assert_eq!(name(disposed(extended).send().await), "质量.png");
    assert_eq!(name(upload(&author, "?name=b.png", &bytes).await), "b.png");
    for (given, clean) in [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("photo\u{202e}gnp.exe", "photognp.exe"),
        ("\u{200f}\u{2066}a.png", "a.png"),
        (".htaccess", "htaccess"),
        ("a.html%00.png", "a.html%00.png"),
        ("质量 报告.png", "质量 报告.png"),
        ("a.png\u{85}", "a.png"),
    ] {
        assert_eq!(name(Form::default().file(given, &bytes).send(&author).await), clean, "{given:?}");
        assert_eq!(
            name(Form::default().text("name", given).file("x", &bytes).send(&author).await),
            clean,
            "{given:?}"
        );
    }
    // A name with a NUL and one of folders alone are none.
    let id_as_name = |media: &Value| format!("{}.png", id_of(media).replace('-', ""));
    for given in ["%00", "/", "..", "%20"] {
        let answer = upload(&author, &format!("?name={given}"), &bytes).await;
        if answer.status == 201 {
            let media = answer.data(201);
            assert_eq!(media["name"], id_as_name(&media), "{given}");
        } else {
            assert_eq!(answer.status, 400, "{given}: {}", answer.text());
        }
    }
    // Of a name without one, the id is the name.
    let nameless = upload(&author, "", &bytes).await.data(201);
    assert_eq!(nameless["name"], id_as_name(&nameless));
}

#[actix_web::test]
async fn a_part_with_two_names_has_one_and_is_served_by_its_bytes() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let two = "form-data; name=\"file\"; filename=\"a.png\"; filename=\"b.html\"";
    let answer = Form::default().part(two, &png(8, 8)).send(&author).await;
    if answer.status != 201 {
        assert!([400, 422].contains(&answer.status), "{}", answer.text());
        return;
    }
    let media = answer.data(201);
    let served = anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    assert!(!served.header("content-disposition").contains("html"), "{served:?}");
    assert_eq!(
        (served.header("content-type"), served.header("x-content-type-options")),
        ("image/jpeg", "nosniff")
    );
}

#[actix_web::test]
async fn a_form_that_is_none_is_refused_with_the_reason() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = png(8, 8);
    let missing = Form::default().text("alt", "a").send(&author).await;
    assert_eq!(missing.faults(), [("file".to_owned(), "missing_field".to_owned())]);
    let twice = Form::default().file("a.png", &bytes).file("b.png", &bytes).send(&author).await;
    assert_eq!(twice.faults(), [("file".to_owned(), "repeated_parameter".to_owned())]);
    let unknown = Form::default().text("colour", "red").file("a.png", &bytes).send(&author).await;
    assert_eq!(unknown.faults(), [("colour".to_owned(), "unknown_parameter".to_owned())]);
    let wrong = Form::default().text("audience", "nobody").file("a.png", &bytes).send(&author).await;
    assert_eq!((wrong.status, wrong.faults()[0].0.as_str()), (400, "audience"));
    let invalid = Form::default()
        .part("form-data; name=\"alt\"", b"\xFF\xFE")
        .file("a.png", &bytes)
        .send(&author)
        .await;
    assert_eq!(invalid.faults(), [("alt".to_owned(), "invalid_encoding".to_owned())]);
    let long = Form::default().text("alt", &"a".repeat(20_000)).file("a.png", &bytes).send(&author).await;
    assert_eq!(long.problem(), (413, "payload_too_large".to_owned()));
    let many =
        (0..70).fold(Form::default(), |form, i| form.text(&format!("alt{i}"), "a")).send(&author).await;
    assert_eq!(many.problem(), (413, "payload_too_large".to_owned()));
    let (label, whole) = Form::default().file("a.png", &bytes).finish();
    for body in [whole[..whole.len() - 30].to_vec(), Vec::new(), b"--other\r\n".to_vec()] {
        let answer = author.request(Method::POST, MEDIA).labelled(&label, body).send().await;
        assert!([400, 422].contains(&answer.status), "{}", answer.text());
    }
    let bare = author.request(Method::POST, MEDIA).labelled("multipart/form-data", whole).send().await;
    assert_eq!(bare.status, 400, "without a boundary: {}", bare.text());
    assert_eq!(author.get(MEDIA).await.data(200), json!([]));
}

#[actix_web::test]
async fn the_type_of_a_file_is_found_by_its_bytes() {
    let (app, _) = TestApp::start_with(&["--media-svg"]).await;
    let author = app.db_member(Role::Author).await;
    let zip = |name: &str, content: &str| {
        let mut head = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        head.extend([u32::try_from(content.len()).unwrap().to_le_bytes(); 2].concat());
        head.extend([u16::try_from(name.len()).unwrap().to_le_bytes(), [0; 2]].concat());
        [&head, name.as_bytes(), content.as_bytes()].concat()
    };
    let office = |folder: &str| [zip("[Content_Types].xml", ""), zip(folder, "")].concat();
    let open = |kind: &str| zip("mimetype", &format!("application/vnd.oasis.opendocument.{kind}"));
    let boxes = |brand: &str| [b"\0\0\0\x14ftyp", brand.as_bytes(), b"\0\0\0\0isom"].concat();
    let frame = [b"\xFF\xFB\x90\x00".as_slice(), &[0; 413]].concat();
    for (bytes, kind, mime) in [
        (jpeg(8, 8), "image", "image/jpeg"),
        (png(8, 8), "image", "image/png"),
        (gif(1), "image", "image/gif"),
        (webp(8, 8), "image", "image/webp"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg' width='5' height='5'/>".to_vec(),
            "image",
            "image/svg+xml",
        ),
        (pdf(100), "document", "application/pdf"),
        (frame.repeat(3), "audio", "audio/mpeg"),
        (boxes("M4A "), "audio", "audio/mp4"),
        ([b"OggS\0\x02".as_slice(), &[0; 20], b"\x01\x13OpusHead\x01"].concat(), "audio", "audio/ogg"),
        (boxes("mp42"), "video", "video/mp4"),
        (b"\x1A\x45\xDF\xA3\x9F\x42\x82\x84webm\x42\x87\x81\x04".to_vec(), "video", "video/webm"),
        (zip("a.txt", "a"), "document", "application/zip"),
        (
            office("word/document.xml"),
            "document",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            office("xl/workbook.xml"),
            "document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            office("ppt/presentation.xml"),
            "document",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        (open("text"), "document", "application/vnd.oasis.opendocument.text"),
        (open("spreadsheet"), "document", "application/vnd.oasis.opendocument.spreadsheet"),
        (zip("mimetype", "application/epub+zip"), "document", "application/epub+zip"),
    ] {
        let form = Form::default().part("form-data; name=\"file\"; filename=\"a.html\"", &bytes);
        let media = form.send(&author).await.data(201);
        assert_eq!((&media["kind"], &media["mime"]), (&json!(kind), &json!(mime)));
        // It is served under its own type, whatever its name says.
        let served = author.get(&path_of(&media["url"])).await.expect(200);
        let sent = served.header("content-type").to_owned();
        assert!(kind == "image" && mime != "image/svg+xml" || sent == mime, "{mime}: {sent}");
        assert!(
            !served.header("content-disposition").contains(".html"),
            "{}",
            served.header("content-disposition")
        );
        assert_eq!(served.header("x-content-type-options"), "nosniff");
    }
}

#[actix_web::test]
async fn each_type_that_is_not_taken_is_refused_with_a_code_and_a_hint() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    for (bytes, hint) in [
        (b"<!DOCTYPE html><script>alert(1)</script>".to_vec(), "none of JPEG"),
        (b"<?xml version='1.0'?><a/>".to_vec(), "none of JPEG"),
        (b"#!/bin/sh\necho\n".to_vec(), "none of JPEG"),
        (b"\x7FELF\x02\x01\x01\0".to_vec(), "none of JPEG"),
        (b"MZ\x90\0\x03".to_vec(), "none of JPEG"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ".to_vec(), "none of JPEG"),
        (b"BM\x46\0\0\0\0\0\0\0".to_vec(), "none of JPEG"),
        (b"hello".to_vec(), "none of JPEG"),
        (Vec::new(), "none of JPEG"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1".to_vec(), "AVIF and HEIC"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(), "AVIF and HEIC"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "SVG"),
        (
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0META-INF/MANIFEST.MF"
                .to_vec(),
            "none of JPEG",
        ),
    ] {
        for answer in [
            upload(&author, "?name=a.png", &bytes).await,
            Form::default().file("a.png", &bytes).send(&author).await,
        ] {
            assert_eq!(
                answer.problem(),
                (415, "unsupported_file".to_owned()),
                "{:?}",
                String::from_utf8_lossy(&bytes)
            );
            assert!(answer.json()["detail"].as_str().unwrap().contains(hint), "{}", answer.text());
        }
    }
    assert_eq!(author.get(MEDIA).await.data(200), json!([]));
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media_files").await, "0");
}

#[actix_web::test]
async fn a_file_may_be_as_large_as_the_settings_say() {
    let flags = ["--media-max-image", "20KB", "--media-max-file", "40KB", "--media-max-megapixels", "1"];
    let (app, _) = TestApp::start_with(&flags).await;
    let author = app.db_member(Role::Author).await;
    let code = |status: u16, code: &str| (status, code.to_owned());
    upload(&author, "", &jpeg(100, 100)).await.expect(201);
    let picture = png(100, 100);
    assert!((20_000..40_000).contains(&picture.len()), "{}", picture.len());
    assert_eq!(upload(&author, "", &picture).await.problem(), code(413, "payload_too_large"));
    upload(&author, "", &pdf(40_000)).await.expect(201);
    for answer in [
        upload(&author, "", &pdf(40_001)).await,
        Form::default().file("a.pdf", &pdf(40_001)).send(&author).await,
    ] {
        assert_eq!(answer.problem(), code(413, "payload_too_large"));
        assert!(answer.json()["detail"].as_str().unwrap().contains("40000"), "{}", answer.text());
    }
    let many_pixels = super::pictures::flat_png(1001, 1000);
    assert!(many_pixels.len() < 20_000);
    let refused = upload(&author, "", &many_pixels).await;
    assert_eq!(refused.problem(), code(422, "refused_file"));
    assert!(refused.text().contains("1001"), "{}", refused.text());
}

#[actix_web::test]
async fn the_same_bytes_are_stored_once_and_said_to_be_there_to_those_who_may_see_them() {
    let (folder, flags) = super::own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, _) = TestApp::start_with(&flags).await;
    let (author, admin) = (app.db_member(Role::Author).await, app.db_member(Role::Admin).await);
    let bytes = jpeg(64, 64);
    let first = upload(&author, "?alt=first", &bytes).await.data(201);
    let again = upload(&admin, "?alt=second", &bytes).await.expect(201).json();
    assert_eq!(again["duplicate"], true);
    assert_eq!((&again["data"]["alt"], &again["data"]["sha256"]), (&json!("second"), &first["sha256"]));
    assert_ne!(again["data"]["id"], first["id"]);
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media_files").await, "1");
    let originals = crate::harness::files_below(&folder.path().join("originals"));
    assert_eq!(originals.len(), 1, "{originals:?}");
    // What is in the trash is not told of.
    for media in [&first, &again["data"]] {
        admin.delete(&api_path(media)).await.expect(204);
    }
    let third = upload(&author, "", &bytes).await.expect(201).json();
    assert_eq!(third["duplicate"], false);
    // A key that only writes is told of nothing.
    let writer = key_with(&app, &admin, &["media:write"]).await;
    let receipt = upload(&writer, "", &bytes).await.expect(201).json();
    assert!(receipt.get("duplicate").is_none(), "{receipt}");
    let keys: Vec<&String> = receipt["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "version", "updated_at"]);
    let reader = key_with(&app, &admin, &["media:read", "media:write"]).await;
    assert_eq!(upload(&reader, "", &bytes).await.expect(201).json()["duplicate"], true);
}

#[actix_web::test]
async fn an_upload_is_done_once_under_one_idempotency_key() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let bytes = jpeg(32, 32);
    let send = async |query: &str, bytes: &[u8]| {
        let request =
            author.request(Method::POST, &format!("{MEDIA}{query}")).header("idempotency-key", "one");
        request.labelled(OCTETS, bytes.to_vec()).send().await
    };
    let first = send("?alt=a", &bytes).await.expect(201);
    let again = send("?alt=a", &bytes).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &first.bytes));
    assert_eq!(author.get(MEDIA).await.data(200).as_array().unwrap().len(), 1);
    let other = send("?alt=a", &jpeg(32, 32)).await;
    assert_eq!(other.problem(), (422, "idempotency_mismatch".to_owned()), "other bytes");
    let other = send("?alt=b", &bytes).await;
    assert_eq!(other.problem(), (422, "idempotency_mismatch".to_owned()), "other words");
}

#[actix_web::test]
async fn an_id_is_chosen_by_editors_only_and_names_one_file() {
    let (app, _) = TestApp::start().await;
    let (author, editor) = (app.db_member(Role::Author).await, app.db_member(Role::Editor).await);
    let (id, bytes) = (Uuid::now_v7(), jpeg(32, 32));
    for answer in [
        upload(&author, &format!("?id={id}"), &bytes).await,
        Form::default().text("id", &id.to_string()).file("a.jpg", &bytes).send(&author).await,
    ] {
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    let first = upload(&editor, &format!("?id={id}&alt=first&name=a.jpg"), &bytes).await.data(201);
    assert_eq!(id_of(&first), id.to_string());
    let again = upload(&editor, &format!("?id={id}&alt=second"), &bytes).await.data(201);
    assert_eq!(
        (&again["id"], &again["alt"], &again["name"]),
        (&first["id"], &json!("second"), &json!("a.jpg"))
    );
    let other = upload(&editor, &format!("?id={id}"), &jpeg(32, 32)).await;
    assert_eq!(other.problem(), (409, "media_id_taken".to_owned()));
    editor.delete(&api_path(&first)).await.expect(204);
    upload(&editor, &format!("?id={id}&alt=third"), &bytes).await.expect(201);
    assert_eq!(editor.get(&api_path(&first)).await.data(200)["alt"], "third");
    assert_eq!(column(&editor.get(MEDIA).await.data(200), "id"), [id.to_string()]);
}
