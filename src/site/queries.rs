//! All SQL of the site.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, Row};
use crate::db::connection::Connection;
use crate::db::schema::site;

/// The site.
pub async fn get(conn: &mut Connection) -> QueryResult<Row> {
    site::table.select(Row::as_select()).first(conn).await
}

/// The site, locked until the transaction ends.
pub async fn lock(conn: &mut Connection) -> QueryResult<Row> {
    site::table.select(Row::as_select()).for_update().first(conn).await
}

/// Replaces what can be changed about the site.
pub async fn update(conn: &mut Connection, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(site::table.find(id))
        .set((content, site::version.eq(site::version + 1), site::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(conn)
        .await
}
