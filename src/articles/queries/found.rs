//! SQL of articles that are known by their ids or names.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{NO_FORMER_SLUGS, VIEWS, full_columns, list_columns};
use crate::articles::model::Row;
use crate::db::connection::Connection;
use crate::db::names::{add_names, match_names};
use crate::db::rows::{Conditions, PageSlice, Value, begins_within_bytes, choose_rows};
use crate::db::visibility::Articles;
use crate::search::highlights::Texts;

/// The articles with `ids`, as [`choose_rows`] finds them.
pub fn choose_articles(conditions: &mut Conditions, ids: Vec<Uuid>) -> String {
    let ids = conditions.bind(Value::Ids(ids));
    choose_rows("articles", &format!("id = ANY ({ids})"))
}

/// The articles among `ids` that meet `conditions`, without their bodies: those of a page, or all in any order.
pub async fn load_cards(
    mut conn: &Connection,
    mut conditions: Conditions,
    ids: Vec<Uuid>,
    slice: Option<&PageSlice>,
) -> QueryResult<Vec<Row>> {
    let chosen = choose_articles(&mut conditions, ids);
    let (columns, from) = (list_columns(), format!("{chosen} {VIEWS}"));
    match slice {
        Some(slice) => conditions.page_query(&columns, &from, slice).load(&mut conn).await,
        None => {
            let text = format!("SELECT {columns} FROM {from} WHERE {}", conditions.sql());
            conditions.statement(text).load(&mut conn).await
        }
    }
}

/// The articles among `ids` that meet `conditions`, with their bodies, in any order.
pub async fn load_full(
    mut conn: &Connection,
    mut conditions: Conditions,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<Row>> {
    let chosen = choose_articles(&mut conditions, ids);
    let columns = full_columns("NULL::text", NO_FORMER_SLUGS);
    let text = format!("SELECT {columns} FROM {chosen} {VIEWS} WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// What a link to an article shows.
#[derive(Clone, Debug, QueryableByName)]
pub struct ArticleLink {
    /// The article.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
}

/// Links to the articles among `ids` that are visible.
pub async fn load_links(
    mut conn: &Connection,
    ids: Vec<Uuid>,
    visible: Articles,
) -> QueryResult<Vec<ArticleLink>> {
    let mut conditions = visible.conditions();
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let text = format!("SELECT id, slug, title FROM articles WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// The ids of the visible articles that `names` name by id or slug, by these names.
pub async fn find_ids_by_names(
    mut conn: &Connection,
    names: Vec<String>,
    visible: Articles,
) -> QueryResult<HashMap<String, Uuid>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut conditions = visible.conditions();
    add_names(&mut conditions, "articles", &names);
    let text = format!("SELECT id, slug, title FROM articles WHERE {}", conditions.sql());
    let found: Vec<ArticleLink> = conditions.statement(text).load(&mut conn).await?;
    let found: Vec<_> = found.into_iter().map(|link| (link.id, link.slug)).collect();
    Ok(match_names(names, &found))
}

/// The texts of articles among `ids` that meet `conditions`: of those whose bodies begin within 4 MiB, by id.
pub async fn load_texts(
    mut conn: &Connection,
    mut conditions: Conditions,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<Texts>> {
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let wanted = format!("WHERE {}", conditions.sql());
    let text = format!(
        "SELECT id, title, summary, body FROM articles WHERE {}",
        begins_within_bytes("articles", &wanted, "id")
    );
    conditions.statement(text).load(&mut conn).await
}

/// The texts of the articles among `ids` that meet `conditions`, with the first `most` characters of each body.
pub async fn load_beginnings(
    mut conn: &Connection,
    mut conditions: Conditions,
    ids: Vec<Uuid>,
    most: usize,
) -> QueryResult<Vec<Texts>> {
    conditions.and_if("articles.id = ANY(?)", Some(Value::Ids(ids)));
    let text = format!(
        "SELECT id, title, summary, left(body, {most}) AS body FROM articles WHERE {}",
        conditions.sql()
    );
    conditions.statement(text).load(&mut conn).await
}

/// The texts of the next articles before `before` in the order of their ids, the newest first, that meet `conditions`: `most`
/// at most, whose bodies begin within 4 MiB.
pub async fn load_texts_before(
    mut conn: &Connection,
    mut conditions: Conditions,
    before: Option<Uuid>,
    most: usize,
) -> QueryResult<Vec<Texts>> {
    conditions.and_if("articles.id < ?", before.map(Value::Id));
    let wanted = format!("WHERE {} ORDER BY id DESC LIMIT {most}", conditions.sql());
    let text = format!(
        "SELECT id, title, summary, body FROM articles WHERE {} ORDER BY id DESC",
        begins_within_bytes("articles", &wanted, "id DESC")
    );
    conditions.statement(text).load(&mut conn).await
}
