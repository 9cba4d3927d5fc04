//! Renders stored bodies again, when the sanitiser has a later version than made them.
//!
//! A body that was not written in HTML is rendered from its source. HTML has no source besides what is stored.

use uuid::Uuid;

use crate::app::App;
use crate::changes::model::Actor;
use crate::db::connection::Connection;
use crate::db::types::BodyFormat;
use crate::error::Result;
use crate::http::render_body::render_off_thread;
use crate::markup::{Body, SANITIZER};
use crate::tx::Tx;
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

/// Renders again the bodies that an earlier version of the sanitiser has made, or with `all` also those that
/// this version has made, a few in each transaction.
///
/// Each change is recorded. Ended halfway, it goes on at the next call; with `all` it begins again. Writers may work besides: a body
/// that changes meanwhile is left to its writer.
pub async fn resanitise(app: &App, all: bool) -> Result<Resanitised> {
    let version = if all { SANITIZER + 1 } else { SANITIZER };
    let mut done = Resanitised::default();
    for kind in [Kind::Article, Kind::Notice] {
        let mut after = Uuid::nil();
        loop {
            let stored = kind.load(&*app.long_reader().await?, after, version).await?;
            let Some(last) = stored.last() else { break };
            after = last.id;
            let rendered = render_step(app, kind, stored, &mut done).await?;
            done.changed += app.write(async move |tx| store_step(tx, kind, &rendered, version).await).await?;
        }
    }
    Ok(done)
}

/// Renders the bodies of a step. Notes those that cannot be rendered.
async fn render_step(
    app: &App,
    kind: Kind,
    step: Vec<Stored>,
    done: &mut Resanitised,
) -> Result<Vec<(Stored, Body)>> {
    let mut rendered = Vec::with_capacity(step.len());
    for stored in step {
        // HTML whose source is not kept can be longer than HTML that is sent.
        let max_chars = if stored.source.is_some() { kind.max_chars() } else { 4 * kind.max_chars() };
        let source = stored.source.as_ref().unwrap_or(&stored.html).clone();
        match render_off_thread(app, source, stored.format, max_chars).await? {
            Ok(body) => rendered.push((stored, body)),
            Err(fault) => {
                done.refused.push(format!("{} {}: the body {}", kind.name(), stored.id, fault.sentence()));
            }
        }
    }
    done.rendered += rendered.len() as u64;
    Ok(rendered)
}

/// Stores the bodies of a step. Returns how many of them changed.
async fn store_step(tx: &mut Tx, kind: Kind, rendered: &[(Stored, Body)], version: i16) -> Result<u64> {
    let mut changed = 0;
    for (stored, body) in rendered {
        changed += u64::from(kind.store(tx, stored, body.clone(), version).await?);
    }
    Ok(changed)
}

/// A body as it was stored, and what it is of.
struct Stored {
    id: Uuid,
    html: String,
    source: Option<String>,
    format: BodyFormat,
}

impl Stored {
    const fn new(id: Uuid, html: String, source: Option<String>, format: BodyFormat) -> Self {
        Self { id, html, source, format }
    }

    /// Whether a row still has this body, of a sanitiser before `version`.
    fn is_still(&self, html: &str, source: &Option<String>, sanitizer: i16, version: i16) -> bool {
        sanitizer < version && self.html == html && self.source == *source
    }
}

/// What has a body.
#[derive(Clone, Copy)]
enum Kind {
    Article,
    Notice,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Notice => "notice",
        }
    }

    const fn max_chars(self) -> usize {
        match self {
            Self::Article => articles::input::MAX_BODY_CHARS,
            Self::Notice => notices::input::MAX_BODY_CHARS,
        }
    }

    /// The next bodies after `after` that a version before `version` has made.
    async fn load(self, conn: &Connection, after: Uuid, version: i16) -> Result<Vec<Stored>> {
        Ok(match self {
            Self::Article => {
                let rows = articles::queries::load_outdated(conn, after, version, STEP_ROWS).await?;
                let stored = rows.into_iter().map(|row| (row.id, row.content));
                stored.map(|(id, of)| Stored::new(id, of.body, of.body_source, of.body_format)).collect()
            }
            Self::Notice => {
                let rows = notices::queries::load_outdated(conn, after, version, STEP_ROWS).await?;
                let stored = rows.into_iter().map(|row| (row.id, row.content));
                stored.map(|(id, of)| Stored::new(id, of.body, of.body_source, of.body_format)).collect()
            }
        })
    }

    /// Stores a body in the place of `stored`, if that is still there. Returns whether clients see a difference.
    async fn store(self, tx: &mut Tx, stored: &Stored, body: Body, version: i16) -> Result<bool> {
        match self {
            Self::Article => {
                let Some(row) = articles::queries::lock_any(tx, stored.id).await? else { return Ok(false) };
                let content = &row.content;
                if !stored.is_still(&content.body, &content.body_source, content.sanitizer, version) {
                    return Ok(false);
                }
                articles::writing::refresh_body(tx, Actor::SYSTEM, row, body).await
            }
            Self::Notice => {
                let Some(row) = notices::queries::lock_any(tx, stored.id).await? else { return Ok(false) };
                let content = &row.content;
                if !stored.is_still(&content.body, &content.body_source, content.sanitizer, version) {
                    return Ok(false);
                }
                notices::writing::refresh_body(tx, Actor::SYSTEM, &row, body).await
            }
        }
    }
}
