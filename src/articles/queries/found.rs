//! SQL of articles that the index has found.

use diesel::QueryResult;
use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{VIEWS, list_columns};
use crate::articles::model::Row;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, Value};

/// The articles among `ids` that meet `conditions`, without their bodies: those of a page, or all in any order.
pub async fn load_cards(
    mut conn: &Connection,
    mut conditions: Conditions,
    ids: Vec<Uuid>,
    slice: Option<&PageSlice>,
) -> QueryResult<Vec<Row>> {
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let (columns, from) = (list_columns(), format!("articles {VIEWS}"));
    match slice {
        Some(slice) => conditions.page_query(&columns, &from, slice).load(&mut conn).await,
        None => {
            let text = format!("SELECT {columns} FROM {from} WHERE {}", conditions.sql());
            conditions.statement(text).load(&mut conn).await
        }
    }
}

/// What of an article is highlighted.
#[derive(Debug, QueryableByName)]
pub struct Texts {
    /// The article.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Its summary.
    #[diesel(sql_type = Text)]
    pub summary: String,
    /// Its body, as HTML.
    #[diesel(sql_type = Text)]
    pub body: String,
}

/// The texts of the articles among `ids` that meet `conditions`.
pub async fn load_texts(
    mut conn: &Connection,
    mut conditions: Conditions,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<Texts>> {
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let text = format!("SELECT id, title, summary, body FROM articles WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// The texts of the next articles before `before` in the order of their ids, the newest first, that meet `conditions`.
pub async fn load_texts_before(
    mut conn: &Connection,
    mut conditions: Conditions,
    before: Option<Uuid>,
    most: i64,
) -> QueryResult<Vec<Texts>> {
    conditions.and_if("articles.id < ?", before.map(Value::Id));
    let text = format!(
        "SELECT id, title, summary, body FROM articles WHERE {} ORDER BY id DESC LIMIT {most}",
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}
