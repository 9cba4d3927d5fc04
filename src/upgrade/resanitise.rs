//! Renders stored bodies again, when the sanitiser has a later version than made them.
//!
//! A body that was not written in HTML is rendered from its source. HTML has no source besides what is stored.

use uuid::Uuid;

use crate::app::App;
use crate::changes::model::Actor;
use crate::db::types::BodyFormat;
use crate::error::{Fault, Result};
use crate::http::render_body::render_off_thread;
use crate::markup::{Body, SANITIZER};
use crate::{articles, notices};

/// Bodies of a transaction. Each can have some megabytes.
const STEP_ROWS: i64 = 10;

/// What became of the bodies that an earlier version had made.
#[derive(Debug, Default)]
pub struct Resanitised {
    /// Bodies that were rendered again.
    pub rendered: u64,
    /// Those of them that changed.
    pub changed: u64,
    /// Bodies that could not be rendered, with what they are of. They are as they were.
    pub refused: Vec<String>,
}

/// Renders again the bodies that an earlier version of the sanitiser has made, a few in each transaction.
///
/// Each change is recorded. Ended halfway, it goes on at the next call. Writers may work besides: a body
/// that changes meanwhile is left to its writer.
pub async fn resanitise(app: &App) -> Result<Resanitised> {
    let mut done = Resanitised::default();
    let mut after = Uuid::nil();
    loop {
        let conn = app.long_reader().await?;
        let rows = articles::queries::load_outdated(&conn, after, SANITIZER, STEP_ROWS).await?;
        drop(conn);
        let Some(last) = rows.last() else { break };
        after = last.id;
        let mut bodies = Vec::new();
        for row in rows {
            let (id, content) = (row.id, row.content);
            let stored = Stored { html: content.body, source: content.body_source };
            let rendered = stored.render(app, content.body_format, articles::input::MAX_BODY_CHARS).await?;
            done.keep(&mut bodies, ("article", id), stored, rendered);
        }
        let changed = app.write(async move |tx| {
            let mut changed = 0;
            for (id, stored, body) in &bodies {
                let Some(row) = articles::queries::lock_any(tx, *id).await? else { continue };
                let (html, source) = (&row.content.body, &row.content.body_source);
                if stored.is_still(html, source, row.content.sanitizer) {
                    let refreshed = articles::writing::refresh_body(tx, Actor::SYSTEM, row, body.clone());
                    changed += u64::from(refreshed.await?);
                }
            }
            Ok(changed)
        });
        done.changed += changed.await?;
    }
    resanitise_notices(app, &mut done).await?;
    Ok(done)
}

async fn resanitise_notices(app: &App, done: &mut Resanitised) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let conn = app.long_reader().await?;
        let rows = notices::queries::load_outdated(&conn, after, SANITIZER, STEP_ROWS).await?;
        drop(conn);
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        let mut bodies = Vec::new();
        for row in rows {
            let (id, content) = (row.id, row.content);
            let stored = Stored { html: content.body, source: content.body_source };
            let rendered = stored.render(app, content.body_format, notices::view::MAX_BODY_CHARS).await?;
            done.keep(&mut bodies, ("notice", id), stored, rendered);
        }
        let changed = app.write(async move |tx| {
            let mut changed = 0;
            for (id, stored, body) in &bodies {
                let Some(row) = notices::queries::lock_any(tx, *id).await? else { continue };
                let (html, source) = (&row.content.body, &row.content.body_source);
                if stored.is_still(html, source, row.content.sanitizer) {
                    let refreshed = notices::writing::refresh_body(tx, Actor::SYSTEM, &row, body.clone());
                    changed += u64::from(refreshed.await?);
                }
            }
            Ok(changed)
        });
        done.changed += changed.await?;
    }
}

/// A body as it was stored.
struct Stored {
    html: String,
    source: Option<String>,
}

impl Stored {
    async fn render(&self, app: &App, format: BodyFormat, max_chars: usize) -> Result<Result<Body, Fault>> {
        let source = self.source.as_ref().unwrap_or(&self.html).clone();
        // HTML whose source is not kept can be longer than HTML that is sent.
        let max_chars = if self.source.is_some() { max_chars } else { 4 * max_chars };
        render_off_thread(app, source, format, max_chars).await
    }

    /// Whether a row still has this body, of a sanitiser before this one.
    fn is_still(&self, html: &str, source: &Option<String>, sanitizer: i16) -> bool {
        sanitizer < SANITIZER && self.html == html && self.source == *source
    }
}

impl Resanitised {
    /// Keeps a rendered body to be written, or what has none.
    fn keep(
        &mut self,
        bodies: &mut Vec<(Uuid, Stored, Body)>,
        (entity, id): (&str, Uuid),
        stored: Stored,
        rendered: Result<Body, Fault>,
    ) {
        match rendered {
            Ok(body) => {
                self.rendered += 1;
                bodies.push((id, stored, body));
            }
            Err(fault) => self.refused.push(format!("{entity} {id}: the body {}", fault.sentence())),
        }
    }
}
