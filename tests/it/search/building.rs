//! How the index is built and kept: what costs memory, and what searches see meanwhile.

use std::sync::Arc;

use diesel_async::SimpleAsyncConnection;
use inkstone::articles::queries::found;
use inkstone::articles::searching::highlight_articles;
use inkstone::db::pool;
use inkstone::db::visibility::Articles;
use inkstone::follower::TagListener;
use inkstone::operations::Role;
use serde_json::json;
use uuid::Uuid;

use super::{ask, publish, start, titles};
use crate::harness::machine::{execute, until};

const ARTICLES: &str = "/api/v1/articles";

#[actix_web::test]
async fn while_an_index_is_built_again_the_one_before_answers_and_what_is_built_in_vain_is_removed() {
    let (app, anon, editor) = start().await;
    publish(&editor, json!({"title": "砝码"})).await;
    app.index().await;
    let admin = app.db_member(Role::Admin).await;
    let count_indexes = || {
        let of_process = std::fs::read_dir(app.index_dir.path().join("0")).unwrap();
        of_process.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    let mut locker = pool::open(app.db.url.clone()).await.unwrap();
    let lock =
        "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE notices IN ACCESS EXCLUSIVE MODE";
    locker.batch_execute(lock).await.unwrap();
    // The years of articles are others then.
    admin.patch("/api/v1/site", json!({"timezone": "Europe/London"})).await.expect(200);
    until("a second index to be begun", async || count_indexes() == 2).await;
    // What has changed is not known one by one: a look has to find it.
    app.shared.app.search.forget_all();
    assert_eq!(titles(&anon, ARTICLES, &[("q", "砝码")]).await, ["砝码"]);
    until("the index that could not be built to go", async || count_indexes() == 1).await;
    locker.batch_execute("ROLLBACK").await.unwrap();
    publish(&editor, json!({"title": "砝码 二"})).await;
    app.index().await;
    until("the index to be built", async || {
        ask(&anon, "/api/v1/search", &[("q", "砝码")]).await["page"]["total"] == 2 && count_indexes() == 1
    })
    .await;
}

#[actix_web::test]
async fn long_bodies_are_indexed_and_marked_a_few_at_a_time() {
    let (app, _, editor) = start().await;
    let mut ids = Vec::new();
    for at in 0..3 {
        let article = publish(&editor, json!({"title": format!("第{at}号"), "body": "<p>短</p>"})).await;
        ids.push(article["id"].as_str().unwrap().parse::<Uuid>().unwrap());
    }
    let long = "UPDATE articles SET body = '<p>砝码</p>' || repeat('—', 900000)";
    execute(&app.db.url, long).await;
    // Whoever writes to the tables is followed within a second.
    until("the long bodies to be found", async || {
        ask(&editor, ARTICLES, &[("q", "砝码"), ("count", "true")]).await["page"]["total"] == 3
    })
    .await;
    let conn = app.shared.app.long_reader().await.unwrap();
    let load = async |ids: &[Uuid]| {
        let texts = found::load_texts(&conn, Articles::Public.conditions(), ids.to_vec()).await.unwrap();
        texts.into_iter().map(|text| text.id).collect::<Vec<_>>()
    };
    // 2.7 MB each: the second begins within 4 MiB, and the third does not.
    assert_eq!((load(&ids).await.len(), load(&ids[2..]).await.len()), (2, 1));
    let query = Arc::new(inkstone::search::parse_query("砝码").unwrap());
    let marked = highlight_articles(&app.shared.app, &query, Articles::Public, ids.clone()).await.unwrap();
    assert!(ids.iter().all(|id| marked[id].snippets == ["<mark>砝码</mark>"]), "{marked:?}");
}

#[actix_web::test]
async fn drafts_without_a_time_are_in_no_span_of_time() {
    let (app, _, editor) = start().await;
    for at in 0..130 {
        let draft = json!({"title": format!("砝码 {at}"), "status": "draft"});
        editor.post(ARTICLES, draft).await.expect(201);
    }
    let dated = json!({"title": "砝码 dated", "status": "draft", "published_at": "2025-01-01T00:00:00Z"});
    editor.post(ARTICLES, dated).await.expect(201);
    app.index().await;
    for sort in ["-published_at", "relevance", "title"] {
        let asked = [
            ("q", "砝码"),
            ("status", "draft"),
            ("published_from", "2020-01-01T00:00:00Z"),
            ("sort", sort),
            ("count", "true"),
        ];
        let found = ask(&editor, ARTICLES, &asked).await;
        assert_eq!(
            (&found["page"]["total"], &found["data"][0]["title"]),
            (&json!(1), &json!("砝码 dated")),
            "{sort}"
        );
    }
}
