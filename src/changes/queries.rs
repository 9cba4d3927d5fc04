//! All SQL of the change log.

use diesel::dsl::sql;
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::CHANNEL;
use super::model::{Entry, Recorded};
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SortColumn, delete_batch};
use crate::telemetry;

/// Writes the lines of all `recorded` changes, in one statement.
pub async fn insert(mut conn: &Connection, recorded: &[Recorded]) -> QueryResult<()> {
    let lines = || recorded.iter().flat_map(|recorded| recorded.ids.iter().map(move |id| (recorded, *id)));
    sql_query(
        "INSERT INTO changes (actor_kind, actor_id, action, entity, entity_id, fields, request_id)
         SELECT line.actor_kind, line.actor_id, line.action, line.entity, line.entity_id,
                string_to_array(line.fields, ','), $7
         FROM unnest($1, $2, $3, $4, $5, $6)
              AS line(actor_kind, actor_id, action, entity, entity_id, fields)",
    )
    .bind::<Array<Text>, _>(lines().map(|(recorded, _)| recorded.actor.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(lines().map(|(recorded, _)| recorded.actor.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lines().map(|(recorded, _)| recorded.change.action).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lines().map(|(recorded, _)| recorded.change.entity).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(lines().map(|(_, id)| id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lines().map(|(recorded, _)| recorded.change.fields.join(",")).collect::<Vec<_>>())
    .bind::<Nullable<Text>, _>(telemetry::request_id())
    .execute(&mut conn)
    .await?;
    Ok(())
}

/// Notifies every listener that there is something new in the log; `node` tells who has written it.
pub async fn notify(mut conn: &Connection, node: &str) -> QueryResult<()> {
    sql_query("SELECT pg_notify($1, $2)")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(node)
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// The position that the log has now: a `pg_snapshot` as text.
pub async fn position(mut conn: &Connection) -> QueryResult<String> {
    diesel::select(sql::<Text>("pg_current_snapshot()::text")).get_result(&mut conn).await
}

/// Takes the tags of the answers that this transaction has made stale: `node` drops those answers itself.
pub async fn take_stale_tags(mut conn: &Connection, node: &str) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = Array<Text>)]
        tags: Vec<String>,
    }
    let taken: Vec<Taken> =
        sql_query("UPDATE invalidations SET node = $1 WHERE xid = pg_current_xact_id() RETURNING tags")
            .bind::<Text, _>(node)
            .load(&mut conn)
            .await?;
    Ok(taken.into_iter().flat_map(|taken| taken.tags).collect())
}

/// What a look at the log has found.
#[derive(Debug, QueryableByName)]
pub struct Look {
    /// The kinds of things that have changed.
    #[diesel(sql_type = Array<Text>)]
    pub entities: Vec<String>,
    /// The tags of the answers that have become stale.
    #[diesel(sql_type = Array<Text>)]
    pub stale_tags: Vec<String>,
    /// The position that the log has now.
    #[diesel(sql_type = Text)]
    pub position: String,
}

/// Looks at what was committed since `position`. Tags that `node` has taken itself are left out, unless
/// `with_own_tags`.
///
/// A row is new if its transaction was not visible at the position: it ran then, or began later. So
/// no transaction is missed, however long it stayed open, and none is waited for. Rows of transactions that are still to
/// come are from another cluster, by way of a dump.
pub async fn look_since(
    mut conn: &Connection,
    position: &str,
    node: &str,
    with_own_tags: bool,
) -> QueryResult<Look> {
    sql_query(
        "SELECT pg_current_snapshot()::text AS position, ARRAY(
             SELECT entity FROM changes
             WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
             UNION
             SELECT entity FROM changes
             WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))
         ) AS entities, ARRAY(
             SELECT tag FROM invalidations, unnest(tags) AS tag
             WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
                   AND (node IS DISTINCT FROM $2 OR $3)
             UNION
             SELECT tag FROM invalidations, unnest(tags) AS tag
             WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))
                   AND (node IS DISTINCT FROM $2 OR $3)
         ) AS stale_tags",
    )
    .bind::<Text, _>(position)
    .bind::<Text, _>(node)
    .bind::<Bool, _>(with_own_tags)
    .get_result(&mut conn)
    .await
}

/// Deletes tags that every process has found long ago, a bounded number; returns whether there may be more.
pub async fn delete_old_tags(conn: &Connection) -> QueryResult<bool> {
    let mut conditions = Conditions::default();
    conditions.and("at < now() - interval '1 day'");
    delete_batch(conn, "invalidations", conditions, "at").await
}

/// Whether a change of this action and entity was ever recorded.
pub async fn exists(mut conn: &Connection, action: &str, entity: &str) -> QueryResult<bool> {
    let found = sql_query("SELECT 1 FROM changes WHERE action = $1 AND entity = $2 LIMIT 1")
        .bind::<Text, _>(action)
        .bind::<Text, _>(entity)
        .execute(&mut conn)
        .await?;
    Ok(found > 0)
}

/// Whether a change of this thing is recorded.
pub async fn has_changes(mut conn: &Connection, entity: &str, id: Uuid) -> QueryResult<bool> {
    let found = sql_query("SELECT FROM changes WHERE entity = $1 AND entity_id = $2 LIMIT 1")
        .bind::<Text, _>(entity)
        .bind::<SqlUuid, _>(id)
        .execute(&mut conn)
        .await?;
    Ok(found > 0)
}

/// Deletes the oldest lines that are older than so many days; returns whether there may be more.
///
/// That the demo site was loaded stays known, so that it is not loaded again.
pub async fn delete_old(mut conn: &Connection, days: i32) -> QueryResult<bool> {
    const MAX_LINES: usize = 10_000;
    let deleted = sql_query(format!(
        "DELETE FROM changes WHERE seq IN (
             SELECT seq FROM changes WHERE at < now() - make_interval(days => $1) AND entity <> 'demo'
             ORDER BY at LIMIT {MAX_LINES})"
    ))
    .bind::<Integer, _>(days)
    .execute(&mut conn)
    .await?;
    Ok(deleted == MAX_LINES)
}

/// The order of the log for people: newest first.
///
/// A line's time is that of its transaction. Indexes have the lines of each filter in this order, and so those of a span.
pub fn newest_first() -> Vec<SortColumn> {
    vec![
        SortColumn { name: "at", sql: "changes.at", cast: "timestamptz", descending: true },
        SortColumn { name: "seq", sql: "changes.seq", cast: "bigint", descending: true },
    ]
}

/// Lines that meet `conditions`.
pub async fn list(
    mut conn: &Connection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<Vec<Entry>> {
    let columns = "seq, xid::text::bigint AS transaction_id, at, actor_kind, actor_id, action, entity, \
         entity_id, fields, request_id";
    conditions.page_query(columns, "changes", slice).load(&mut conn).await
}
