//! Bodies that an earlier version of the sanitiser made are rendered again.

use inkstone::markup::SANITIZER;
use inkstone::upgrade::resanitise;
use serde_json::json;

use crate::harness::TestApp;
use crate::harness::machine::ask;
use crate::harness::process::{inkstone, run};

/// Stored bodies as the version before this one made them: from markdown with a player, from HTML, in the trash.
const FILL: &str = "
    INSERT INTO articles (id, slug, title, summary, summary_made, body, body_source, body_format, sanitizer, status, published_at, deleted_at)
    SELECT md5('a' || n)::uuid, 'a-' || n, 'A ' || n, 's', false, '<p>old</p>',
           '<video src=\"https://e.org/' || n || '.mp4\"></video>', 'markdown', 3, 'published', now(),
           CASE WHEN n = 7 THEN now() END
    FROM generate_series(1, 25) AS n;
    INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
    VALUES (md5('html')::uuid, 'html', 'H', '', '<p>kept</p>', 3, 'published', now());
    INSERT INTO articles (id, slug, title, summary, body, body_source, body_format, sanitizer, status)
    VALUES (md5('deep')::uuid, 'deep', 'D', '', '<p>deep</p>', repeat('> ', 300) || 'x', 'markdown', 3, 'draft');
    INSERT INTO notices (id, kind, title, body, body_source, body_format, sanitizer)
    VALUES (md5('n')::uuid, 'notice', 'N', '<p>old</p>', '<audio src=\"https://e.org/a.mp3\"></audio>', 'markdown', 3)";

async fn fill(app: &TestApp) {
    for statement in FILL.split(';') {
        app.db_execute(statement).await;
    }
}

#[actix_web::test]
async fn stored_bodies_are_rendered_again_from_their_sources_once() {
    let (app, anon) = TestApp::start().await;
    fill(&app).await;
    let done = resanitise(&app.shared.app, false).await.unwrap();
    assert_eq!((done.rendered, done.changed, done.refused.len()), (27, 26, 1), "{done:?}");
    let article = anon.get("/api/v1/articles/a-3").await.data(200);
    assert_eq!(article["body"], "<p><video src=\"https://e.org/3.mp4\"></video></p>\n");
    assert_eq!((&article["summary"], &article["version"]), (&json!("s"), &json!(2)));
    // HTML is as the new version makes it: clients see nothing of it.
    let html = anon.get("/api/v1/articles/html").await.data(200);
    assert_eq!((&html["body"], &html["version"]), (&json!("<p>kept</p>"), &json!(1)));
    let left = format!("SELECT string_agg(slug, ',') FROM articles WHERE sanitizer < {SANITIZER}");
    assert_eq!(ask(&app.db.url, &left).await, "deep");
    let logged =
        "SELECT count(*) || ' ' || min(fields::text) || max(fields::text) || min(actor_kind) FROM changes
                  WHERE action = 'update'";
    assert_eq!(ask(&app.db.url, logged).await, "26 {body}{body}system");
    assert_eq!(
        ask(&app.db.url, "SELECT body FROM notices").await,
        "<p><audio src=\"https://e.org/a.mp3\"></audio></p>\n"
    );
    let again = resanitise(&app.shared.app, false).await.unwrap();
    assert_eq!((again.rendered, again.changed, again.refused.len()), (0, 0, 1));
}

#[actix_web::test]
async fn the_command_says_what_it_did_and_fails_for_a_body_that_is_left() {
    let (app, _) = TestApp::start().await;
    fill(&app).await;
    let command = || inkstone(&["resanitise", "--database-url", &app.db.url]);
    let (code, _, said) = run(command());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("27 bodies rendered again, 26 of them changed"), "{said}");
    assert!(said.contains("the body is nested more than 200 deep"), "{said}");
    app.db_execute("DELETE FROM articles WHERE slug = 'deep'").await;
    let (code, out, said) = run(command());
    assert_eq!(code, Some(0), "{said}");
    assert!(out.ends_with("0 bodies rendered again, 0 of them changed\n"), "{out}");
    assert!(out.starts_with("Keeping the frames of player.bilibili.com, "), "{out}");
}

/// An article whose body has a frame of a host that only `--embed-hosts` names.
const FRAMED: &str = "
    INSERT INTO articles (id, slug, title, summary, body, body_source, body_format, sanitizer, status, published_at)
    VALUES (md5('f')::uuid, 'framed', 'F', '', '<p>old</p>', '<iframe src=\"https://video.example.org/1\"></iframe>',
            'markdown', 3, 'published', now())";

#[actix_web::test]
async fn the_commands_keep_frames_of_the_hosts_that_their_flag_names() {
    let (app, anon) = TestApp::start().await;
    app.db_execute(FRAMED).await;
    let resanitise =
        |more: &[&str]| run(inkstone(&[&["resanitise", "--database-url", &app.db.url], more].concat()));
    let (code, out, said) = resanitise(&["--embed-hosts", "video.example.org"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.starts_with("Keeping the frames of video.example.org (--embed-hosts)\n"), "{out}");
    let body = async || anon.get("/api/v1/articles/framed").await.data(200)["body"].to_string();
    assert!(body().await.contains("<iframe"), "{}", body().await);
    // What this version made is rendered again for `--all` alone.
    let (_, out, _) = resanitise(&["--embed-hosts", "none"]);
    assert!(out.contains("Keeping no frames") && out.contains("0 bodies rendered again"), "{out}");
    let (code, out, said) = resanitise(&["--embed-hosts", "none", "--all"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.contains("1 bodies rendered again, 1 of them changed"), "{out}");
    assert!(!body().await.contains("<iframe"), "{}", body().await);
    let (_, out, _) = resanitise(&["--embed-hosts", "none", "--all"]);
    assert!(out.contains("1 bodies rendered again, 0 of them changed"), "{out}");
    // An import directly into the database has the same flag.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.ndjson");
    let row = json!({"external_id": "x", "slug": "imported", "title": "T", "status": "published",
                     "body": "<iframe src=\"https://video.example.org/2\"></iframe>"});
    std::fs::write(&file, row.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let flags = ["import", file, "--database-url", &app.db.url, "--embed-hosts", "video.example.org"];
    let (code, _, said) = run(inkstone(&flags));
    assert_eq!(code, Some(0), "{said}");
    let imported = anon.get("/api/v1/articles/imported").await.data(200);
    assert!(imported["body"].as_str().unwrap().contains("<iframe"), "{imported}");
}
