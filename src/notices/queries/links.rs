//! SQL of links to notices.

use std::collections::HashMap;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
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
    let ids = names.iter().filter_map(|name| Uuid::parse_str(name).ok()).collect();
    let mut conditions = Conditions::default();
    let (ids, slugs) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Texts(names.clone())));
    conditions.and(format!("(notices.id = ANY({ids}) OR notices.slug = ANY({slugs}))"));
    let found = load(conn, conditions, visible).await?;
    let find = |name: &str| {
        let id = Uuid::parse_str(name).ok();
        found.iter().find(|link| Some(link.id) == id || link.slug == name).map(|link| link.id)
    };
    Ok(names.into_iter().filter_map(|name| find(&name).map(|id| (name, id))).collect())
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
