//! SQL of lanes: who delivers for a webhook, and what its next delivery is.

use diesel::sql_types::{Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryResult, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::rows::IdRow;
use crate::tx::Tx;
use crate::webhooks::model::{Due, Receiver};
use crate::webhooks::queries::FORMER_SECRETS;
use crate::webhooks::sending::Outcome;

/// Seconds for which a lane belongs to its holder, from each try on: longer than a try can last.
const LEASE_SECONDS: i32 = 20;

/// The condition that a webhook has a delivery that is due. One that waits for its next try holds up those behind it.
///
/// Each part reads the first entry of an index in its order. A part that only asked whether there is one would let the planner
/// read the log of webhooks that have none.
const HAS_DUE: &str = "(status = 'enabled' AND coalesce(
         (SELECT due_at FROM webhook_deliveries AS one
          WHERE one.webhook_id = webhooks.id AND state = 'pending' AND tries > 0 ORDER BY seq LIMIT 1),
         (SELECT due_at FROM webhook_deliveries AS one
          WHERE one.webhook_id = webhooks.id AND state = 'pending' AND due_at <= now() ORDER BY seq LIMIT 1)) <= now()
     OR status = 'enabled' AND (SELECT due_at FROM webhook_deliveries AS one
          WHERE one.webhook_id = webhooks.id AND state = 'parked' ORDER BY due_at, seq LIMIT 1) <= now()
     OR (SELECT due_at FROM webhook_deliveries AS one
          WHERE one.webhook_id = webhooks.id AND state = 'parked' AND is_asked_for ORDER BY due_at, seq LIMIT 1) <= now())";

/// Takes the lanes that have something due and belong to nobody.
pub async fn take_lanes(tx: &mut Tx, holder: Uuid) -> QueryResult<Vec<Uuid>> {
    let taken: Vec<IdRow> = sql_query(format!(
        "UPDATE webhooks SET lease_holder = $1, leased_until = clock_timestamp() + make_interval(secs => $2)
         WHERE id IN (SELECT id FROM webhooks WHERE (leased_until IS NULL OR leased_until < now()) AND {HAS_DUE}
                      FOR NO KEY UPDATE SKIP LOCKED)
         RETURNING id"
    ))
    .bind::<SqlUuid, _>(holder)
    .bind::<Integer, _>(LEASE_SECONDS)
    .load(&mut **tx)
    .await?;
    Ok(taken.into_iter().map(|one| one.id).collect())
}

/// Keeps a lane for another try. `None` if it belongs to somebody else now, or its webhook is gone.
pub async fn keep_lane(tx: &mut Tx, webhook: Uuid, holder: Uuid) -> QueryResult<Option<Receiver>> {
    sql_query(format!(
        "UPDATE webhooks SET leased_until = clock_timestamp() + make_interval(secs => $3)
         WHERE id = $1 AND lease_holder = $2
         RETURNING url, status = 'enabled' AS is_enabled, secret_number,
                   ARRAY(SELECT secret_number - place::integer FROM {FORMER_SECRETS}
                         WHERE until > now() ORDER BY place) AS former_numbers"
    ))
    .bind::<SqlUuid, _>(webhook)
    .bind::<SqlUuid, _>(holder)
    .bind::<Integer, _>(LEASE_SECONDS)
    .get_result(&mut **tx)
    .await
    .optional()
}

/// Gives a lane back.
pub async fn leave_lane(tx: &mut Tx, webhook: Uuid, holder: Uuid) -> QueryResult<()> {
    sql_query(
        "UPDATE webhooks SET leased_until = NULL, lease_holder = NULL WHERE id = $1 AND lease_holder = $2",
    )
    .bind::<SqlUuid, _>(webhook)
    .bind::<SqlUuid, _>(holder)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins a try of the delivery whose turn it is, or else of one that is out of turn. `None` if nothing is due.
///
/// With `parked_first` it is the other way round, so that neither keeps the other waiting.
pub async fn begin_try(
    tx: &mut Tx,
    webhook: Uuid,
    is_enabled: bool,
    parked_first: bool,
) -> QueryResult<Option<Due>> {
    let in_turn = "(SELECT id FROM (
             (SELECT id, due_at FROM webhook_deliveries
              WHERE webhook_id = $1 AND state = 'pending' AND tries > 0 ORDER BY seq LIMIT 1)
             UNION ALL
             (SELECT id, due_at FROM webhook_deliveries
              WHERE webhook_id = $1 AND state = 'pending' AND due_at <= now()
                    AND NOT EXISTS (SELECT FROM webhook_deliveries AS held
                                    WHERE held.webhook_id = $1 AND held.state = 'pending' AND held.tries > 0)
              ORDER BY seq LIMIT 1)) AS turn
         WHERE due_at <= now() AND $2 LIMIT 1)";
    let parked = "(SELECT id FROM webhook_deliveries
         WHERE webhook_id = $1 AND state = 'parked' AND due_at <= now() AND ($2 OR is_asked_for)
         ORDER BY due_at, seq LIMIT 1)";
    let (first, second) = if parked_first { (parked, in_turn) } else { (in_turn, parked) };
    sql_query(format!(
        "UPDATE webhook_deliveries SET tries = tries + 1, first_tried_at = coalesce(first_tried_at, now())
         WHERE id = coalesce({first}, {second})
         RETURNING id, body::text AS body, tries, state = 'pending' AS is_in_turn, event = 'webhook.test' AS is_test,
                   event = 'articles.changed' AS is_coalesced,
                   extract(epoch FROM now() - first_tried_at)::double precision AS age"
    ))
    .bind::<SqlUuid, _>(webhook)
    .bind::<diesel::sql_types::Bool, _>(is_enabled)
    .get_result(&mut **tx)
    .await
    .optional()
}

/// Logs a try.
pub async fn insert_attempt(tx: &mut Tx, delivery: Uuid, outcome: &Outcome) -> QueryResult<()> {
    sql_query(
        "INSERT INTO webhook_attempts (delivery_id, at, duration_ms, status, error, response_headers)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<SqlUuid, _>(delivery)
    .bind::<Timestamptz, _>(outcome.began_at)
    .bind::<Integer, _>(outcome.duration_ms)
    .bind::<Nullable<Integer>, _>(outcome.status.map(i32::from))
    .bind::<Nullable<Text>, _>(&outcome.error)
    .bind::<Jsonb, _>(&outcome.response_headers)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether a lane belongs to `holder`. Locks its webhook until the transaction ends.
pub async fn lock_lane(tx: &mut Tx, webhook: Uuid, holder: Uuid) -> QueryResult<bool> {
    let found = sql_query("SELECT FROM webhooks WHERE id = $1 AND lease_holder = $2 FOR NO KEY UPDATE")
        .bind::<SqlUuid, _>(webhook)
        .bind::<SqlUuid, _>(holder)
        .execute(&mut **tx)
        .await?;
    Ok(found == 1)
}

/// The condition that a delivery is as it was when the try that `due` stands for began: nobody has asked for it again.
const IS_AS_TRIED: &str = "id = $1 AND tries = $2 AND state IN ('pending', 'parked')";

/// Ends a delivery: it was taken, or has failed for good.
pub async fn end_delivery(tx: &mut Tx, due: &Due, is_delivered: bool) -> QueryResult<()> {
    let state = if is_delivered { "delivered" } else { "failed" };
    sql_query(format!(
        "UPDATE webhook_deliveries SET state = '{state}', ended_at = now() WHERE {IS_AS_TRIED}"
    ))
    .bind::<SqlUuid, _>(due.id)
    .bind::<Integer, _>(due.tries)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Puts a delivery off: in its turn, or parked.
pub async fn postpone_delivery(tx: &mut Tx, due: &Due, seconds: f64, is_parked: bool) -> QueryResult<()> {
    let state = if is_parked { "parked" } else { "pending" };
    sql_query(format!(
        "UPDATE webhook_deliveries SET state = '{state}', due_at = now() + make_interval(secs => $3) WHERE {IS_AS_TRIED}"
    ))
    .bind::<SqlUuid, _>(due.id)
    .bind::<Integer, _>(due.tries)
    .bind::<Double, _>(seconds)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes the delivery that holds up the others due at once: the receiver is there again.
pub async fn hasten_held(tx: &mut Tx, webhook: Uuid) -> QueryResult<()> {
    sql_query(
        "UPDATE webhook_deliveries SET due_at = now()
         WHERE webhook_id = $1 AND state = 'pending' AND tries > 0 AND due_at > now()",
    )
    .bind::<SqlUuid, _>(webhook)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins the window of `articles.changed` anew, as one was delivered: the one that waits is not sent before its end. That matters if
/// the delivered one was late.
pub async fn begin_window(tx: &mut Tx, webhook: Uuid) -> QueryResult<()> {
    sql_query(
        "WITH lane AS (UPDATE webhooks SET coalesced_at = greatest(now(), coalesced_at) WHERE id = $1 RETURNING coalesce_seconds)
         UPDATE webhook_deliveries SET due_at = greatest(due_at, now() + make_interval(secs => coalesce_seconds)) FROM lane
         WHERE webhook_id = $1 AND event = 'articles.changed' AND state = 'pending' AND tries = 0",
    )
    .bind::<SqlUuid, _>(webhook)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether nothing was delivered since the first try of a delivery.
pub async fn is_failing_since(tx: &mut Tx, webhook: Uuid, delivery: Uuid) -> QueryResult<bool> {
    let found = sql_query(
        "SELECT FROM webhooks JOIN webhook_deliveries AS one ON one.webhook_id = webhooks.id
         WHERE webhooks.id = $1 AND one.id = $2 AND failing_since <= first_tried_at + interval '1 minute'",
    )
    .bind::<SqlUuid, _>(webhook)
    .bind::<SqlUuid, _>(delivery)
    .execute(&mut **tx)
    .await?;
    Ok(found == 1)
}
