//! SQL of the log of deliveries.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Integer, Uuid as SqlUuid};
use diesel::{QueryResult, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::rows::{Conditions, IdRow, PageSlice, SortColumn, Value, delete_batch};
use crate::tx::Tx;
use crate::webhooks::model::{AttemptRow, DELIVERY_COLUMNS, DeliveryRow, DeliveryState, LOG_DAYS};

/// Tries of a delivery that are shown at most, the last ones.
const MAX_SHOWN_ATTEMPTS: i32 = 20;
/// Deliveries that are replayed at a time.
const MAX_REPLAYED: usize = 10_000;

/// The newest first.
pub fn newest_first() -> Vec<SortColumn> {
    vec![SortColumn { name: "id", sql: "webhook_deliveries.id", cast: "uuid", descending: true }]
}

/// Deliveries that meet `conditions`.
pub async fn list(
    mut conn: &Connection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<Vec<DeliveryRow>> {
    conditions.page_query(DELIVERY_COLUMNS, "webhook_deliveries", slice).load(&mut conn).await
}

/// The last tries of `deliveries`, the oldest first.
pub async fn list_attempts(mut conn: &Connection, deliveries: Vec<Uuid>) -> QueryResult<Vec<AttemptRow>> {
    sql_query(
        "SELECT attempt.* FROM unnest($1) AS delivery (id) CROSS JOIN LATERAL (
             SELECT id AS place, delivery_id, at, duration_ms, status, error, response_headers FROM webhook_attempts
             WHERE delivery_id = delivery.id ORDER BY webhook_attempts.id DESC LIMIT $2) AS attempt
         ORDER BY place",
    )
    .bind::<Array<SqlUuid>, _>(deliveries)
    .bind::<Integer, _>(MAX_SHOWN_ATTEMPTS)
    .load(&mut conn)
    .await
}

/// Which deliveries of a webhook are sent once more.
#[derive(Clone, Debug)]
pub enum Replayed {
    /// This one.
    One(Uuid),
    /// Those that were enqueued in a span of time, in this state if one is given.
    Span {
        /// From when.
        from: DateTime<Utc>,
        /// Until when, which is not in it.
        to: DateTime<Utc>,
        /// In which state.
        state: Option<DeliveryState>,
        /// After this one, in the order of the ids.
        after: Option<Uuid>,
    },
}

/// Makes deliveries that have ended, or are parked, due at once and out of turn, in the order of their ids. Returns how many, and
/// the last of them if there are more.
///
/// A delivery that is replayed and delivered meets the conditions again, so only the last id tells where to go on.
pub async fn replay(tx: &mut Tx, webhook: Uuid, which: &Replayed) -> QueryResult<(usize, Option<Uuid>)> {
    let mut conditions = Conditions::default();
    conditions.and_if("webhook_id = ?", Some(Value::Id(webhook)));
    conditions.and("state <> 'pending'");
    // What was asked for already, and not tried yet, is on its way.
    conditions.and("NOT (state = 'parked' AND is_asked_for AND tries = 0)");
    match which {
        Replayed::One(id) => conditions.and_if("id = ?", Some(Value::Id(*id))),
        Replayed::Span { from, to, state, after } => {
            conditions.and_if("created_at >= ?", Some(Value::Time(*from)));
            conditions.and_if("created_at < ?", Some(Value::Time(*to)));
            conditions.and_if("state = ?", state.map(|state| Value::Text(state.as_str().to_owned())));
            conditions.and_if("id > ?", after.map(Value::Id));
        }
    }
    let text = format!(
        "SELECT id FROM webhook_deliveries WHERE {} ORDER BY id LIMIT {}",
        conditions.sql(),
        MAX_REPLAYED + 1
    );
    let found: Vec<IdRow> = conditions.statement(text).load(&mut **tx).await?;
    let mut ids: Vec<Uuid> = found.into_iter().map(|one| one.id).collect();
    let has_more = ids.len() > MAX_REPLAYED;
    ids.truncate(MAX_REPLAYED);
    let last = ids.last().copied().filter(|_| has_more);
    let replayed = sql_query(
        "UPDATE webhook_deliveries
         SET state = 'parked', is_asked_for = true, tries = 0, first_tried_at = NULL, due_at = now(), ended_at = NULL
         WHERE id = ANY ($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(&mut **tx)
    .await?;
    Ok((replayed, last))
}

/// Deletes deliveries that are older than the log, a bounded number; returns whether there may be more.
pub async fn delete_old(conn: &Connection) -> QueryResult<bool> {
    let mut conditions = Conditions::default();
    conditions.and(format!("created_at < now() - interval '{LOG_DAYS} days'"));
    delete_batch(conn, "webhook_deliveries", conditions, "created_at").await
}

/// Deletes deliveries of webhooks that are gone, a bounded number; returns whether there may be more.
pub async fn delete_orphans(conn: &Connection) -> QueryResult<bool> {
    let orphaned = list_orphaned(conn).await?;
    let [webhook, others @ ..] = &*orphaned else { return Ok(false) };
    let mut conditions = Conditions::default();
    conditions.and_if("webhook_id = ?", Some(Value::Id(*webhook)));
    Ok(delete_batch(conn, "webhook_deliveries", conditions, "id").await? || !others.is_empty())
}

/// The webhooks that are gone and have deliveries. Of each webhook, one entry of the index of the log is read, and not the log.
async fn list_orphaned(mut conn: &Connection) -> QueryResult<Vec<Uuid>> {
    let found: Vec<IdRow> = sql_query(
        "WITH RECURSIVE logged AS (
             (SELECT webhook_id FROM webhook_deliveries ORDER BY webhook_id LIMIT 1)
             UNION ALL
             SELECT (SELECT webhook_id FROM webhook_deliveries AS next
                     WHERE next.webhook_id > logged.webhook_id ORDER BY webhook_id LIMIT 1)
             FROM logged WHERE logged.webhook_id IS NOT NULL)
         SELECT webhook_id AS id FROM logged
         WHERE webhook_id IS NOT NULL AND NOT EXISTS (SELECT FROM webhooks WHERE webhooks.id = logged.webhook_id)",
    )
    .load(&mut conn)
    .await?;
    Ok(found.into_iter().map(|one| one.id).collect())
}
