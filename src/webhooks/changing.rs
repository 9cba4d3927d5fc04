//! Changing webhooks.

use uuid::Uuid;

use super::input::apply_patch;
use super::model::{
    Content, DisabledReason, FORMER_SECRET_HOURS, MAX_FORMER_SECRETS, MAX_WEBHOOKS, Row, WebhookStatus,
};
use super::queries::{self, last_states, position};
use super::view::WebhookPatch;
use crate::app::App;
use crate::change_feed::cursor::Cursor;
use crate::change_feed::queries::load_position;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Result, Sentence};
use crate::http::conditional::IfMatch;
use crate::members::outbox::model::MailKind;
use crate::members::outbox::queries::{NewMail, enqueue_mail};
use crate::members::queries as members;
use crate::tx::Tx;

/// Adds a webhook and records it. Fails with 409 if the site has as many as it can have.
pub async fn create_webhook(tx: &mut Tx, app: &App, actor: Actor, content: &Content) -> Result<Row> {
    position::lock_cursor(tx).await?;
    if queries::count(tx).await? >= MAX_WEBHOOKS {
        let detail = Sentence::from("The site has {max} webhooks, which is as many as it can have.");
        return Err(Error::Refused(Code::TooManyWebhooks, detail.with("max", MAX_WEBHOOKS)));
    }
    let row = queries::insert(tx, Uuid::now_v7(), content).await?;
    begin_to_tell(tx, app, &row).await?;
    tx.record(actor, Change::new("create", "webhook", row.id));
    Ok(row)
}

/// Changes a webhook and records it.
pub async fn update_webhook(
    tx: &mut Tx,
    app: &App,
    actor: Actor,
    (id, if_match): (Uuid, &IfMatch),
    patch: WebhookPatch,
) -> Result<Row> {
    position::lock_cursor(tx).await?;
    let row = queries::lock(tx, id).await?.ok_or_else(Error::not_found)?;
    if_match.check(row.version)?;
    let content = apply_patch(app, row.content.clone(), patch)?;
    if content == row.content {
        return Ok(row);
    }
    let changed = queries::update(tx, id, &content).await?;
    if row.content.status == WebhookStatus::Disabled {
        begin_to_tell(tx, app, &changed).await?;
    }
    tx.record(actor, Change::between("webhook", id, &row.content, &changed.content));
    Ok(changed)
}

/// Moves the position to this moment, if a webhook that is enabled is the only one: nobody has read the feed before.
async fn begin_to_tell(tx: &mut Tx, app: &App, row: &Row) -> Result<()> {
    let is_enabled = row.content.status == WebhookStatus::Enabled;
    if is_enabled && queries::count_other_enabled(tx, row.id).await? == 0 {
        let here = Cursor::at(load_position(tx).await?, false);
        position::set_cursor(tx, &here.seal(&app.keys)).await?;
        last_states::delete_all(tx).await?;
    }
    Ok(())
}

/// Gives a webhook its next secret and records it. Fails with 409 if as many former secrets sign as can.
pub async fn rotate_secret(tx: &mut Tx, actor: Actor, id: Uuid) -> Result<Row> {
    queries::lock(tx, id).await?.ok_or_else(Error::not_found)?;
    let Some(row) = queries::rotate_secret(tx, id).await? else {
        let detail = Sentence::from(
            "{max} former secrets of the webhook still sign, which is as many as can. Each ends {hours} hours after it was replaced.",
        );
        let detail = detail.with("max", MAX_FORMER_SECRETS).with("hours", FORMER_SECRET_HOURS);
        return Err(Error::Refused(Code::TooManySecrets, detail));
    };
    tx.record(actor, Change::new("rotate", "webhook", id));
    Ok(row)
}

/// Removes a webhook, and records it. Its log follows piece by piece.
pub async fn delete_webhook(tx: &mut Tx, actor: Actor, id: Uuid, if_match: &IfMatch) -> Result<()> {
    position::lock_cursor(tx).await?;
    let row = queries::lock(tx, id).await?.ok_or_else(Error::not_found)?;
    if_match.check(row.version)?;
    queries::delete(tx, id).await?;
    tx.record(actor, Change::new("delete", "webhook", id));
    Ok(())
}

/// Disables a webhook for what its receiver does, and tells the admins by mail.
pub async fn disable_webhook(tx: &mut Tx, id: Uuid, reason: DisabledReason) -> Result<()> {
    if !queries::disable(tx, id, reason).await? {
        return Ok(());
    }
    tx.record(Actor::SYSTEM, Change::new("disable", "webhook", id));
    for admin in queries::list_admins(tx).await? {
        let member = members::load_member(tx, admin).await?;
        enqueue_mail(tx, NewMail::to_member(MailKind::WebhookDisabled, &member)).await?;
    }
    Ok(())
}
