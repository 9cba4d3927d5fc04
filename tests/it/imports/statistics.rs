//! What PostgreSQL knows of the tables that an import fills.

use super::{import_rows, make_rows, start_app};
use crate::harness::machine::{ask, until};

/// Of how many tables that articles are read from PostgreSQL has been told to look at the rows.
async fn count_known(url: &str) -> String {
    ask(
        url,
        "SELECT count(*) FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL AND relname LIKE 'article%'",
    )
    .await
}

#[actix_web::test]
async fn an_import_of_many_rows_lets_postgresql_look_at_them() {
    for query in ["", "?atomic=true"] {
        let (app, editor) = start_app().await;
        import_rows(&editor, query, &make_rows(20)).await;
        assert_eq!(count_known(&app.db.url).await, "0", "{query}");
        let summary = import_rows(&editor, query, &make_rows(700)).await;
        assert_eq!(summary["created"], 680);
        until("the tables to be looked at", async || count_known(&app.db.url).await == "6").await;
        assert!(ask(&app.db.url, "SELECT reltuples FROM pg_class WHERE relname = 'articles'").await != "-1");
    }
}
