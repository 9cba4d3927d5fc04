//! SQL of what was last told, and of what is still to be announced.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::tx::Tx;
use crate::webhooks::events::EventType;

/// What was last told of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct LastState {
    /// Which thing.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Whether visitors could see it.
    #[diesel(sql_type = Bool)]
    pub is_visible: bool,
    /// Its version, if they could.
    #[diesel(sql_type = Nullable<Integer>)]
    pub version: Option<i32>,
}

/// What was last told of the things with `ids`, as far as that may be newer than the position.
pub async fn load_last_states(
    mut conn: &Connection,
    ids: Vec<Uuid>,
) -> QueryResult<HashMap<Uuid, LastState>> {
    let told: Vec<LastState> = sql_query(
        "SELECT entity_id AS id, is_visible, version FROM webhook_last_states WHERE entity_id = ANY ($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(&mut conn)
    .await?;
    Ok(told.into_iter().map(|one| (one.id, one)).collect())
}

/// Notes what is told of things, each of which is named once.
pub async fn store_last_states(tx: &mut Tx, told: &[LastState]) -> QueryResult<()> {
    sql_query(
        "INSERT INTO webhook_last_states (entity_id, is_visible, version, at)
         SELECT id, is_visible, version, now() FROM unnest($1, $2, $3) AS new (id, is_visible, version)
         ON CONFLICT (entity_id) DO UPDATE
         SET is_visible = excluded.is_visible, version = excluded.version, at = excluded.at",
    )
    .bind::<Array<SqlUuid>, _>(told.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(told.iter().map(|one| one.is_visible).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(told.iter().map(|one| one.version).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets what was told well before `position`: whatever has changed since is told from there.
pub async fn delete_old_states(tx: &mut Tx, position: DateTime<Utc>) -> QueryResult<()> {
    sql_query("DELETE FROM webhook_last_states WHERE at < $1 - interval '1 minute'")
        .bind::<Timestamptz, _>(position)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets all that was told and announced: the position is set anew.
pub async fn delete_all(tx: &mut Tx) -> QueryResult<()> {
    sql_query("DELETE FROM webhook_last_states").execute(&mut **tx).await?;
    sql_query("DELETE FROM webhook_announcements").execute(&mut **tx).await?;
    Ok(())
}

/// An event that is told after all that was committed before it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Announcement {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What happened.
    #[diesel(sql_type = Text)]
    pub event: EventType,
    /// What receivers are told of it.
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// Announces an event, if there is a webhook to be told.
pub async fn insert_announcement(tx: &mut Tx, event: EventType, data: Value) -> QueryResult<()> {
    sql_query(
        "INSERT INTO webhook_announcements (event, data)
         SELECT $1, $2 WHERE EXISTS (SELECT FROM webhooks WHERE status = 'enabled')",
    )
    .bind::<Text, _>(event.as_str())
    .bind::<Jsonb, _>(data)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What was announced and is visible in `snapshot`, the oldest first.
pub async fn load_announcements(mut conn: &Connection, snapshot: &str) -> QueryResult<Vec<Announcement>> {
    sql_query(
        "SELECT id, event, data, created_at FROM webhook_announcements
         WHERE pg_visible_in_snapshot(xid, $1::pg_snapshot) ORDER BY id LIMIT 1000",
    )
    .bind::<Text, _>(snapshot)
    .load(&mut conn)
    .await
}

/// Deletes announcements that have become deliveries.
pub async fn delete_announcements(tx: &mut Tx, ids: Vec<i64>) -> QueryResult<()> {
    sql_query("DELETE FROM webhook_announcements WHERE id = ANY ($1)")
        .bind::<Array<BigInt>, _>(ids)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
