//! SQL of how far the feed was read, and of what it becomes.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::tx::Tx;
use crate::webhooks::events::Event;
use crate::webhooks::model::{DELIVERY_COLUMNS, DeliveryRow};

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    cursor: String,
}

/// The cursor up to which the feed was read. Empty before the first webhook.
pub async fn load_cursor(mut conn: &Connection) -> QueryResult<String> {
    let stored: Stored = sql_query("SELECT cursor FROM webhook_position").get_result(&mut conn).await?;
    Ok(stored.cursor)
}

/// Locks the position until the transaction ends: nothing is enqueued meanwhile.
pub async fn lock_cursor(tx: &mut Tx) -> QueryResult<()> {
    sql_query("SELECT cursor FROM webhook_position FOR UPDATE").execute(&mut **tx).await?;
    Ok(())
}

/// Moves the cursor, wherever it was.
pub async fn set_cursor(tx: &mut Tx, cursor: &str) -> QueryResult<()> {
    sql_query("UPDATE webhook_position SET cursor = $1").bind::<Text, _>(cursor).execute(&mut **tx).await?;
    Ok(())
}

/// Moves the cursor from `before` to `after`; returns whether it was there.
pub async fn move_cursor(tx: &mut Tx, before: &str, after: &str) -> QueryResult<bool> {
    let moved = sql_query("UPDATE webhook_position SET cursor = $2 WHERE cursor = $1")
        .bind::<Text, _>(before)
        .bind::<Text, _>(after)
        .execute(&mut **tx)
        .await?;
    Ok(moved == 1)
}

/// Who is to be told, and of what.
#[derive(Clone, Debug, QueryableByName)]
pub struct Subscriber {
    /// The webhook.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The texts of its filters.
    #[diesel(sql_type = Array<Text>)]
    pub events: Vec<String>,
}

/// The webhooks that are enabled. They stay until the transaction ends.
pub async fn lock_subscribers(tx: &mut Tx) -> QueryResult<Vec<Subscriber>> {
    sql_query("SELECT id, events FROM webhooks WHERE status = 'enabled' ORDER BY id FOR KEY SHARE")
        .load(&mut **tx)
        .await
}

/// Enqueues events for a webhook, in their order.
pub async fn insert_deliveries(tx: &mut Tx, webhook: Uuid, events: &[&Event]) -> QueryResult<()> {
    sql_query(
        "INSERT INTO webhook_deliveries (id, webhook_id, event, entity_id, body)
         SELECT id, $1, event, entity_id, body FROM unnest($2, $3, $4, $5) WITH ORDINALITY
                AS new (id, event, entity_id, body, place) ORDER BY place",
    )
    .bind::<SqlUuid, _>(webhook)
    .bind::<Array<SqlUuid>, _>(events.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(events.iter().map(|event| event.entity_id).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(events.iter().map(|event| event.body()).collect::<Vec<Value>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Enqueues an event that an admin asks for: it is sent at once and out of turn.
pub async fn insert_asked_for(tx: &mut Tx, webhook: Uuid, event: &Event) -> QueryResult<DeliveryRow> {
    sql_query(format!(
        "INSERT INTO webhook_deliveries (id, webhook_id, event, entity_id, body, state, is_asked_for)
         VALUES ($1, $2, $3, $4, $5, 'parked', true) RETURNING {DELIVERY_COLUMNS}"
    ))
    .bind::<SqlUuid, _>(Uuid::now_v7())
    .bind::<SqlUuid, _>(webhook)
    .bind::<Text, _>(event.kind.as_str())
    .bind::<Nullable<SqlUuid>, _>(event.entity_id)
    .bind::<Jsonb, _>(event.body())
    .get_result(&mut **tx)
    .await
}

/// Adds changes of articles to the event of a webhook that waits to be sent; returns whether there is one.
pub async fn add_to_waiting(tx: &mut Tx, webhook: Uuid, articles: i32) -> QueryResult<bool> {
    let added = sql_query(
        "UPDATE webhook_deliveries
         SET body = jsonb_set(body, '{data,count}', to_jsonb((body #>> '{data,count}')::bigint + $2))
         WHERE webhook_id = $1 AND event = 'articles.changed' AND state = 'pending' AND tries = 0",
    )
    .bind::<SqlUuid, _>(webhook)
    .bind::<Integer, _>(articles)
    .execute(&mut **tx)
    .await?;
    Ok(added > 0)
}

/// Enqueues a coalesced event of a webhook, due when its window allows it.
pub async fn insert_coalesced(tx: &mut Tx, webhook: Uuid, event: &Event) -> QueryResult<()> {
    #[derive(QueryableByName)]
    struct Window {
        #[diesel(sql_type = Timestamptz)]
        due_at: DateTime<Utc>,
    }
    let window: Option<Window> = sql_query(
        "UPDATE webhooks SET coalesced_at = greatest(now(), coalesced_at + make_interval(secs => coalesce_seconds))
         WHERE id = $1 RETURNING coalesced_at AS due_at",
    )
    .bind::<SqlUuid, _>(webhook)
    .get_result(&mut **tx)
    .await
    .optional()?;
    let Some(window) = window else { return Ok(()) };
    sql_query(
        "INSERT INTO webhook_deliveries (id, webhook_id, event, body, due_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<SqlUuid, _>(Uuid::now_v7())
    .bind::<SqlUuid, _>(webhook)
    .bind::<Text, _>(event.kind.as_str())
    .bind::<Jsonb, _>(event.body())
    .bind::<Timestamptz, _>(window.due_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
