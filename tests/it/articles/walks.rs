//! Long walks by cursor, while the list grows under the walker's feet.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, create, db_rows};
use crate::harness::{Client, TestApp, column};

const ROWS: usize = 10_000;
const ONE_HOUR: &str = "timestamptz '2019-09-20T00:00:00Z'";

/// As many rows of one hour, in three categories of one, and somebody who adds to them.
async fn scene() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("whole", None).await;
    for part in ["part-0", "part-1", "part-2"] {
        editor.category(part, Some("whole")).await;
    }
    db_rows(&app, ROWS, ONE_HOUR).await;
    (app, anon, editor)
}

/// Adds an article somewhere in every order: before, among or behind the others.
async fn disturb(editor: &Client, turn: usize) {
    let day = ["2019-09-19", "2019-09-20", "2019-09-21"][turn / 8 % 3];
    create(
        editor,
        json!({"title": format!("row {:05} late", turn * 97), "published_at": format!("{day}T00:00:00Z"),
        "category": format!("part-{}", turn / 8 % 3)}),
    )
    .await;
}

/// The titles of all rows behind `page` in the direction of `key`, with disturbances on the way.
async fn walk(anon: &Client, editor: &Client, query: &str, mut page: Value, key: &str) -> Vec<String> {
    let mut seen = column(&page["data"], "title");
    for turn in 0.. {
        let Some(cursor) = page["page"][key].as_str() else { break };
        if turn % 8 == 0 {
            disturb(editor, turn).await;
        }
        page = anon.get(&format!("{ARTICLES}?{query}&cursor={cursor}")).await.expect(200).json();
        seen.extend(column(&page["data"], "title"));
    }
    seen
}

/// Fails unless each of the rows that were there from the start was seen once.
fn each_once(seen: Vec<String>, query: &str) {
    let mut kept: Vec<String> = seen.into_iter().filter(|title| !title.ends_with("late")).collect();
    let count = kept.len();
    kept.sort();
    kept.dedup();
    assert_eq!((count, kept.len()), (ROWS, ROWS), "{query}");
}

async fn forwards(sort: &str) {
    let (_app, anon, editor) = scene().await;
    let query = format!("page_size=100&{sort}");
    let first = anon.get(&format!("{ARTICLES}?{query}")).await.expect(200).json();
    each_once(walk(&anon, &editor, &query, first, "next_cursor").await, &query);
}

async fn backwards(sort: &str) {
    let (_app, anon, editor) = scene().await;
    let query = format!("page_size=100&{sort}");
    let last = anon.get(&format!("{ARTICLES}?{query}&page=100")).await.expect(200).json();
    assert_eq!(last["page"]["has_next"], false);
    each_once(walk(&anon, &editor, &query, last, "prev_cursor").await, &query);
}

#[actix_web::test]
async fn a_walk_in_the_usual_order_meets_every_row_once() {
    forwards("count=true").await;
}

#[actix_web::test]
async fn a_walk_from_the_oldest_meets_every_row_once() {
    forwards("fields=title&sort=published_at").await;
}

#[actix_web::test]
async fn a_walk_in_a_mixed_order_meets_every_row_once() {
    forwards("fields=title&sort=-published_at,updated_at,title").await;
}

#[actix_web::test]
async fn a_walk_by_title_meets_every_row_once() {
    forwards("fields=title&sort=-title").await;
}

#[actix_web::test]
async fn a_walk_through_categories_meets_every_row_once() {
    forwards("fields=title&category=whole").await;
}

#[actix_web::test]
async fn a_walk_back_in_the_usual_order_meets_every_row_once() {
    backwards("fields=title").await;
}

#[actix_web::test]
async fn a_walk_back_in_a_mixed_order_through_categories_meets_every_row_once() {
    backwards("fields=title&category=whole&sort=published_at,-created_at,title").await;
}
