//! The commands that bring media in and take them out: `media import`, `export --media`, `import --media` and
//! `import --fetch-media`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use inkstone::media;
use inkstone::operations::Role;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hostile::check_served;
use super::hostile_files::all;
use super::pictures::{gif, jpeg, pdf};
use super::server::{FileServer, empty, file};
use super::{MEDIA, api_path, own_store, path_of, upload};
use crate::harness::process::{inkstone, run, run_on, write_file};
use crate::harness::{Client, TestApp, files_below};

/// What commands that go through a server need: a key that may do all of it.
async fn make_key(app: &TestApp) -> String {
    let admin = app.db_member(Role::Admin).await;
    let scopes = ["articles:read", "articles:import", "media:read", "media:write"];
    let made = admin.post("/api/v1/api-keys", json!({"name": "mover", "scopes": scopes})).await.data(201);
    made["key"].as_str().unwrap().to_owned()
}

/// Runs `inkstone` through the server. Returns success, and all that it printed.
async fn run_through(app: &TestApp, key: &str, arguments: &[&str]) -> (bool, String) {
    let (code, out, shown) = run_on(app, &[arguments, &["--url", &app.url, "--key", key]].concat()).await;
    (code == Some(0), out + &shown)
}

/// Runs `inkstone` on the database and the store themselves. Returns the exit code, and all that it printed.
async fn run_directly(app: &TestApp, store: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = inkstone(arguments);
    command.env("DATABASE_URL", &app.db.url).env("INKSTONE_MEDIA_URL", store);
    let (code, out, shown) = actix_web::web::block(move || run(command)).await.unwrap();
    (code, out + &shown)
}

async fn list_media(client: &Client) -> Vec<Value> {
    client.get(&format!("{MEDIA}?page_size=100")).await.data(200).as_array().unwrap().clone()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[actix_web::test]
async fn a_folder_is_imported_once_however_often_it_is_given() {
    let (store, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, _) = TestApp::start_with(&flags).await;
    let (editor, key) = (app.db_member(Role::Editor).await, make_key(&app).await);
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("sub 目录");
    fs::create_dir(&below).unwrap();
    let (picture, document) = (jpeg(64, 48), pdf(900));
    write_file(folder.path(), "质量.jpg", &picture);
    write_file(&below, "again.jpg", &picture);
    write_file(&below, "b.pdf", &document);
    write_file(folder.path(), ".hidden.jpg", jpeg(8, 8));
    let path = folder.path().to_str().unwrap();
    let (success, printed) = run_through(&app, &key, &["media", "import", path]).await;
    assert!(success, "{printed}");
    assert_eq!(list_media(&editor).await.len(), 2, "{printed}");
    for media in list_media(&editor).await {
        assert!(printed.contains(media["id"].as_str().unwrap()), "{printed}");
        let digests = [digest(&picture), digest(&document)];
        assert!(digests.contains(&media["sha256"].as_str().unwrap().to_owned()));
    }
    let (success, printed) = run_through(&app, &key, &["media", "import", path]).await;
    assert!(success && printed.contains("0 files added, 3 were there already"), "{printed}");
    // The same on the database itself, beside the server.
    media::prepare(&app.shared.app).await.unwrap();
    write_file(folder.path(), "new.gif", gif(2));
    let (code, printed) = run_directly(&app, store.path(), &["media", "import", path]).await;
    assert!(code == Some(0) && printed.contains("1 files added"), "{printed}");
    let other = tempfile::tempdir().unwrap();
    let (code, printed) = run_directly(&app, other.path(), &["media", "import", path]).await;
    assert!(code == Some(1) && printed.contains("this site has not kept media in"), "{printed}");
    let newest = list_media(&editor).await;
    assert!(newest.iter().any(|media| media["name"] == "new.gif"));
    assert_eq!(files_below(&store.path().join("originals")).len(), 3);
}

#[actix_web::test]
async fn hostile_files_of_a_folder_are_told_or_harmless() {
    let (app, anon) = TestApp::start().await;
    let (editor, key) = (app.db_member(Role::Editor).await, make_key(&app).await);
    let folder = tempfile::tempdir().unwrap();
    let files = all();
    for (at, (_, bytes, _)) in files.iter().enumerate() {
        write_file(folder.path(), &format!("{at}.html"), bytes);
    }
    let path = folder.path().to_str().unwrap();
    let (success, printed) = run_through(&app, &key, &["media", "import", path]).await;
    assert!(!success, "{printed}");
    let mut taken = 0;
    for (at, (name, bytes, must_be_refused)) in files.iter().enumerate() {
        let sha = digest(bytes);
        let found = editor.get(&format!("{MEDIA}?sha256={sha}")).await.data(200);
        let is_told = printed.contains(&format!("/{at}.html: "));
        match found.as_array().unwrap().first() {
            Some(media) => {
                assert!(!must_be_refused && !is_told, "{name}: {printed}");
                check_served(&anon, name, media).await;
                taken += 1;
            }
            None => assert!(is_told, "{name} is lost in silence: {printed}"),
        }
    }
    assert!(taken > 0);
}

#[actix_web::test]
async fn an_export_with_its_media_is_the_same_site_elsewhere() {
    let (app, anon) = TestApp::start().await;
    let (editor, key) = (app.db_member(Role::Editor).await, make_key(&app).await);
    let picture =
        upload(&editor, "?name=harbour.jpg&alt=Boats&caption=Dawn&credit=Ada&tags=sea", &jpeg(96, 64)).await;
    let picture = picture.data(201);
    let focal = json!({"focal_point": {"x": 0.25, "y": 0.75}});
    editor.patch(&api_path(&picture), focal).await.expect(200);
    let plan = pdf(700);
    let document = upload(&editor, "?name=plan.pdf&audience=members", &plan).await.data(201);
    let body = format!("<p>a</p><img src=\"/media/{}\" alt=\"\">", picture["id"].as_str().unwrap());
    let article = json!({"title": "砝码", "body": body, "cover": picture["id"], "status": "published",
        "external_id": "x-1"});
    editor.post("/api/v1/articles", article).await.expect(201);
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    let media = folder.path().join("media");
    let (rows, media) = (rows.to_str().unwrap(), media.to_str().unwrap());
    let (success, printed) = run_through(&app, &key, &["export", "-o", rows, "--media", media]).await;
    assert!(success, "{printed}");
    assert_eq!(fs::read_dir(media).unwrap().count(), 3, "two files and the list of them");

    let (other, visitor) = TestApp::start().await;
    let (reader, key) = (other.db_member(Role::Editor).await, make_key(&other).await);
    for _ in 0..2 {
        let (success, printed) = run_through(&other, &key, &["import", rows, "--media", media]).await;
        assert!(success, "{printed}");
    }
    assert_eq!(list_media(&reader).await.len(), 2);
    for known in [&picture, &document] {
        let (before, after) = (editor.get(&api_path(known)).await, reader.get(&api_path(known)).await);
        let (before, after) = (before.data(200), after.data(200));
        for key in ["name", "alt", "caption", "credit", "tags", "sha256", "audience", "focal_point", "kind"] {
            assert_eq!(before[key], after[key], "{key}");
        }
    }
    let read =
        async |client: &Client| client.get("/api/v1/articles?fields=body,image").await.data(200)[0].clone();
    let (here, there) = (read(&anon).await, read(&visitor).await);
    let (here, there) = (here.to_string().replace(&app.url, ""), there.to_string().replace(&other.url, ""));
    let without_id = |text: &str| text.split("\"id\":").next().unwrap().len();
    assert_eq!(without_id(&here), without_id(&there));
    assert!(there.contains(picture["id"].as_str().unwrap()), "{there}");
    let original = reader.get(&format!("{}/original", api_path(&document))).await.expect(200);
    assert!(original.bytes == plan);
    // What the folder does not have is told.
    let list = fs::read_to_string(Path::new(media).join("media.ndjson")).unwrap();
    fs::write(Path::new(media).join("media.ndjson"), list.replacen("\"file\":\"", "\"file\":\"../", 1))
        .unwrap();
    let (success, printed) = run_through(&other, &key, &["import", rows, "--media", media]).await;
    assert!(!success && printed.contains("is no name of a file"), "{printed}");
}

#[actix_web::test]
async fn pictures_of_imported_rows_are_fetched_once_and_named_and_the_missing_are_told() {
    let (app, anon) = TestApp::start().await;
    let (editor, key) = (app.db_member(Role::Editor).await, make_key(&app).await);
    let (cover, inside) = (jpeg(64, 48), jpeg(80, 60));
    let (sent, also) = (cover.clone(), inside.clone());
    let server = FileServer::start(Ipv4Addr::LOCALHOST, move |path| match path {
        "/cover.jpg" => file(&sent, "image/jpeg"),
        "/in%20side.jpg" | "/in side.jpg" => file(&also, "image/jpeg"),
        "/evil.jpg" => file(b"<!DOCTYPE html><script>alert(1)</script>", "image/jpeg"),
        _ => empty("404 Not Found", ""),
    })
    .await;
    let [cover_url, inside_url, evil, gone] =
        ["/cover.jpg", "/in%20side.jpg", "/evil.jpg", "/gone.jpg"].map(|path| server.url(path));
    let body = format!(
        "<p>前</p><img src=\"{inside_url}\" alt=\"b\"><img src=\"{gone}\"><img src=\"{evil}\"><p>后</p>"
    );
    let row = |n: usize| {
        json!({"title": format!("t{n}"), "external_id": format!("x-{n}"), "body": body, "cover_url": cover_url,
            "status": "published"})
    };
    let rows: String = (0..3).map(|n| format!("{}\n", row(n))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "rows.ndjson", rows);
    let report = folder.path().join("report.json");
    let arguments = [
        "import",
        &path,
        "--fetch-media",
        "--fetch-allow",
        "127.0.0.0/8",
        "--report",
        report.to_str().unwrap(),
    ];
    let (_, printed) = run_through(&app, &key, &arguments).await;
    assert!(printed.contains("2 fetched, 0 were there already, 2 not to be had"), "{printed}");
    assert!(printed.contains(&gone) && printed.contains(&evil), "{printed}");
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert!(report["fetched_media"]["failed"].as_object().unwrap().contains_key(&gone), "{report}");
    let asked = server.paths();
    for known in ["/cover.jpg", "/in%20side.jpg"] {
        assert_eq!(asked.iter().filter(|path| path.as_str() == known).count(), 1, "{known}: {asked:?}");
    }
    let stored = list_media(&editor).await;
    let find = |bytes: &[u8]| stored.iter().find(|media| media["sha256"] == digest(bytes)).unwrap().clone();
    let (cover, inside) = (find(&cover), find(&inside));
    assert_eq!((&cover["source_url"], &inside["name"]), (&json!(cover_url), &json!("in side.jpg")));
    for article in anon.get("/api/v1/articles?fields=body,image").await.data(200).as_array().unwrap() {
        assert!(
            article["image"]["src"].as_str().unwrap().contains(cover["id"].as_str().unwrap()),
            "{article}"
        );
        let body = article["body"].as_str().unwrap();
        assert!(body.contains(&format!("/media/{}/", inside["id"].as_str().unwrap())), "{body}");
        assert!(body.contains(&gone) && body.contains('前') && body.contains('后'), "{body}");
    }
    anon.get(&path_of(&inside["variants"]["w160"])).await.expect(200);
    let (_, printed) = run_through(&app, &key, &arguments).await;
    assert!(printed.contains("0 fetched, 2 were there already"), "{printed}");
    assert_eq!(list_media(&editor).await.len(), 2);
}
