//! All SQL of the home page.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::model::Row;
use crate::db::connection::Connection;
use crate::db::schema::home_page;
use crate::markup::SANITIZER;
use crate::tx::Tx;

/// The home page, if somebody has composed it.
pub async fn get(mut conn: &Connection) -> QueryResult<Option<Row>> {
    home_page::table.select(Row::as_select()).first(&mut conn).await.optional()
}

/// The home page. Nobody else changes it until the transaction ends, also if there is none yet.
pub async fn lock(tx: &mut Tx) -> QueryResult<Option<Row>> {
    sql_query("LOCK TABLE home_page IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx).await?;
    get(tx).await
}

/// Adds the home page.
pub async fn insert(tx: &mut Tx, blocks: &Value) -> QueryResult<Row> {
    diesel::insert_into(home_page::table)
        .values((
            home_page::id.eq(Uuid::now_v7()),
            home_page::blocks.eq(blocks),
            home_page::sanitizer.eq(SANITIZER),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Replaces the blocks.
pub async fn update(tx: &mut Tx, id: Uuid, blocks: &Value) -> QueryResult<Row> {
    diesel::update(home_page::table.find(id))
        .set((
            home_page::blocks.eq(blocks),
            home_page::sanitizer.eq(SANITIZER),
            home_page::version.eq(home_page::version + 1),
            home_page::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}
