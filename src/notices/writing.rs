//! What a change of a notice does, for handlers, imports and the demo.
//!
//! Bodies are rendered by `prepare_…` before the transaction begins.

use chrono::{DateTime, Utc};

use super::input::{FALLBACK_SLUG, MAX_BODY_CHARS, NewNotice, NoticePatch, ends_too_early};
use super::model::{Content, Row};
use super::queries;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::db::types::{BodyFormat, Status};
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::render_body::{render, render_off_thread, warn_of_body};
use crate::markup::changes::MarkupChanges;
use crate::markup::{Body, SANITIZER, Sanitiser, summarise};
use crate::slug;
use crate::tx::Tx;
use uuid::Uuid;

/// A new notice and its rendered body.
#[derive(Clone)]
pub struct PreparedNotice {
    new: NewNotice,
    body: Result<Body, Fault>,
}

/// A change to a notice, and its rendered new body if there is one.
#[derive(Clone)]
pub struct PreparedPatch {
    patch: NoticePatch,
    body: Option<Result<Body, Fault>>,
}

impl PreparedNotice {
    /// What the sanitiser changed of the body.
    pub fn markup_changes(&self) -> MarkupChanges {
        self.body.as_ref().map(|body| body.changes.clone()).unwrap_or_default()
    }

    /// What was changed of what was sent.
    pub fn warnings(&self) -> Vec<Fault> {
        warn_of_body(&self.body)
    }

    /// Fails with all faults that can be found outside a transaction.
    pub fn check(self, now: DateTime<Utc>) -> Result<()> {
        self.new.into_content(self.body, now).map(drop)
    }
}

impl PreparedPatch {
    /// What was changed of what was sent.
    pub fn warnings(&self) -> Vec<Fault> {
        self.body.as_ref().map(warn_of_body).unwrap_or_default()
    }

    /// Fails with all faults of the change to a notice that says `current`.
    pub fn check(self, current: Content, now: DateTime<Utc>) -> Result<()> {
        self.patch.apply(current, self.body, now).map(drop)
    }
}

/// Renders the body of a new notice.
pub async fn prepare_notice(app: &App, mut new: NewNotice) -> Result<PreparedNotice> {
    let (source, format) = take_body(&mut new);
    Ok(PreparedNotice { body: render_off_thread(app, source, format, MAX_BODY_CHARS).await?, new })
}

/// Renders the body of a new notice on this thread.
pub fn prepare_notice_here(sanitiser: &Sanitiser, mut new: NewNotice) -> PreparedNotice {
    let (source, format) = take_body(&mut new);
    PreparedNotice { body: render(sanitiser, source, format, MAX_BODY_CHARS), new }
}

fn take_body(new: &mut NewNotice) -> (String, BodyFormat) {
    (std::mem::take(&mut new.body), new.body_format.unwrap_or(BodyFormat::Html))
}

/// Renders the new body of a changed notice, in `format` unless the change names another.
pub async fn prepare_patch(app: &App, mut patch: NoticePatch, format: BodyFormat) -> Result<PreparedPatch> {
    let format = patch.body_format.unwrap_or(format);
    let body = match patch.body.take() {
        Some(source) => Some(render_off_thread(app, source, format, MAX_BODY_CHARS).await?),
        None => None,
    };
    Ok(PreparedPatch { patch, body })
}

/// Adds a notice and records it.
///
/// A slug made from the title that a notice has, or has had, gets a short random ending; a given one is 409.
pub async fn add_notice(tx: &mut Tx, actor: Actor, notice: PreparedNotice) -> Result<Row> {
    let slug_is_made = notice.new.slug.is_none();
    let mut content = notice.new.into_content(notice.body, tx.now().await?)?;
    if slug_is_made {
        content.slug = find_free_slug(tx, content.slug).await?;
    }
    let inserted = map_constraint_errors(queries::insert(tx, &content).await);
    let row = inserted.map_err(|error| match error.code() {
        // Another notice has got it since it was looked up.
        Code::SlugTaken if slug_is_made => Error::Contended("notices: a made slug".to_owned()),
        _ => error,
    })?;
    tx.record(actor, Change::new("create", "notice", row.id));
    Ok(row)
}

/// The slug `made`, with a short random ending if a notice has it, or has had it.
async fn find_free_slug(tx: &Tx, made: String) -> Result<String> {
    let is_taken = queries::slugs::is_slug_taken(tx, &made).await?;
    Ok(if is_taken { slug::with_suffix(&made) } else { made })
}

/// Says to the client which field a broken constraint of notices is about.
fn map_constraint_errors<T>(result: diesel::QueryResult<T>) -> Result<T> {
    result
        .on_constraint("notices_window", ends_too_early)
        .on_constraint("notices_slug_key", || {
            Fault::body("/slug", Code::SlugTaken, "already used by another notice")
        })
        .on_constraint("notices_external_id_key", || {
            Fault::body("/external_id", Code::ExternalIdTaken, "already used by another notice")
        })
}

/// Changes the notice `row`, which is locked.
pub async fn patch_notice(tx: &mut Tx, actor: Actor, row: Row, patch: PreparedPatch) -> Result<Row> {
    let after = patch.patch.apply(row.content.clone(), patch.body, tx.now().await?)?;
    Ok(replace_content(tx, actor, &row, &after).await?.unwrap_or(row))
}

/// Replaces the notice `row` by `notice`; `None` where nothing changes. Published again without a
/// time, it keeps the one it had; without a slug or an external id, those it has.
pub async fn replace_notice(
    tx: &mut Tx,
    actor: Actor,
    row: &Row,
    mut notice: PreparedNotice,
) -> Result<Option<Row>> {
    let is_published = notice.new.status == Some(Status::Published);
    let known = row.content.published_at.filter(|_| is_published);
    notice.new.published_at = notice.new.published_at.or(known);
    let is_named = slug::refusal(&row.content.slug).is_none();
    notice.new.slug = notice.new.slug.or_else(|| is_named.then(|| row.content.slug.clone()));
    notice.new.external_id = notice.new.external_id.or_else(|| row.content.external_id.clone());
    let after = notice.new.into_content(notice.body, tx.now().await?)?;
    replace_content(tx, actor, row, &after).await
}

async fn replace_content(tx: &mut Tx, actor: Actor, row: &Row, after: &Content) -> Result<Option<Row>> {
    if *after == row.content {
        return Ok(None);
    }
    let updated = map_constraint_errors(queries::update(tx, row.id, after).await)?;
    tx.record(actor, Change::between("notice", row.id, &row.content, after));
    Ok(Some(updated))
}

/// Gives the notice `row`, which is locked, its body as it is rendered now. Returns whether clients see a difference.
pub async fn refresh_body(tx: &mut Tx, actor: Actor, row: &Row, body: Body) -> Result<bool> {
    let mut after = Content { body: body.html, ..row.content.clone() };
    if after.summary_made {
        after.summary = body.summary;
    }
    if after == row.content {
        if row.content.sanitizer != SANITIZER {
            queries::set_sanitizer(tx, row.id, SANITIZER).await?;
        }
        return Ok(false);
    }
    after.sanitizer = SANITIZER;
    Ok(replace_content(tx, actor, row, &after).await?.is_some())
}

/// Puts a notice into the trash, or takes it out, and records it.
pub async fn set_deleted(tx: &mut Tx, actor: Actor, row: &Row, deleted: bool) -> Result<Row> {
    let row = queries::set_deleted(tx, row.id, deleted).await?;
    tx.record(actor, Change::new(if deleted { "delete" } else { "restore" }, "notice", row.id));
    Ok(row)
}

/// Gives the notice with this slug, which no path can name any more, another one: the slug with a short ending.
/// Returns whether there is one.
pub async fn change_slug(tx: &mut Tx, actor: Actor, slug: &str) -> Result<bool> {
    let Some(row) = queries::slugs::lock_by_slug(tx, slug).await? else { return Ok(false) };
    let after = Content { slug: slug::with_suffix(slug), ..row.content.clone() };
    replace_content(tx, actor, &row, &after).await?;
    Ok(true)
}

/// Gives a notice that an earlier version has written its slug and its summary. Does nothing if it has a slug.
pub async fn name_notice(tx: &mut Tx, actor: Actor, id: Uuid) -> Result<()> {
    let Some(row) = queries::lock_any(tx, id).await? else { return Ok(()) };
    let Content { slug: unnamed, title, summary, summary_made, body, .. } = row.content;
    if Uuid::try_parse(&unnamed).is_err() {
        return Ok(());
    }
    let slug = find_free_slug(tx, slug::from_title(&title, FALLBACK_SLUG)).await?;
    let summary = if summary_made { summarise(&body) } else { summary };
    queries::slugs::set_name(tx, id, &slug, &summary).await?;
    queries::slugs::release(tx, &unnamed).await?;
    tx.record(
        actor,
        Change::new("update", "notice", id).of_fields(vec!["slug".to_owned(), "summary".to_owned()]),
    );
    Ok(())
}
