//! Lanes: each webhook's deliveries are sent one after another, by one process at a time.

use std::time::Duration;

use actix_web::web::Data;
use uuid::Uuid;

use super::changing::disable_webhook;
use super::model::{DisabledReason, Due, Receiver};
use super::queries::{self, lanes};
use super::schedule::{Next, plan_retry};
use super::sending::{Message, Outcome, send};
use super::signing::SigningSecret;
use crate::app::App;
use crate::error::Result;
use crate::tx::Tx;

/// Takes the lanes that have something due, for `holder`.
pub async fn take_lanes(app: &App, holder: Uuid) -> Result<Vec<Uuid>> {
    app.write(async move |tx| Ok(lanes::take_lanes(tx, holder).await?)).await
}

/// Sends what is due for a webhook, until nothing is, or the lane belongs to somebody else.
pub async fn run_lane(app: &Data<App>, webhook: Uuid, holder: Uuid) -> Result<()> {
    let mut parked_first = false;
    while !app.is_leaving() {
        let begun = write(app, async move |tx| begin_try(tx, webhook, holder, parked_first).await).await?;
        let Some((receiver, due)) = begun else { return Ok(()) };
        parked_first = due.is_in_turn;
        let outcome = send(app, &write_message(app, webhook, &receiver, &due)).await;
        app.metrics.count_webhook_attempt(outcome.is_success());
        write(app, async move |tx| end_try(tx, (webhook, holder), &due, &outcome).await).await?;
    }
    write(app, async move |tx| Ok(lanes::leave_lane(tx, webhook, holder).await?)).await
}

/// Runs a transaction of a lane: only some at a time, as all lanes have one thread.
async fn write<T: 'static>(app: &App, work: impl AsyncFn(&mut Tx) -> Result<T> + 'static) -> Result<T> {
    let _permit = app.lane_permit().await?;
    app.write(work).await
}

/// Begins a try, or gives the lane back if nothing is due.
async fn begin_try(
    tx: &mut Tx,
    webhook: Uuid,
    holder: Uuid,
    parked_first: bool,
) -> Result<Option<(Receiver, Due)>> {
    let Some(receiver) = lanes::keep_lane(tx, webhook, holder).await? else { return Ok(None) };
    let due = lanes::begin_try(tx, webhook, receiver.is_enabled, parked_first).await?;
    if due.is_none() {
        lanes::leave_lane(tx, webhook, holder).await?;
    }
    Ok(due.map(|due| (receiver, due)))
}

fn write_message<'m>(app: &App, webhook: Uuid, receiver: &'m Receiver, due: &'m Due) -> Message<'m> {
    let numbers = std::iter::once(receiver.secret_number).chain(receiver.former_numbers.iter().copied());
    let secrets = numbers.map(|number| SigningSecret::derive(&app.keys, webhook, number)).collect();
    Message { url: &receiver.url, id: due.id, body: &due.body, secrets }
}

/// Logs a try, and decides what becomes of its delivery and of the webhook.
async fn end_try(tx: &mut Tx, (webhook, holder): (Uuid, Uuid), due: &Due, outcome: &Outcome) -> Result<()> {
    // First of all, so that two transactions never wait for each other. Who has lost the lane decides nothing any more.
    if !lanes::lock_lane(tx, webhook, holder).await? {
        return Ok(());
    }
    lanes::insert_attempt(tx, due.id, outcome).await?;
    if outcome.is_success() {
        queries::note_health(tx, webhook, true).await?;
        lanes::end_delivery(tx, due, true).await?;
        lanes::hasten_held(tx, webhook).await?;
        if due.is_coalesced {
            lanes::begin_window(tx, webhook).await?;
        }
        return Ok(());
    }
    if !due.is_test {
        queries::note_health(tx, webhook, false).await?;
    }
    if outcome.is_gone() {
        disable_webhook(tx, webhook, DisabledReason::Gone).await?;
    }
    match plan_next(due, outcome) {
        Next::InTurn(pause) => {
            lanes::postpone_delivery(tx, due, pause.as_secs_f64(), !due.is_in_turn).await?;
        }
        Next::Parked(pause) => lanes::postpone_delivery(tx, due, pause.as_secs_f64(), true).await?,
        Next::Failed => {
            lanes::end_delivery(tx, due, false).await?;
            if !due.is_test && lanes::is_failing_since(tx, webhook, due.id).await? {
                disable_webhook(tx, webhook, DisabledReason::Failing).await?;
            }
        }
    }
    Ok(())
}

/// What becomes of a delivery after a try that failed. A test is tried once, and a receiver that is gone is not asked again.
fn plan_next(due: &Due, outcome: &Outcome) -> Next {
    if due.is_test || outcome.is_gone() {
        return Next::Failed;
    }
    let age = Duration::try_from_secs_f64(due.age).unwrap_or_default();
    let jitter = f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
    plan_retry(due.tries, age, outcome.retry_after, jitter)
}
