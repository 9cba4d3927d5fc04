//! All SQL of the change log.

use diesel::QueryResult;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::CHANNEL;
use super::model::{Actor, Change, Entry};
use crate::db::rows::{Conditions, PageSlice, SortColumn};
use crate::telemetry;

/// Writes the line of a change. Call it inside the change's transaction: the
/// line and the notification come with the commit, or not at all.
pub async fn record(conn: &mut AsyncPgConnection, actor: Actor, change: Change) -> QueryResult<()> {
    let ids = [change.id];
    record_many(conn, actor, change, &ids).await
}

/// Writes a line like `change` for each of `ids`, in one statement.
pub async fn record_many(
    conn: &mut AsyncPgConnection,
    actor: Actor,
    change: Change,
    ids: &[Uuid],
) -> QueryResult<()> {
    sql_query(
        "WITH line AS (
             INSERT INTO changes (actor_kind, actor_id, action, entity, entity_id, fields, request_id)
             SELECT $1, $2, $3, $4, id, $5, $6 FROM unnest($7) AS id
             RETURNING entity, entity_id
         )
         SELECT pg_notify($8, entity || ':' || entity_id) FROM line",
    )
    .bind::<Text, _>(actor.kind)
    .bind::<Nullable<SqlUuid>, _>(actor.id)
    .bind::<Text, _>(change.action)
    .bind::<Text, _>(change.entity)
    .bind::<Array<Text>, _>(change.fields)
    .bind::<Nullable<Text>, _>(telemetry::request_id())
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Text, _>(CHANNEL)
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells every listener that many things of this kind have changed, in one
/// notification `entity:*`; the log has a line for each.
pub async fn tell_of_many(conn: &mut AsyncPgConnection, entity: &str) -> QueryResult<()> {
    sql_query("SELECT pg_notify($1, $2 || ':*')")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(entity)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a change of this action and entity was ever recorded.
pub async fn exists(conn: &mut AsyncPgConnection, action: &str, entity: &str) -> QueryResult<bool> {
    let found = sql_query("SELECT 1 FROM changes WHERE action = $1 AND entity = $2 LIMIT 1")
        .bind::<Text, _>(action)
        .bind::<Text, _>(entity)
        .execute(conn)
        .await?;
    Ok(found > 0)
}

/// The order of the log for people: newest first.
pub const NEWEST_FIRST: SortColumn =
    SortColumn { name: "seq", sql: "changes.seq", cast: "bigint", descending: true };

/// Lines that meet `conditions`.
pub async fn list(
    conn: &mut AsyncPgConnection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<Vec<Entry>> {
    let columns = "seq, xid::text::bigint AS transaction_id, at, actor_kind, actor_id, action, entity, \
         entity_id, fields, request_id";
    conditions.page_query(columns, "changes", slice).load(conn).await
}
