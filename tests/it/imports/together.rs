//! Imports beside each other, beside single writes, and cut short.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use futures::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::harness::machine::until;

/// Two imports at the same time, of which no row fails.
async fn at_once(client: &Client, one: &[Value], other: &[Value]) -> (Value, Value) {
    let (one, other) = tokio::join!(import(client, "", one), import(client, "", other));
    assert_eq!((&one["failed"], &other["failed"]), (&json!(0), &json!(0)));
    (one, other)
}

/// Lets the database do this before it inserts an article, as the trigger `meddle`.
async fn before_each_insert(app: &TestApp, what: &str) {
    app.db_execute(&format!(
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what} RETURN NEW; END $$"
    ))
    .await;
    app.db_execute("CREATE TRIGGER meddle BEFORE INSERT ON articles FOR EACH ROW EXECUTE FUNCTION meddle()")
        .await;
}

#[actix_web::test]
async fn two_imports_and_single_writes_at_once_make_each_article_once() {
    let (_app, editor) = start().await;
    let (forwards, mut backwards) = (rows(2_000), rows(2_000));
    backwards.reverse();
    let writes = (0..100).map(|at| {
        let editor = editor.clone();
        async move {
            let path = format!("/api/v1/articles/by-external-id/n-{}", at * 19);
            editor.put(&path, json!({"title": "Written alone"})).await.status
        }
    });
    let (_, written) = tokio::join!(at_once(&editor, &forwards, &backwards), join_all(writes));
    assert!(written.iter().all(|status| [200, 201].contains(status)), "{written:?}");
    assert_eq!(total(&editor).await, 2_000);
}

#[actix_web::test]
async fn an_import_that_waits_too_long_for_another_tries_again() {
    let (app, editor) = start().await;
    // The second half of one import waits for the first half of the other, which holds its first row for long.
    before_each_insert(
        &app,
        "IF NEW.external_id = 'b-1000' AND NEW.title = 'One' THEN PERFORM pg_sleep(0.5); END IF;
         IF NEW.external_id = 'b-1001' AND NEW.title = 'Other' THEN PERFORM pg_sleep(5); END IF;",
    )
    .await;
    let rows = |kinds: [&str; 2], title: &str| -> Vec<Value> {
        let ids = kinds.iter().flat_map(|kind| (1_000..2_000).map(move |at| format!("{kind}-{at}")));
        ids.map(|id| row(&id, title)).collect()
    };
    let (one, other) = (rows(["a", "b"], "One"), rows(["b", "c"], "Other"));
    at_once(&editor, &one, &other).await;
    assert_eq!(total(&editor).await, 3_000);
}

#[actix_web::test]
async fn imports_of_the_same_rows_in_other_orders_do_not_fail_each_other() {
    let (_app, editor) = start().await;
    let rows = rows(6_000);
    let mut turned = rows.clone();
    turned.rotate_left(2_500);
    at_once(&editor, &rows, &turned).await;
    assert_eq!(total(&editor).await, 6_000);
}

#[actix_web::test]
async fn the_same_rows_with_their_slugs_twice_at_once_fail_nowhere() {
    let (_app, editor) = start().await;
    let mut rows = rows(8_000);
    for (at, row) in rows.iter_mut().enumerate() {
        row["slug"] = json!(format!("number-{at}"));
    }
    let (one, other) = at_once(&editor, &rows, &rows).await;
    let made = |summary: &Value| summary["created"].as_i64().unwrap();
    assert_eq!(made(&one) + made(&other), 8_000);
}

#[actix_web::test]
async fn an_import_is_told_to_caches_in_few_words() {
    let (app, editor) = start().await;
    let (client, mut connection) = tokio_postgres::connect(&app.db.url, tokio_postgres::NoTls).await.unwrap();
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let tokio_postgres::AsyncMessage::Notification(notification) = message {
                sender.send(notification.payload().to_owned()).unwrap();
            }
        }
    });
    client.batch_execute("LISTEN inkstone_changes").await.unwrap();
    import(&editor, "", &rows(3_000)).await;
    let mut payloads = vec![told.recv().await.unwrap()];
    client.batch_execute("SELECT pg_notify('inkstone_changes', 'end')").await.unwrap();
    while let Some(payload) = told.recv().await.filter(|payload| payload != "end") {
        payloads.push(payload);
    }
    // Two batches, of two transactions each.
    assert!(payloads.len() <= 4, "{payloads:?}");
}

#[actix_web::test]
async fn a_client_that_hangs_up_leaves_whole_batches() {
    let (app, editor) = start().await;
    let body = ndjson(&rows(2_500));
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
        let mut heard = Vec::new();
        let mut chunk = [0; 4096];
        while !String::from_utf8_lossy(&heard).contains("\"rows\":2000") {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&chunk[..read]);
        }
        stream.shutdown(Shutdown::Both).unwrap();
    })
    .await
    .unwrap();
    assert_eq!(total(&editor).await, 2_000);
    assert_eq!(counts(&import(&editor, "", &rows(2_500)).await), [500, 0, 2_000, 0]);
    assert_eq!(total(&editor).await, 2_500);
}

#[actix_web::test]
async fn an_import_that_loses_its_database_tells_what_is_done() {
    let (app, editor) = start().await;
    let rows = rows(5_000);
    before_each_insert(
        &app,
        "IF NEW.external_id = 'n-2500' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;",
    )
    .await;
    let answer = send(&editor, "", NDJSON, ndjson(&rows)).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert_eq!(answer.json()["summary"]["committed_rows"], 2_000);
    app.db_execute("DROP TRIGGER meddle ON articles").await;
    until("the connection", async || editor.get("/readyz").await.status == 200).await;
    assert_eq!(counts(&import(&editor, "", &rows).await), [3_000, 0, 2_000, 0]);
}

#[actix_web::test]
async fn an_import_that_fails_keeps_no_locks() {
    for query in ["", "?atomic=true"] {
        let (app, editor) = start().await;
        before_each_insert(&app, "IF NEW.external_id = 'n-2500' THEN RAISE EXCEPTION 'no'; END IF;").await;
        assert_eq!(send(&editor, query, NDJSON, ndjson(&rows(4_000))).await.status, 500, "{query}");
        // Waits for all who use the table, for two seconds at most.
        app.db_execute("DROP TRIGGER meddle ON articles").await;
        let there = if query.is_empty() { 2_000 } else { 0 };
        assert_eq!(total(&editor).await, there, "{query}");
    }
}
