//! An S3-compatible store in place of a folder.

use inkstone::media::sweep;
use inkstone::operations::Role;

use super::pictures::{gif, jpeg, pdf};
use super::resuming::{append, begin, media_of};
use super::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY};
use super::{api_path, bucket_flags, path_of, upload};
use crate::harness::machine::ask;
use crate::harness::{TestApp, files_below};

#[actix_web::test]
async fn media_are_uploaded_served_and_swept_in_a_bucket() {
    let server = S3Server::start();
    let spool = tempfile::tempdir().unwrap();
    let store = bucket_flags(&server);
    let store: Vec<&str> = store.iter().map(String::as_str).collect();
    let flags = [&store[..], &["--media-spool", spool.path().to_str().unwrap()]].concat();
    let (app, anon) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let folder = server.path("site");
    let picture = upload(&editor, "", &jpeg(200, 100)).await.data(201);
    let animation = upload(&editor, "", &gif(2)).await.data(201);
    let bytes = pdf(5000);
    let path = begin(&editor, bytes.len(), &[]).await;
    append(&editor, &path, 0, &bytes[..2000]).await.expect(204);
    append(&editor, &path, 2000, &bytes[2000..]).await.expect(204);
    let document = media_of(&editor, &path).await;
    for _ in 0..2 {
        anon.get(&path_of(&picture["variants"]["w160"])).await.expect(200);
    }
    anon.get(&path_of(&animation["url"])).await.expect(200);
    let served = anon.get(&path_of(&document["url"])).await.expect(200);
    assert!(served.bytes == bytes);
    let part = anon.request(reqwest::Method::GET, &path_of(&document["url"])).header("range", "bytes=10-19");
    assert_eq!(part.send().await.expect(206).bytes, bytes[10..20]);
    let objects = |media: &serde_json::Value| {
        let sha = media["sha256"].as_str().unwrap().to_owned();
        files_below(&folder).into_iter().filter(|path| path.to_string_lossy().contains(&sha)).count()
    };
    assert!((objects(&picture), objects(&animation), objects(&document)) >= (3, 3, 1));
    assert_eq!(files_below(spool.path()).len(), 0, "nothing of what has arrived is left");
    editor.delete(&api_path(&picture)).await.expect(204);
    app.db_execute("UPDATE media SET deleted_at = now() - interval '31 days' WHERE deleted_at IS NOT NULL")
        .await;
    app.db_execute("UPDATE media_files SET last_used_at = now() - interval '25 hours'").await;
    for step in sweep::run(&app.shared.app).await {
        step.unwrap();
    }
    sweep::look_through_store(&app.shared.app).await.unwrap();
    assert_eq!(objects(&picture), 0, "original, master and variants");
    anon.get(&path_of(&animation["url"])).await.expect(200);
    assert!(editor.get(&format!("{}/original", api_path(&document))).await.expect(200).bytes == bytes);
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media").await, "2");
}

#[actix_web::test]
async fn without_its_bucket_a_server_keeps_nothing_and_says_when_to_come_back() {
    let server = S3Server::start();
    let endpoint = server.endpoint();
    let flags = [
        "--media-url",
        "s3://bucket",
        "--media-endpoint",
        &endpoint,
        "--media-key-id",
        ACCESS_KEY,
        "--media-key-secret",
    ];
    let (app, anon) = TestApp::start_with(&[&flags[..], &[SECRET_KEY]].concat()).await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload(&editor, "", &jpeg(64, 48)).await.data(201);
    let (wrong, visitor) =
        TestApp::start_on(app.db.clone(), &[&flags[..], &["another secret"]].concat()).await;
    let writer = wrong.db_member(Role::Editor).await;
    for answer in
        [upload(&writer, "", &pdf(99)).await, visitor.get(&path_of(&media["variants"]["w320"])).await]
    {
        assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
        assert!(!answer.header("retry-after").is_empty());
        assert!(
            !answer.text().contains(SECRET_KEY) && !answer.text().contains("another secret"),
            "{}",
            answer.text()
        );
    }
    anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media").await, "1");
    // Articles are read without it.
    visitor.get("/api/v1/articles").await.expect(200);
}
