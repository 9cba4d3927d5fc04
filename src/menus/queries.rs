//! All SQL of menus.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::model::Row;
use crate::db::connection::Connection;
use crate::db::schema::menus;
use crate::tx::Tx;

/// All menus, by name.
pub async fn list(mut conn: &Connection) -> QueryResult<Vec<Row>> {
    menus::table.order(menus::name).select(Row::as_select()).load(&mut conn).await
}

/// The menu of this name.
pub async fn get(mut conn: &Connection, name: &str) -> QueryResult<Option<Row>> {
    menus::table.filter(menus::name.eq(name)).select(Row::as_select()).first(&mut conn).await.optional()
}

/// The menu of this name. Nobody else changes a menu until the transaction ends, also if there is none yet.
pub async fn lock(tx: &mut Tx, name: &str) -> QueryResult<Option<Row>> {
    sql_query("LOCK TABLE menus IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx).await?;
    get(tx, name).await
}

/// How many menus there are.
pub async fn count(mut conn: &Connection) -> QueryResult<i64> {
    menus::table.count().get_result(&mut conn).await
}

/// Adds a menu.
pub async fn insert(tx: &mut Tx, name: &str, items: &Value) -> QueryResult<Row> {
    diesel::insert_into(menus::table)
        .values((menus::id.eq(Uuid::now_v7()), menus::name.eq(name), menus::items.eq(items)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Replaces the items of a menu.
pub async fn update(tx: &mut Tx, id: Uuid, items: &Value) -> QueryResult<Row> {
    diesel::update(menus::table.find(id))
        .set((menus::items.eq(items), menus::version.eq(menus::version + 1), menus::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Removes a menu.
pub async fn delete(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
    diesel::delete(menus::table.find(id)).execute(&mut **tx).await.map(drop)
}
