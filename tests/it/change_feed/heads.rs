//! Several processes, each with an end of the log of its own in memory.

use std::time::Duration;

use inkstone::change_feed::cursor::Cursor;
use inkstone::change_feed::model::{Head, Position};
use inkstone::change_feed::queries::load_position;
use inkstone::change_feed::reading::{PageRequest, load_page};
use inkstone::change_feed::resolving::Audience;
use inkstone::db::visibility::Notices;

use crate::harness::TestApp;

const AUDIENCE: Audience = Audience { notices: Notices::Public, included: None };
const ASKED: PageRequest = PageRequest { audience: AUDIENCE, limit: 100, wait: Duration::ZERO };

#[actix_web::test]
async fn a_reader_who_comes_from_a_process_that_knows_more_stands_at_the_end_of_the_log() {
    let (app, _) = TestApp::start().await;
    let app = &app.shared.app;
    let early = Head::find(app).await.unwrap();
    // Nothing has changed since: only the time is another.
    let later = load_position(&app.reader().await.unwrap()).await.unwrap();
    assert!(later.at > early.position.at);
    let (_, page) = load_page(app, Cursor::at(later.clone(), false), ASKED, early).await.unwrap();
    assert!(page.lines.is_empty());
    assert_eq!(page.next, Cursor::at(later, false), "there was no walk");
}

#[actix_web::test]
async fn a_snapshot_that_is_shortened_as_very_many_transactions_run_is_not_of_another_cluster() {
    let (app, _) = TestApp::start().await;
    let app = &app.shared.app;
    let whole = Head::find(app).await.unwrap();
    // As the database gives it while a transaction runs that is far older than the cursor.
    let position = Position { snapshot: "3:3:".to_owned(), ..whole.position.clone() };
    let shortened = Head { position, ..whole.clone() };
    let cursor = Cursor::at(whole.position.clone(), false);
    let (head, page) = load_page(app, cursor, ASKED, shortened).await.unwrap();
    assert_eq!(head.position.snapshot, "3:3:", "it is not read anew");
    assert!(page.lines.is_empty());
    assert_eq!(page.next.before, whole.position, "the reader does not go back");
}
