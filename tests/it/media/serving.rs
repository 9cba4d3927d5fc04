//! The bytes of pictures, as readers get them: sizes, formats, what caches keep.

use inkstone::media;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::pictures::{flat_png, gif, holds, jpeg, jpeg_of_camera, pdf, png_with_alpha, poor_jpeg, size_of};
use super::{api_path, id_of, own_store, path_of, upload, upload_picture, visitor};
use crate::harness::{Answer, Client, TestApp, files_below};

pub const WEBP: &str = "image/avif,image/webp,*/*;q=0.8";

/// What a client gets that takes WebP, or that says nothing of it.
pub async fn fetch(client: &Client, path: &str, takes_webp: bool) -> Answer {
    let accept = if takes_webp { WEBP } else { "*/*" };
    client.request(Method::GET, path).header("accept", accept).send().await
}

/// The names of the headers in `Vary`.
fn vary(answer: &Answer) -> String {
    let all = answer.headers.get_all("vary").iter().map(|vary| vary.to_str().unwrap());
    all.collect::<Vec<_>>().join(", ").to_ascii_lowercase()
}

#[actix_web::test]
async fn each_preset_has_its_size_and_enlarges_nothing() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let media = upload(&author, "", &jpeg(400, 300)).await.data(201);
    let sizes = [
        ("w160", (160, 120)),
        ("w320", (320, 240)),
        ("w640", (400, 300)),
        ("w1920", (400, 300)),
        ("square", (300, 300)),
        ("card", (400, 210)),
    ];
    for (preset, size) in sizes {
        let path = path_of(&media["variants"][preset]);
        for (takes_webp, kind) in [(true, "image/webp"), (false, "image/jpeg")] {
            let answer = fetch(&anon, &path, takes_webp).await.expect(200);
            assert_eq!(answer.header("content-type"), kind, "{preset}");
            assert_eq!(size_of(&answer.bytes), size, "{preset} {kind}");
            assert!(answer.bytes.len() <= media["bytes"].as_u64().unwrap() as usize, "{preset} {kind}");
        }
    }
    // What `<img>` gets: each width once.
    let srcset = media["image"]["srcset"].as_str().unwrap();
    let widths: Vec<&str> = srcset.split(", ").map(|one| one.split(' ').nth(1).unwrap()).collect();
    assert_eq!(widths, ["160w", "320w", "400w"]);
    for one in srcset.split(", ") {
        let (address, width) = one.split_once(' ').unwrap();
        let answer = anon.get(&path_of(&json!(address))).await.expect(200);
        assert_eq!(format!("{}w", size_of(&answer.bytes).0), width);
    }
    let largest = anon.get(&path_of(&media["url"])).await.expect(200);
    assert_eq!(size_of(&largest.bytes), (400, 300));
    assert_eq!(path_of(&media["image"]["src"]), path_of(&media["url"]));
}

#[actix_web::test]
async fn an_ending_names_the_format_and_other_addresses_lead_nowhere() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    for (bytes, plain) in [(jpeg(64, 48), "jpg"), (png_with_alpha(64, 48), "png"), (flat_png(64, 48), "png")]
    {
        let media = upload(&author, "?name=boats.x", &bytes).await.data(201);
        let path = path_of(&media["variants"]["w160"]);
        for (ending, kind) in
            [("webp", "image/webp"), (plain, &format!("image/{}", plain.replace("jpg", "jpeg")))]
        {
            for takes_webp in [true, false] {
                let answer = fetch(&anon, &format!("{path}.{ending}"), takes_webp).await.expect(200);
                assert_eq!(answer.header("content-type"), kind);
                assert!(!vary(&answer).split(", ").any(|name| name == "accept"), "{}", vary(&answer));
                assert_eq!(
                    answer.header("content-disposition"),
                    format!("inline; filename=\"boats.{ending}\"")
                );
            }
        }
        let other = if plain == "jpg" { "png" } else { "jpg" };
        for wrong in [
            format!("{path}.{other}"),
            format!("{path}.html"),
            format!("{path}."),
            format!("{path}.webp.html"),
            path.replace("w160-", "w320-"),
            path.replace("w160-", "nothing-"),
            path.replace("w160-", "file-"),
            path.replace("w160-", ""),
            path[..path.len() - 1].to_owned(),
            path.to_ascii_uppercase().replace("/MEDIA/", "/media/"),
            format!("{path}0"),
            format!("{path}/x"),
        ] {
            anon.get(&wrong).await.expect(404);
        }
    }
    // The digest of one is none of another.
    let (one, other) = (upload_picture(&author).await, upload_picture(&author).await);
    let mixed = path_of(&one["variants"]["w160"]).replace(id_of(&one), id_of(&other));
    anon.get(&mixed).await.expect(404);
}

#[actix_web::test]
async fn the_format_is_what_the_client_takes_and_kept_answers_do_not_mix() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    for first_takes_webp in [true, false] {
        let path = path_of(&upload_picture(&author).await["variants"]["w160"]);
        let mut seen = Vec::new();
        for round in 0..3 {
            for takes_webp in [first_takes_webp, !first_takes_webp] {
                let answer = fetch(&anon, &path, takes_webp).await.expect(200);
                let kind = if takes_webp { "image/webp" } else { "image/jpeg" };
                assert_eq!(answer.header("content-type"), kind, "round {round}");
                assert!(vary(&answer).split(", ").any(|name| name == "accept"), "{}", vary(&answer));
                seen.push((takes_webp, answer.header("etag").to_owned(), answer.bytes));
            }
        }
        for (takes_webp, etag, bytes) in &seen {
            for (other_takes_webp, other_etag, other_bytes) in &seen {
                assert_eq!((takes_webp == other_takes_webp), (etag == other_etag && bytes == other_bytes));
            }
        }
        // The ETag of one format does not stand for the other.
        let etag_of =
            |webp: bool| seen.iter().find(|(takes_webp, ..)| *takes_webp == webp).unwrap().1.clone();
        for (takes_webp, etag, status) in [
            (true, etag_of(true), 304),
            (true, etag_of(false), 200),
            (false, etag_of(false), 304),
            (false, etag_of(true), 200),
        ] {
            let request = anon.request(Method::GET, &path).header("if-none-match", &etag);
            let request = if takes_webp { request.header("accept", WEBP) } else { request };
            let answer = request.send().await.expect(status);
            assert!(vary(&answer).split(", ").any(|name| name == "accept"), "{status} {}", vary(&answer));
        }
    }
    let path = path_of(&upload_picture(&author).await["variants"]["w160"]);
    for (accept, kind) in [
        ("image/webp", "image/webp"),
        ("IMAGE/WEBP", "image/webp"),
        ("image/webp;q=0", "image/jpeg"),
        ("image/jpeg", "image/jpeg"),
        ("text/html", "image/jpeg"),
    ] {
        let answer = anon.request(Method::GET, &path).header("accept", accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), kind, "{accept}");
    }
}

/// Fails unless no variant of a picture has more bytes than the file.
async fn check_sizes(bytes: &[u8]) {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let media = upload(&author, "", bytes).await.data(201);
    for (preset, address) in media["variants"].as_object().unwrap() {
        for takes_webp in [true, false] {
            let answer = fetch(&anon, &path_of(address), takes_webp).await.expect(200);
            let (size, most) = (answer.bytes.len(), bytes.len());
            assert!(size <= most, "{preset} {}: {size} of {most}", answer.header("content-type"));
        }
    }
}

#[actix_web::test]
async fn a_variant_has_no_more_bytes_than_a_drawing() {
    check_sizes(&flat_png(500, 400)).await;
}

#[actix_web::test]
async fn a_variant_has_no_more_bytes_than_a_photograph_that_was_made_small_at_any_price() {
    check_sizes(&poor_jpeg(500, 400)).await;
}

#[actix_web::test]
async fn what_is_served_is_kept_for_ever_and_can_do_nothing() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    for (bytes, preset) in [(jpeg(64, 48), "w160"), (gif(2), "file"), (pdf(500), "")] {
        let media = upload(&author, "", &bytes).await.data(201);
        let path =
            if preset.is_empty() { path_of(&media["url"]) } else { path_of(&media["variants"][preset]) };
        for _ in 0..2 {
            let answer = anon.get(&path).await.expect(200);
            assert_eq!(answer.header("cache-control"), "public, immutable, max-age=31536000");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
            let (etag, length) = (answer.header("etag").to_owned(), answer.bytes.len());
            assert!(etag.starts_with('"'), "{etag}");
            let head = anon.request(Method::HEAD, &path).send().await.expect(200);
            assert_eq!((head.header("etag"), head.bytes.len()), (etag.as_str(), 0));
            assert_eq!(head.header("content-length"), length.to_string());
            assert_eq!(head.header("content-type"), answer.header("content-type"));
            for tag in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
                let again =
                    anon.request(Method::GET, &path).header("if-none-match", &tag).send().await.expect(304);
                assert_eq!((again.bytes.len(), again.header("etag")), (0, etag.as_str()), "{tag}");
                assert_eq!(again.header("cache-control"), "public, immutable, max-age=31536000");
            }
            anon.request(Method::GET, &path).header("if-none-match", "\"x\"").send().await.expect(200);
        }
    }
}

#[actix_web::test]
async fn only_the_server_makes_addresses_of_free_sizes() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let media = upload(&author, "", &jpeg(300, 200)).await.data(201);
    let at = format!("{}/address", api_path(&media));
    for (query, size) in [
        ("?width=123", (123, 82)),
        ("?width=100&height=50", (100, 50)),
        ("?width=2000", (300, 200)),
        ("?width=500&height=500", (200, 200)),
    ] {
        let path = path_of(&author.get(&format!("{at}{query}")).await.data(200)["url"]);
        let answer = fetch(&anon, &path, true).await.expect(200);
        assert_eq!(size_of(&answer.bytes), size, "{query}");
        // Another size, or another seal, is no address.
        let (name, seal) = path.rsplit_once('/').unwrap().1.split_once('-').unwrap();
        let before = path.rsplit_once('/').unwrap().0;
        let last = if seal.ends_with('0') { "1" } else { "0" };
        for wrong in [
            format!("{before}/124-{seal}"),
            format!("{before}/0{name}-{seal}"),
            format!("{before}/{name}-{}{last}", &seal[..31]),
            format!("{before}/{name}-{}", "0".repeat(32)),
        ] {
            anon.get(&wrong).await.expect(404);
        }
    }
    for wrong in ["", "?width=0", "?width=2561", "?width=a", "?height=5", "?width=5&height=0"] {
        author.get(&format!("{at}{wrong}")).await.expect(400);
    }
    let document = upload(&author, "", &pdf(99)).await.data(201);
    author.get(&format!("{}/address?width=5", api_path(&document))).await.expect(404);
}

#[actix_web::test]
async fn an_address_leads_to_the_same_bytes_after_the_focal_point_and_the_presets_have_changed() {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let with_presets = |presets| [&flags[..], &["--media-presets", presets]].concat();
    let (app, anon) = TestApp::start_with(&with_presets("thumb=40x40,w160=160")).await;
    media::prepare(&app.shared.app).await.unwrap();
    let author = app.db_member(Role::Author).await;
    let media = upload(&author, "", &jpeg(200, 100)).await.data(201);
    let (thumb, wide) = (path_of(&media["variants"]["thumb"]), path_of(&media["variants"]["w160"]));
    let bytes = anon.get(&thumb).await.expect(200).bytes;
    let mut addresses = vec![thumb.clone()];
    for x in [0.0, 1.0, 0.0] {
        let changed =
            author.patch(&api_path(&media), json!({"focal_point": {"x": x, "y": 0.5}})).await.data(200);
        let moved = path_of(&changed["variants"]["thumb"]);
        assert_ne!(anon.get(&moved).await.expect(200).bytes, bytes, "another part of the picture");
        assert_eq!(path_of(&changed["variants"]["w160"]), wide, "what is not cropped stays where it is");
        addresses.push(moved);
    }
    assert_eq!(addresses[1], addresses[3]);
    let seen: Vec<Vec<u8>> = {
        let mut seen = Vec::new();
        for address in &addresses {
            seen.push(anon.get(address).await.expect(200).bytes);
        }
        seen
    };
    // Another process with other presets, and none of the variants.
    std::fs::remove_dir_all(folder.path().join("variants")).unwrap();
    let (other, anon) = TestApp::start_on(app.db.clone(), &with_presets("thumb=50x50")).await;
    for (address, bytes) in addresses.iter().zip(&seen) {
        assert!(anon.get(address).await.expect(200).bytes == *bytes, "{address} leads to other bytes");
    }
    anon.get(&wide).await.expect(200);
    let now = other.db_member(Role::Author).await.get(&api_path(&media)).await.data(200);
    let now = path_of(&now["variants"]["thumb"]);
    assert!(!addresses.contains(&now));
    assert_eq!(size_of(&anon.get(&now).await.expect(200).bytes), (50, 50));
}

#[actix_web::test]
async fn what_a_camera_has_written_goes_to_the_staff_only() {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, anon) = TestApp::start_with(&flags).await;
    let cast = app.db_cast().await;
    let bytes = jpeg_of_camera(200, 100, 6);
    assert!(holds(&bytes, super::pictures::SECRET));
    let uploaded = upload(&cast.author, "", &bytes).await.data(201);
    assert_eq!((&uploaded["width"], &uploaded["height"]), (&json!(100), &json!(200)), "upright");
    assert_eq!(uploaded["taken_at"], "2024-03-09T09:45:12Z", "by the clock of the site");
    for (preset, address) in uploaded["variants"].as_object().unwrap() {
        for takes_webp in [true, false] {
            let answer = fetch(&anon, &path_of(address), takes_webp).await.expect(200);
            assert!(!holds(&answer.bytes, super::pictures::SECRET) && !holds(&answer.bytes, b"Exif"));
            let (width, height) = size_of(&answer.bytes);
            assert!(preset == "card" || width <= height, "upright: {preset} {width} × {height}");
        }
    }
    for file in files_below(folder.path()) {
        let is_original = file.starts_with(folder.path().join("originals"));
        assert_eq!(holds(&std::fs::read(&file).unwrap(), super::pictures::SECRET), is_original, "{file:?}");
    }
    let original = format!("{}/original", api_path(&uploaded));
    for (client, status) in [(&cast.anon, 401), (&cast.member, 403)] {
        client.get(&original).await.expect(status);
    }
    for client in [&cast.author, &cast.editor, &cast.admin] {
        let answer = client.get(&original).await.expect(200);
        assert_eq!(answer.bytes, bytes);
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert!(answer.header("content-disposition").starts_with("attachment"));
    }
    // An address that leads to the file as it is would be the original.
    let digest = media::presets::digest_file(&Sha256::digest(&bytes));
    for name in [format!("file-{digest}.jpg"), format!("file-{digest}"), "original".to_owned()] {
        anon.get(&format!("/media/{}/{name}", id_of(&uploaded))).await.expect(404);
    }
}

#[actix_web::test]
async fn an_animation_moves_as_a_file_and_stands_still_in_presets() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let media = upload(&author, "?name=wave.gif", &gif(3)).await.data(201);
    assert_eq!((&media["animated"], &media["image"]["srcset"]), (&json!(true), &json!(null)));
    let file = anon.get(&path_of(&media["image"]["src"])).await.expect(200);
    assert_eq!(file.header("content-type"), "image/gif");
    assert_eq!(file.header("content-disposition"), "inline; filename=\"wave.gif\"");
    assert!(!holds(&file.bytes, super::pictures::SECRET), "comments are left out");
    let mut decoder = gif::DecodeOptions::new().read_info(&file.bytes[..]).unwrap();
    let mut frames = 0;
    while decoder.read_next_frame().unwrap().is_some() {
        frames += 1;
    }
    assert_eq!(frames, 3);
    for takes_webp in [true, false] {
        let still = fetch(&anon, &path_of(&media["variants"]["w160"]), takes_webp).await.expect(200);
        assert_ne!(still.header("content-type"), "image/gif");
        assert_eq!(size_of(&still.bytes), (20, 10));
    }
    let file = path_of(&media["variants"]["file"]);
    anon.get(&file.replace(".gif", ".webp")).await.expect(404);
    let present = visitor(&app).get(&format!("/media/{}", id_of(&media))).await.expect(302);
    assert_eq!(path_of(&json!(present.header("location"))), file);
}

#[actix_web::test]
async fn what_is_deleted_or_made_private_is_served_no_more() {
    let (app, anon) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let media = upload_picture(&author).await;
    let path = path_of(&media["variants"]["w160"]);
    let present = format!("/media/{}", id_of(&media));
    for _ in 0..2 {
        anon.get(&path).await.expect(200);
    }
    author.delete(&api_path(&media)).await.expect(204);
    anon.get(&path).await.expect(404);
    visitor(&app).get(&present).await.expect(404);
    author.act(&format!("{}/restore", api_path(&media))).await.expect(200);
    anon.get(&path).await.expect(200);
    author.patch(&api_path(&media), json!({"audience": "members"})).await.expect(200);
    assert!([403, 404].contains(&anon.get(&path).await.status));
    assert!([403, 404].contains(&visitor(&app).get(&present).await.status));
    anon.get(&api_path(&media)).await.expect(404);
    author.patch(&api_path(&media), json!({"audience": "public"})).await.expect(200);
    anon.get(&path).await.expect(200);
}
