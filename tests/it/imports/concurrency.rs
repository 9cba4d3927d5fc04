//! Parallel imports, imports with parallel single writes, interrupted imports.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use futures::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::harness::machine::until;

/// Runs two imports in parallel. Expects that no row fails.
async fn import_both(client: &Client, one: &[Value], other: &[Value]) -> (Value, Value) {
    let (one, other) = tokio::join!(import_rows(client, "", one), import_rows(client, "", other));
    assert_eq!((&one["failed"], &other["failed"]), (&json!(0), &json!(0)));
    (one, other)
}

/// Adds a trigger `test_insert` that runs `statements` before each insert of an article.
async fn add_insert_trigger(app: &TestApp, statements: &str) {
    app.db_execute(&format!(
        "CREATE FUNCTION test_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statements} RETURN NEW; END $$"
    ))
    .await;
    app.db_execute(
        "CREATE TRIGGER test_insert BEFORE INSERT ON articles FOR EACH ROW EXECUTE FUNCTION test_insert()",
    )
    .await;
}

#[actix_web::test]
async fn parallel_imports_and_single_writes_create_each_article_once() {
    let (_app, editor) = start_app().await;
    let (forwards, mut backwards) = (make_rows(2_000), make_rows(2_000));
    backwards.reverse();
    let writes = (0..100).map(|at| {
        let editor = editor.clone();
        async move {
            let path = format!("/api/v1/articles/by-external-id/n-{}", at * 19);
            editor.put(&path, json!({"title": "Written alone"})).await.status
        }
    });
    let (_, written) = tokio::join!(import_both(&editor, &forwards, &backwards), join_all(writes));
    assert!(written.iter().all(|status| [200, 201].contains(status)), "{written:?}");
    assert_eq!(count_articles(&editor).await, 2_000);
}

#[actix_web::test]
async fn an_import_that_waited_for_a_row_of_another_is_retried() {
    let (app, editor) = start_app().await;
    // Each import has inserted rows of its own when it meets one of the other.
    add_insert_trigger(
        &app,
        "IF NEW.external_id IN ('b-1000', 'b-1001') THEN PERFORM pg_sleep(0.5); END IF;",
    )
    .await;
    let make_titled_rows = |kinds: [&str; 2], title: &str| -> Vec<Value> {
        let ids = kinds.iter().flat_map(|kind| (1_000..2_000).map(move |at| format!("{kind}-{at}")));
        ids.map(|id| make_row(&id, title)).collect()
    };
    let (one, other) = (make_titled_rows(["a", "b"], "One"), make_titled_rows(["b", "c"], "Other"));
    import_both(&editor, &one, &other).await;
    assert_eq!(count_articles(&editor).await, 3_000);
}

#[actix_web::test]
async fn two_imports_of_the_same_rows_that_are_each_one_transaction_both_succeed() {
    let (app, editor) = start_app().await;
    // Both have looked for the rows before either has inserted them.
    add_insert_trigger(&app, "IF NEW.external_id = 'n-0' THEN PERFORM pg_sleep(0.5); END IF;").await;
    let rows = make_rows(20);
    let import = async |query| outcome_counts(&import_rows(&editor, query, &rows).await);
    let mut counts: [_; 2] = tokio::join!(import("?atomic=true"), import("?atomic=true")).into();
    counts.sort_unstable();
    assert_eq!(counts, [[0, 0, 20, 0], [20, 0, 0, 0]]);
}

#[actix_web::test]
async fn parallel_imports_of_the_same_rows_in_another_order_succeed() {
    let (_app, editor) = start_app().await;
    let rows = make_rows(6_000);
    let mut turned = rows.clone();
    turned.rotate_left(2_500);
    import_both(&editor, &rows, &turned).await;
    assert_eq!(count_articles(&editor).await, 6_000);
}

#[actix_web::test]
async fn parallel_imports_of_the_same_slugs_succeed() {
    let (_app, editor) = start_app().await;
    let mut rows = make_rows(8_000);
    for (at, row) in rows.iter_mut().enumerate() {
        row["slug"] = json!(format!("number-{at}"));
    }
    let (one, other) = import_both(&editor, &rows, &rows).await;
    let created = |summary: &Value| summary["created"].as_i64().unwrap();
    assert_eq!(created(&one) + created(&other), 8_000);
}

#[actix_web::test]
async fn an_import_sends_few_notifications_to_caches() {
    let (app, editor) = start_app().await;
    let (client, mut connection) = tokio_postgres::connect(&app.db.url, tokio_postgres::NoTls).await.unwrap();
    let (sender, mut notifications) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let tokio_postgres::AsyncMessage::Notification(notification) = message {
                sender.send(notification.payload().to_owned()).unwrap();
            }
        }
    });
    client.batch_execute("LISTEN inkstone_changes").await.unwrap();
    import_rows(&editor, "", &make_rows(3_000)).await;
    let mut payloads = vec![notifications.recv().await.unwrap()];
    client.batch_execute("SELECT pg_notify('inkstone_changes', 'end')").await.unwrap();
    while let Some(payload) = notifications.recv().await.filter(|payload| payload != "end") {
        payloads.push(payload);
    }
    // One a batch, of which a busy machine makes more than two: rows are committed every two seconds.
    assert!(payloads.len() <= 10, "{payloads:?}");
}

#[actix_web::test]
async fn a_client_that_disconnects_leaves_whole_batches() {
    let (app, editor) = start_app().await;
    let body = to_ndjson(&make_rows(2_500));
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: {NDJSON}\r\n\
         Accept: {NDJSON}\r\nContent-Length: {}\r\n\r\n",
        editor.token.clone().unwrap(),
        body.len() + 1,
    );
    actix_web::web::block(move || {
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut received = Vec::new();
        let mut chunk = [0; 4096];
        while !String::from_utf8_lossy(&received).contains("\"rows\":2000") {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&chunk[..read]);
        }
        stream.shutdown(Shutdown::Both).unwrap();
    })
    .await
    .unwrap();
    assert_eq!(count_articles(&editor).await, 2_000);
    assert_eq!(outcome_counts(&import_rows(&editor, "", &make_rows(2_500)).await), [500, 0, 2_000, 0]);
    assert_eq!(count_articles(&editor).await, 2_500);
}

#[actix_web::test]
async fn an_import_that_loses_its_database_reports_what_is_done() {
    let (app, editor) = start_app().await;
    let rows = make_rows(5_000);
    add_insert_trigger(
        &app,
        "IF NEW.external_id = 'n-2500' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;",
    )
    .await;
    let answer = send_body(&editor, "", NDJSON, to_ndjson(&rows)).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert_eq!(answer.json()["summary"]["committed_rows"], 2_000);
    app.db_execute("DROP TRIGGER test_insert ON articles").await;
    until("the connection", async || editor.get("/readyz").await.status == 200).await;
    assert_eq!(outcome_counts(&import_rows(&editor, "", &rows).await), [3_000, 0, 2_000, 0]);
}

#[actix_web::test]
async fn an_import_that_fails_keeps_no_locks() {
    for query in ["", "?atomic=true"] {
        let (app, editor) = start_app().await;
        add_insert_trigger(&app, "IF NEW.external_id = 'n-2500' THEN RAISE EXCEPTION 'no'; END IF;").await;
        assert_eq!(
            send_body(&editor, query, NDJSON, to_ndjson(&make_rows(4_000))).await.status,
            500,
            "{query}"
        );
        // Waits at most two seconds for locks on the table.
        app.db_execute("DROP TRIGGER test_insert ON articles").await;
        let there = if query.is_empty() { 2_000 } else { 0 };
        assert_eq!(count_articles(&editor).await, there, "{query}");
    }
}
