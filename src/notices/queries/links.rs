//! SQL of links to notices.

use std::collections::HashMap;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::names::{add_names, match_names};
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::Notices;
use crate::notices::model::NoticeKind;

/// What a link to a notice shows.
#[derive(Clone, Debug, QueryableByName)]
pub struct NoticeLink {
    /// The notice.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: NoticeKind,
    /// Its slug.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
}

/// Links to the notices among `ids` that are visible.
pub async fn load_links(conn: &Connection, ids: Vec<Uuid>, visible: Notices) -> QueryResult<Vec<NoticeLink>> {
    let mut conditions = Conditions::default();
    conditions.and_if("notices.id = ANY(?)", Some(Value::Ids(ids)));
    load(conn, conditions, visible).await
}

/// The ids of the visible notices that `names` name by id or slug, by these names.
pub async fn find_ids_by_names(
    conn: &Connection,
    names: Vec<String>,
    visible: Notices,
) -> QueryResult<HashMap<String, Uuid>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut conditions = Conditions::default();
    add_names(&mut conditions, "notices", &names);
    let found = load(conn, conditions, visible).await?;
    let found: Vec<_> = found.into_iter().map(|link| (link.id, link.slug)).collect();
    Ok(match_names(names, &found))
}

async fn load(
    mut conn: &Connection,
    mut conditions: Conditions,
    visible: Notices,
) -> QueryResult<Vec<NoticeLink>> {
    conditions.and(visible.sql());
    let text = format!("SELECT id, kind, slug, title FROM notices WHERE {}", conditions.sql());
    conditions.statement(text).load(&mut conn).await
}
