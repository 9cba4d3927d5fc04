//! Reading the log of a webhook, and asking for deliveries.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{Responder, get, post, web};
use uuid::Uuid;

use super::events::Event;
use super::queries::log::{self, Replayed};
use super::queries::{self, position};
use super::view::{Attempt, Delivery, DeliveryFilter, Replay, ReplayRequest};
use crate::app::App;
use crate::changes::model::Change;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, Value, count};
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::Unchecked;
use crate::http::id_or_slug::Id;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, Reply};
use crate::members::guard::Admin;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_deliveries`].
pub const LIST_DELIVERIES: Operation =
    Operation::list("list_deliveries", Caller::Role(Role::Admin)).without_last_modified();

/// List deliveries of a webhook
///
/// Events on their way to the receiver, and those of the last 30 days, the newest first, each with its tries.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id"), DeliveryFilter, PagingParams), responses((status = 200, description = "A page of deliveries", body = List<Delivery>)))]
#[get("/webhooks/{id}/deliveries")]
pub async fn list_deliveries(
    app: web::Data<App>,
    _: Admin,
    id: Id,
    filter: Query<DeliveryFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let conn = app.long_reader().await?;
    queries::get(&conn, id.0).await?.ok_or_else(Error::not_found)?;
    let conditions = of_webhook(id.0, filter.0);
    let slice = paging.page_slice(log::newest_first())?;
    let total = paging.total(|most| count(&conn, "webhook_deliveries", conditions.clone(), most)).await?;
    let rows = log::list(&conn, conditions, &slice).await?;
    let page = paging.page(&slice, rows, total, |row| vec![row.id.to_string()]);
    let mut attempts = load_attempts(&conn, page.data.iter().map(|row| row.id).collect()).await?;
    Ok(Reply::list(page.map(|row| {
        let own = attempts.remove(&row.id).unwrap_or_default();
        Delivery::new(row, own)
    })))
}

fn of_webhook(id: Uuid, filter: DeliveryFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.and_if("webhook_id = ?", Some(Value::Id(id)));
    conditions.and_if("state = ?", filter.state.map(|state| Value::Text(state.as_str().to_owned())));
    conditions.and_if("event = ?", filter.event.map(|event| Value::Text(event.as_str().to_owned())));
    conditions
}

async fn load_attempts(conn: &Connection, deliveries: Vec<Uuid>) -> Result<HashMap<Uuid, Vec<Attempt>>> {
    let mut attempts = HashMap::<Uuid, Vec<Attempt>>::new();
    for row in log::list_attempts(conn, deliveries).await? {
        attempts.entry(row.delivery_id).or_default().push(row.into());
    }
    Ok(attempts)
}

/// The entry of [`test_webhook`].
pub const TEST_WEBHOOK: Operation =
    Operation::post_without_body("test_webhook", Caller::Role(Role::Admin)).without_conflicts();

/// Send a test event
///
/// The event `webhook.test`, at once and out of turn, also to a webhook that is disabled. The list of deliveries tells what
/// became of it.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id")), responses((status = 202, description = "The delivery, which is on its way", body = Data<Delivery>)))]
#[post("/webhooks/{id}/test")]
pub async fn test_webhook(app: web::Data<App>, admin: Admin, id: Id) -> Result<impl Responder> {
    let (id, actor) = (id.0, admin.0.actor());
    let row = app
        .write(async move |tx| {
            queries::lock(tx, id).await?.ok_or_else(Error::not_found)?;
            tx.record(actor, Change::new("test", "webhook", id));
            let event = Event::test(tx.now().await?);
            Ok(position::insert_asked_for(tx, id, &event).await?)
        })
        .await?;
    Ok(Reply::new(StatusCode::ACCEPTED, Data { data: Delivery::new(row, Vec::new()) }))
}

/// The entry of [`replay_deliveries`].
pub const REPLAY_DELIVERIES: Operation =
    Operation::post("replay_deliveries", Caller::Role(Role::Admin)).without_conflicts();

/// Send deliveries once more
///
/// One, or those of a span of time, with their ids and bodies as they were: out of turn, up to 10,000 at a time: with
/// `has_more`, send the same with `next_cursor` as `cursor`. Those that still wait in their turn are left there.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id")), request_body = ReplayRequest, responses((status = 202, description = "What is sent once more", body = Data<Replay>)))]
#[post("/webhooks/{id}/replay")]
pub async fn replay_deliveries(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    body: Unchecked<ReplayRequest>,
) -> Result<impl Responder> {
    let request = body.check(async |request| choose_deliveries(&request).map(drop)).await?;
    let (which, id, actor) = (choose_deliveries(&request)?, id.0, admin.0.actor());
    let (replayed, next_cursor) = app
        .write(async move |tx| {
            queries::lock(tx, id).await?.ok_or_else(Error::not_found)?;
            tx.record(actor, Change::new("replay", "webhook", id));
            let done = log::replay(tx, id, &which).await?;
            if done.0 == 0 && matches!(which, Replayed::One(_)) { Err(Error::not_found()) } else { Ok(done) }
        })
        .await?;
    let replay = Replay { replayed, has_more: next_cursor.is_some(), next_cursor };
    Ok(Reply::new(StatusCode::ACCEPTED, Data { data: replay }))
}

/// Fails with 422 unless one delivery or a span is named.
fn choose_deliveries(request: &ReplayRequest) -> Result<Replayed> {
    let missing = |pointer: &str| {
        Fault::body(pointer, Code::MissingField, "is missing; name a delivery, or since and until").into()
    };
    match (request.delivery, request.since, request.until) {
        (Some(id), None, None) if request.state.is_none() && request.cursor.is_none() => {
            Ok(Replayed::One(id))
        }
        (Some(_), ..) => {
            let detail = "is not to be had together with since, until, state or cursor";
            Err(Fault::body("/delivery", Code::InvalidFormat, detail).into())
        }
        (None, Some(from), Some(to)) if from < to => {
            Ok(Replayed::Span { from, to, state: request.state, after: request.cursor })
        }
        (None, Some(_), Some(_)) => {
            Err(Fault::body("/until", Code::OutOfRange, "must be later than since").into())
        }
        (None, None, _) => Err(missing("/since")),
        (None, Some(_), None) => Err(missing("/until")),
    }
}
