//! Reading the audit trail.

use actix_web::{Responder, get, web};

use super::view::{Change, ChangeFilter};
use crate::app::App;
use crate::changes::queries;
use crate::db::rows::{Conditions, Value, count};
use crate::error::Result;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::members::guard::Admin;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_changes`].
pub const LIST_CHANGES: Operation =
    Operation::list("list_changes", Caller::Role(Role::Admin)).without_last_modified();

/// List changes
///
/// The audit trail, newest first.
#[utoipa::path(tag = "audit", params(ChangeFilter, PagingParams), responses((status = 200, description = "A page of changes", body = List<Change>)))]
#[get("/audit")]
pub async fn list_changes(
    app: web::Data<App>,
    _: Admin,
    filter: Query<ChangeFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let conditions = conditions(filter.0);
    let slice = paging.page_slice(queries::newest_first())?;
    let conn = app.long_reader().await?;
    let total = paging.total(|most| count(&conn, "changes", conditions.clone(), most)).await?;
    let rows = queries::list(&conn, conditions, &slice).await?;
    let page = paging.page(&slice, rows, total, |entry| vec![entry.at.to_rfc3339(), entry.seq.to_string()]);
    Ok(Reply::list(page.map(Change::from)))
}

fn conditions(filter: ChangeFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.and_if("actor_id = ?", filter.actor.map(Value::Id));
    conditions.and_if("entity = ?", filter.entity.map(Value::Text));
    conditions.and_if("entity_id = ?", filter.entity_id.map(Value::Id));
    conditions.and_if("action = ?", filter.action.map(Value::Text));
    conditions.and_if("at >= ?", filter.from.map(Value::Time));
    conditions.and_if("at < ?", filter.to.map(Value::Time));
    conditions
}
