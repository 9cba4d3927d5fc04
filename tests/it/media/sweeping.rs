//! The sweep: what nothing uses goes after a day, and nothing else does.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use inkstone::media::sweep;
use inkstone::operations::Role;
use serde_json::{Value, json};

use super::pictures::{gif, jpeg, pdf};
use super::resuming::{append, begin};
use super::{api_path, id_of, own_store, path_of, upload};
use crate::harness::machine::ask;
use crate::harness::{TestApp, files_below};

/// Makes files as old as two days.
fn age(files: &[PathBuf]) {
    let then = SystemTime::now() - Duration::from_secs(48 * 3600);
    files
        .iter()
        .for_each(|path| File::options().append(true).open(path).unwrap().set_modified(then).unwrap());
}

/// Sweeps as the server does once a day.
async fn sweep_all(app: &TestApp) {
    for step in sweep::run(&app.shared.app).await {
        step.unwrap();
    }
    sweep::look_through_store(&app.shared.app).await.unwrap();
}

/// The files of the store that belong to these media.
fn files_of(folder: &Path, media: &Value) -> Vec<PathBuf> {
    let sha = media["sha256"].as_str().unwrap().to_owned();
    files_below(folder).into_iter().filter(|path| path.to_string_lossy().contains(&sha)).collect()
}

const AGE_FILES: &str = "UPDATE media_files SET last_used_at = now() - interval '25 hours'";

#[actix_web::test]
async fn the_bytes_of_what_was_deleted_go_a_day_after_their_last_media() {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, anon) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let bytes = jpeg(200, 100);
    let (gone, animated) =
        (upload(&editor, "", &bytes).await.data(201), upload(&editor, "", &gif(2)).await.data(201));
    let kept = upload(&editor, "", &jpeg(200, 100)).await.data(201);
    // The same bytes as media that stay.
    let (shared, stays) =
        (upload(&editor, "", &pdf(99)).await, upload(&editor, "", &jpeg(16, 16)).await.data(201));
    let shared = shared.data(201);
    let original = editor.get(&format!("{}/original", api_path(&shared))).await.expect(200).bytes;
    let twin = upload(&editor, "", &original).await.data(201);
    for media in [&gone, &kept] {
        anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    }
    for media in [&gone, &animated, &shared] {
        editor.delete(&api_path(media)).await.expect(204);
    }
    age(&files_below(folder.path()));
    app.db_execute(AGE_FILES).await;
    let before = files_below(folder.path()).len();
    sweep_all(&app).await;
    assert_eq!(files_below(folder.path()).len(), before, "what is in the trash can be restored");
    app.db_execute("UPDATE media SET deleted_at = now() - interval '31 days' WHERE deleted_at IS NOT NULL")
        .await;
    app.db_execute("UPDATE media_files SET last_used_at = now()").await;
    sweep_all(&app).await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media WHERE deleted_at IS NOT NULL").await, "0");
    assert_eq!(files_below(folder.path()).len(), before, "the day is not over");
    app.db_execute(AGE_FILES).await;
    sweep_all(&app).await;
    for media in [&gone, &animated] {
        assert_eq!(
            files_of(folder.path(), media),
            [""; 0].map(PathBuf::from),
            "original, master, clean file and variants"
        );
    }
    for media in [&kept, &twin, &stays] {
        assert!(!files_of(folder.path(), media).is_empty());
        anon.get(&path_of(&media["url"])).await.expect(200);
    }
    assert_eq!(files_of(folder.path(), &kept).len(), 4, "original, master and two variants");
    // The row goes when the bytes are surely gone.
    let rows =
        format!("SELECT count(*) FROM media_files WHERE sha256 = '\\x{}'", gone["sha256"].as_str().unwrap());
    assert_eq!(ask(&app.db.url, &rows).await, "1");
    app.db_execute(
        "UPDATE media_files SET removing_at = now() - interval '11 minutes' WHERE removing_at IS NOT NULL",
    )
    .await;
    sweep_all(&app).await;
    assert_eq!(ask(&app.db.url, &rows).await, "0");
    // Bytes that were taken away can come again.
    let again = upload(&editor, "", &bytes).await.expect(201).json();
    assert_eq!(again["duplicate"], false);
    anon.get(&path_of(&again["data"]["variants"]["w160"])).await.expect(200);
}

#[actix_web::test]
async fn bytes_that_are_being_taken_away_can_be_brought_again() {
    let (_folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, anon) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let bytes = jpeg(64, 48);
    let media = upload(&editor, "", &bytes).await.data(201);
    editor.delete(&api_path(&media)).await.expect(204);
    app.db_execute("DELETE FROM media").await;
    app.db_execute(AGE_FILES).await;
    sweep_all(&app).await;
    // The sweep has had its time.
    app.db_execute("UPDATE media_files SET removing_at = now() - interval '3 minutes'").await;
    let again = upload(&editor, "", &bytes).await.data(201);
    sweep_all(&app).await;
    app.db_execute(AGE_FILES).await;
    sweep_all(&app).await;
    anon.get(&path_of(&again["variants"]["w160"])).await.expect(200);
}

#[actix_web::test]
async fn what_has_no_row_goes_when_it_is_a_day_old() {
    let (folder, flags) = own_store();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (app, anon) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload(&editor, "", &jpeg(64, 48)).await.data(201);
    let open = begin(&editor, 100, &[]).await;
    append(&editor, &open, 0, &pdf(50)).await.expect(204);
    let digest = |first: &str| format!("{first}{}", "5".repeat(62));
    let orphans: Vec<PathBuf> = [
        format!("originals/00/{}", digest("00")),
        format!("masters/01/{}.jpg", digest("01")),
        format!("clean/02/{}.gif", digest("02")),
        format!("variants/03/{}/{}.webp", digest("03"), "a".repeat(32)),
        format!("uploads/{}/0000000000000000-{}", uuid::Uuid::now_v7(), uuid::Uuid::new_v4().simple()),
    ]
    .iter()
    .map(|name| folder.path().join(name))
    .collect();
    for path in &orphans {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "left").unwrap();
    }
    sweep_all(&app).await;
    assert!(orphans.iter().all(|path| path.exists()), "they may be somebody's who is at work");
    age(&files_below(folder.path()));
    app.db_execute(AGE_FILES).await;
    sweep_all(&app).await;
    let left: Vec<&PathBuf> = orphans.iter().filter(|path| path.exists()).collect();
    assert!(left.is_empty(), "{left:?}");
    anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    // The parts of an upload that goes on stay, however old they are; those of one that has expired go.
    append(&editor, &open, 50, &pdf(49)).await.expect(204);
    app.db_execute("UPDATE media_uploads SET expires_at = now() - interval '1 second'").await;
    sweep_all(&app).await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM media_uploads").await, "0");
    assert!(files_below(folder.path()).iter().all(|path| !path.starts_with(folder.path().join("uploads"))));
}

#[actix_web::test]
async fn a_file_in_use_is_never_taken_whatever_the_time() {
    let (_folder, flags) = own_store();
    let flags: Vec<&str> =
        [flags.iter().map(String::as_str).collect(), vec!["--media-trash-days", "1"]].concat();
    let (app, anon) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload(&editor, "", &jpeg(64, 48)).await.data(201);
    let article = json!({"title": "t", "cover": media["id"], "status": "published"});
    editor.post("/api/v1/articles", article).await.expect(201);
    // In the trash and in use at once: no client can do so, a statement can.
    app.db_execute("UPDATE media SET deleted_at = now() - interval '40 days'").await;
    app.db_execute(AGE_FILES).await;
    sweep_all(&app).await;
    editor.act(&format!("/api/v1/media/{}/restore", id_of(&media))).await.expect(200);
    anon.get(&path_of(&media["variants"]["w160"])).await.expect(200);
    editor.get(&format!("{}/original", api_path(&media))).await.expect(200);
}

#[actix_web::test]
async fn days_of_zero_keep_the_trash() {
    let (_folder, flags) = own_store();
    let flags: Vec<&str> =
        [flags.iter().map(String::as_str).collect(), vec!["--media-trash-days", "0"]].concat();
    let (app, _) = TestApp::start_with(&flags).await;
    let editor = app.db_member(Role::Editor).await;
    let media = upload(&editor, "", &jpeg(16, 16)).await.data(201);
    editor.delete(&api_path(&media)).await.expect(204);
    app.db_execute("UPDATE media SET deleted_at = now() - interval '400 days'").await;
    sweep_all(&app).await;
    editor.act(&format!("{}/restore", api_path(&media))).await.expect(200);
}
