//! All SQL of notices.

use diesel::dsl::{now, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, Row};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SortColumn};
use crate::db::schema::notices;
use crate::db::visibility::Notices;

/// Pinned first, then newest first. Drafts without an hour count as newest.
pub fn order(visible: Notices) -> Vec<SortColumn> {
    let published_at = match visible {
        Notices::Public | Notices::ForMembers => "notices.published_at",
        Notices::All | Notices::Trash => "coalesce(notices.published_at, 'infinity')",
    };
    vec![
        SortColumn { name: "pinned", sql: "notices.pinned", cast: "boolean", descending: true },
        SortColumn { name: "published_at", sql: published_at, cast: "timestamptz", descending: true },
        SortColumn { name: "id", sql: "notices.id", cast: "uuid", descending: true },
    ]
}

/// Notices that meet `conditions`.
pub async fn list(conn: &mut Connection, conditions: Conditions, slice: &PageSlice) -> QueryResult<Vec<Row>> {
    conditions.page_query("*", "notices", slice).load(conn).await
}

/// One notice, if it is visible.
pub async fn by_id(conn: &mut Connection, id: Uuid, visible: Notices) -> QueryResult<Row> {
    notices::table.find(id).filter(sql::<Bool>(&visible.sql())).select(Row::as_select()).first(conn).await
}

/// One notice, if it is visible, locked until the transaction ends.
pub async fn lock(conn: &mut Connection, id: Uuid, visible: Notices) -> QueryResult<Row> {
    notices::table
        .find(id)
        .filter(sql::<Bool>(&visible.sql()))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
}

/// One notice by its external id, and whether it is in the trash; locked until the transaction ends.
pub async fn lock_external(conn: &mut Connection, external_id: &str) -> QueryResult<Option<(Row, bool)>> {
    notices::table
        .filter(notices::external_id.eq(external_id))
        .select((Row::as_select(), notices::deleted_at.is_not_null()))
        .for_update()
        .first(conn)
        .await
        .optional()
}

/// Adds a notice. Constraints: `notices_window`, `notices_external_id_key`.
pub async fn insert(conn: &mut Connection, content: &Content) -> QueryResult<Row> {
    diesel::insert_into(notices::table)
        .values((notices::id.eq(Uuid::now_v7()), content))
        .returning(Row::as_returning())
        .get_result(conn)
        .await
}

/// Replaces what can be changed about a notice. Constraints: `notices_window`, `notices_external_id_key`.
pub async fn update(conn: &mut Connection, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(notices::table.find(id))
        .set((content, notices::version.eq(notices::version + 1), notices::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(conn)
        .await
}

/// Puts a notice into the trash, or takes it out.
pub async fn set_deleted(conn: &mut Connection, id: Uuid, deleted: bool) -> QueryResult<Row> {
    diesel::update(notices::table.find(id))
        .set((
            notices::deleted_at.eq(sql::<Nullable<Timestamptz>>(if deleted { "now()" } else { "NULL" })),
            notices::version.eq(notices::version + 1),
            notices::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(conn)
        .await
}
