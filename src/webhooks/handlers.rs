//! Reading and changing webhooks.

use actix_web::{Responder, delete, get, patch, post, web};

use super::changing;
use super::input::{check_patch, prepare_webhook};
use super::queries;
use super::view::{NewWebhook, Webhook, WebhookPatch, WebhookWithSecret};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::Id;
use crate::http::modified::Modified;
use crate::http::paging::List;
use crate::http::reply::{Data, NoContent, Rendered, Reply};
use crate::members::guard::Admin;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_webhooks`].
pub const LIST_WEBHOOKS: Operation =
    Operation::read("list_webhooks", Caller::Role(Role::Admin)).without_last_modified();

/// List webhooks
///
/// All webhooks, the oldest first.
#[utoipa::path(tag = "webhooks", responses((status = 200, description = "All webhooks", body = List<Webhook>)))]
#[get("/webhooks")]
pub async fn list_webhooks(app: web::Data<App>, _: Admin) -> Result<impl Responder> {
    let rows = queries::list(&*app.reader().await?).await?;
    Ok(Reply::list(List::unpaged(rows.into_iter().map(|row| Webhook::new(&app.keys, row)).collect())))
}

/// The entry of [`create_webhook`].
pub const CREATE_WEBHOOK: Operation =
    Operation::post("create_webhook", Caller::Role(Role::Admin)).telling_a_secret();

/// Create a webhook
///
/// A receiver that is told what happens from now on to what visitors see, by Standard Webhooks 1.0.0: thin events, signed,
/// at least once, in order. The secret is shown only in this answer. What is for members is not told.
#[utoipa::path(tag = "webhooks", request_body = NewWebhook, responses((status = 201, description = "The new webhook, and its secret", body = Data<WebhookWithSecret>)))]
#[post("/webhooks")]
pub async fn create_webhook(
    app: web::Data<App>,
    admin: Admin,
    body: Unchecked<NewWebhook>,
) -> Result<impl Responder> {
    let new = body.check(async |new| prepare_webhook(&app, new).map(drop)).await?;
    let content = prepare_webhook(&app, new)?;
    let (shared, actor) = (app.clone(), admin.0.actor());
    let row = app.write(async move |tx| changing::create_webhook(tx, &shared, actor, &content).await).await?;
    let (location, version) = (format!("/api/v1/webhooks/{}", row.id), row.version);
    Ok(Reply::created(location, WebhookWithSecret::new(&app.keys, row)).with_version(version))
}

/// The entry of [`get_webhook`].
pub const GET_WEBHOOK: Operation = Operation::read("get_webhook", Caller::Role(Role::Admin));

/// Get a webhook
///
/// With all but its secret, which only the answers to its creation and to `rotate` hold.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id")), responses((status = 200, description = "The webhook", body = Data<Webhook>)))]
#[get("/webhooks/{id}")]
pub async fn get_webhook(app: web::Data<App>, _: Admin, id: Id) -> Result<impl Responder> {
    let row = queries::get(&*app.reader().await?, id.0).await?.ok_or_else(Error::not_found)?;
    reply_one(Webhook::new(&app.keys, row))
}

/// The entry of [`update_webhook`].
pub const UPDATE_WEBHOOK: Operation = Operation::patch("update_webhook", Caller::Role(Role::Admin));

/// Change a webhook
///
/// To disable it, or to enable it again: what happened while it was disabled is not told.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id")), request_body = WebhookPatch, responses((status = 200, description = "The webhook as changed", body = Data<Webhook>)))]
#[patch("/webhooks/{id}")]
pub async fn update_webhook(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    if_match: IfMatch,
    body: Unchecked<WebhookPatch>,
) -> Result<Rendered> {
    let patch = body.check(async |patch| check_patch(&app, &patch)).await?;
    check_patch(&app, &patch)?;
    let (shared, actor) = (app.clone(), admin.0.actor());
    let row = app
        .write(async move |tx| {
            changing::update_webhook(tx, &shared, actor, (id.0, &if_match), patch.clone()).await
        })
        .await?;
    reply_one(Webhook::new(&app.keys, row))
}

/// The entry of [`delete_webhook`].
pub const DELETE_WEBHOOK: Operation = Operation::delete("delete_webhook", Caller::Role(Role::Admin));

/// Delete a webhook
///
/// It is gone for good, with its deliveries and their log.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id")), responses((status = 204, description = "Deleted")))]
#[delete("/webhooks/{id}")]
pub async fn delete_webhook(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    if_match: IfMatch,
) -> Result<NoContent> {
    app.write(async move |tx| changing::delete_webhook(tx, admin.0.actor(), id.0, &if_match).await).await?;
    Ok(NoContent)
}

/// The entry of [`rotate_webhook_secret`].
pub const ROTATE_WEBHOOK_SECRET: Operation =
    Operation::post_without_body("rotate_webhook_secret", Caller::Role(Role::Admin)).telling_a_secret();

/// Give a webhook another secret
///
/// The secret is shown only in this answer. For 24 hours each delivery is signed with the old secret and key too, also if the
/// secret is replaced again meanwhile. 409 while four former secrets sign.
#[utoipa::path(tag = "webhooks", params(("id" = uuid::Uuid, Path, description = "The webhook's id")), responses((status = 200, description = "The webhook, and its new secret", body = Data<WebhookWithSecret>)))]
#[post("/webhooks/{id}/rotate")]
pub async fn rotate_webhook_secret(app: web::Data<App>, admin: Admin, id: Id) -> Result<Rendered> {
    let actor = admin.0.actor();
    let row = app.write(async move |tx| changing::rotate_secret(tx, actor, id.0).await).await?;
    let (version, modified) = (row.version, row.updated_at);
    let reply = Reply::one(WebhookWithSecret::new(&app.keys, row)).with_version(version);
    reply.with_last_modified(Modified::of_row(modified)).render()
}

fn reply_one(webhook: Webhook) -> Result<Rendered> {
    let (version, modified) = (webhook.version, webhook.updated_at);
    Reply::one(webhook).with_version(version).with_last_modified(Modified::of_row(modified)).render()
}
