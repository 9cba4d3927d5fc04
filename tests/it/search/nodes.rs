//! Several servers over one database: each has an index of its own.

use serde_json::{Value, json};

use super::{ask, publish};
use crate::harness::cluster::administer;
use crate::harness::machine::{execute, until};
use crate::harness::{Client, TestApp};
use inkstone::operations::Role;

const SEARCH: &str = "/api/v1/search";

/// Two servers over one database, an editor of the first, and a visitor of the second.
async fn start_two() -> (TestApp, TestApp, Client, Client) {
    let (one, _) = TestApp::start().await;
    let (other, visitor) = TestApp::start_on(one.db.clone(), &[]).await;
    let editor = one.db_member(Role::Editor).await;
    (one, other, editor, visitor)
}

fn path(article: &Value) -> String {
    format!("/api/v1/articles/{}", article["id"].as_str().unwrap())
}

/// Hits, as their total, the counts of tags and the list of articles tell it.
async fn totals(client: &Client, q: &str) -> [u64; 4] {
    let found = ask(client, SEARCH, &[("q", q)]).await;
    let list = ask(client, "/api/v1/articles", &[("q", q), ("count", "true"), ("sort", "title")]).await;
    let tags = found["facets"]["tag"].as_array().unwrap().iter();
    [
        found["page"]["total"].as_u64().unwrap(),
        found["data"].as_array().unwrap().len() as u64,
        tags.map(|tag| tag["count"].as_u64().unwrap()).sum(),
        list["page"]["total"].as_u64().unwrap(),
    ]
}

async fn total(client: &Client, query: &[(&str, &str)]) -> u64 {
    ask(client, SEARCH, query).await["page"]["total"].as_u64().unwrap()
}

#[actix_web::test]
async fn what_one_server_changes_is_found_on_the_other() {
    let (_one, _other, editor, visitor) = start_two().await;
    for slug in ["a", "b"] {
        editor.category(slug, None).await;
    }
    let tides = publish(&editor, json!({"title": "潮汐 观测", "category": "a"})).await;
    until("the article", async || total(&visitor, &[("q", "潮汐")]).await == 1).await;
    editor.patch(&path(&tides), json!({"title": "海浪 观测"})).await.expect(200);
    until("the new title", async || total(&visitor, &[("q", "海浪")]).await == 1).await;
    assert_eq!(total(&visitor, &[("q", "潮汐")]).await, 0);
    editor.patch(&path(&tides), json!({"category": "b"})).await.expect(200);
    until("the new category", async || total(&visitor, &[("q", "海浪"), ("category", "b")]).await == 1).await;
    // The tree moves, and no article with it.
    editor.patch("/api/v1/categories/b", json!({"parent": "a"})).await.expect(200);
    until("the other tree", async || total(&visitor, &[("q", "海浪"), ("category", "a")]).await == 1).await;
    editor.delete("/api/v1/categories/b?move_to=a").await.expect(204);
    let in_a = [("q", "海浪"), ("category", "a")];
    until("the article to move", async || total(&visitor, &in_a).await == 1).await;
    editor.delete(&path(&tides)).await.expect(204);
    until("the article to be gone", async || total(&visitor, &[("q", "海浪")]).await == 0).await;
    editor.act(&format!("{}/restore", path(&tides))).await.expect(200);
    editor.patch(&path(&tides), json!({"status": "published"})).await.expect(200);
    until("the article to be back", async || total(&visitor, &[("q", "海浪")]).await == 1).await;
}

#[actix_web::test]
async fn what_is_unpublished_is_gone_from_the_other_server_while_its_index_stands_still() {
    let (_one, other, editor, visitor) = start_two().await;
    let mut articles = Vec::new();
    for at in 0..4 {
        articles.push(publish(&editor, json!({"title": format!("潮汐 {at}"), "tags": ["潮汐"]})).await);
    }
    until("all", async || totals(&visitor, "潮汐").await == [4; 4]).await;
    other.stop_indexing();
    let changes = [json!({"status": "draft"}), json!({"published_at": "2999-01-01T00:00:00Z"})];
    for (article, change) in articles.iter().zip(changes) {
        editor.patch(&path(article), change).await.expect(200);
    }
    editor.delete(&path(&articles[2])).await.expect(204);
    until("three to be gone", async || totals(&visitor, "潮汐").await == [1; 4]).await;
    let suggested = ask(&visitor, "/api/v1/search/suggest", &[("prefix", "潮汐 ")]).await;
    let suggested = crate::harness::column(&suggested["data"], "text");
    assert_eq!(suggested, ["潮汐", "潮汐 3"]);
    editor.delete(&path(&articles[3])).await.expect(204);
    until("the last to be gone", async || totals(&visitor, "潮汐").await == [0; 4]).await;
    let found = ask(&visitor, SEARCH, &[("q", "潮西")]).await;
    assert_eq!(found["did_you_mean"], Value::Null);
}

#[actix_web::test]
async fn a_server_that_hears_nothing_of_the_others_searches_by_its_own_looks_or_not_at_all() {
    let (one, other, editor, visitor) = start_two().await;
    let tides = publish(&editor, json!({"title": "潮汐", "tags": ["潮汐"]})).await;
    until("the article", async || totals(&visitor, "潮汐").await == [1; 4]).await;
    let database = crate::harness::machine::ask(&one.db.url, "SELECT current_database()").await;
    // Connections that are open stay open; a follower that was cut finds no way back.
    administer(format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await;
    administer(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = 'inkstone-follower' AND datname = '{database}'"
    ))
    .await;
    let is_current = |app: &TestApp| app.shared.app.follower.is_current();
    until("both to have lost the log", async || !is_current(&one) && !is_current(&other)).await;
    editor.patch(&path(&tides), json!({"status": "draft"})).await.expect(200);
    until("it to be gone", async || totals(&visitor, "潮汐").await == [0; 4]).await;
    editor.patch(&path(&tides), json!({"status": "published"})).await.expect(200);
    until("it to be back", async || totals(&visitor, "潮汐").await == [1; 4]).await;
    // Nobody looks any more.
    other.stop_indexing();
    editor.patch(&path(&tides), json!({"status": "draft"})).await.expect(200);
    let search = format!("{SEARCH}?q=%E6%BD%AE%E6%B1%90");
    until("the search to be refused", async || {
        let answer = visitor.get(&search).await;
        answer.status == 503 && !answer.header("retry-after").is_empty()
    })
    .await;
    visitor.get("/api/v1/articles").await.expect(200);
    administer(format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true")).await;
}

#[actix_web::test]
async fn what_was_left_out_for_a_moment_comes_back_into_answers_that_are_kept() {
    let (app, anon, editor) = super::start().await;
    let tides = publish(&editor, json!({"title": "潮汐"})).await;
    app.index().await;
    let id = tides["id"].as_str().unwrap().parse().unwrap();
    for _ in 0..40 {
        // As if the log told of a change that the index has followed already.
        app.shared.app.search.note_touched([id]);
        app.shared.app.follower.forget_tags(&["articles".to_owned()]);
        ask(&anon, SEARCH, &[("q", "潮汐")]).await;
        until("the article", async || total(&anon, &[("q", "潮汐")]).await == 1).await;
    }
}

#[actix_web::test]
async fn what_somebody_removes_behind_the_log_is_gone_from_the_index() {
    let (app, anon, editor) = super::start().await;
    for at in 0..3 {
        publish(&editor, json!({"title": format!("潮汐 {at}"), "tags": ["潮汐"]})).await;
    }
    app.index().await;
    assert_eq!(totals(&anon, "潮汐").await, [3; 4]);
    let one = "UPDATE articles SET status = 'draft' WHERE title = '潮汐 0'";
    execute(&app.db.url, one).await;
    until("one to be gone", async || totals(&anon, "潮汐").await == [2; 4]).await;
    // So much that nobody names it.
    execute(&app.db.url, "TRUNCATE articles CASCADE").await;
    until("all to be gone", async || totals(&anon, "潮汐").await == [0; 4]).await;
}
