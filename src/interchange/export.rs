//! Articles as rows, streamed from the database as they are read.

use std::io;
use std::pin::pin;
use std::time::Duration;

use actix_web::{rt, web};
use chrono::{DateTime, Utc};
use diesel_async::pooled_connection::deadpool::Object;
use futures_util::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use utoipa::{IntoParams, ToSchema};

use super::article_row::KEYS;
use super::cells;
use super::queries::export;
use crate::app::App;
use crate::articles::listing::ArticleFilter;
use crate::articles::model::Row;
use crate::articles::queries::countable;
use crate::categories::model::Tree;
use crate::categories::queries::tree;
use crate::db::types::{BodyFormat, Status};
use crate::db::visibility::Articles;
use crate::error::{Error, Result};

/// Bytes that are sent at once, more or less.
const CHUNK: usize = 64 << 10;
/// Chunks that wait to be sent.
const WAITING: usize = 4;
/// How long a client may leave a chunk unread before the export ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to export.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// How rows are written.
    #[param(inline, nullable = false)]
    format: Option<ExportFormat>,
}

impl ExportParams {
    /// How rows are written.
    pub fn format(&self) -> ExportFormat {
        self.format.unwrap_or_default()
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(default = "ndjson")]
pub enum ExportFormat {
    /// A JSON object a line.
    #[default]
    Ndjson,
    /// CSV (RFC 4180); cells that a spreadsheet would execute begin with an apostrophe.
    Csv,
}

impl ExportFormat {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }

    /// How files of it end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// What comes before the rows.
    fn head(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Ndjson => Ok(Vec::new()),
            Self::Csv => record(KEYS.iter().copied()),
        }
    }

    fn write(self, row: &Exported<'_>, into: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Ndjson => {
                serde_json::to_writer(&mut *into, row)?;
                into.push(b'\n');
            }
            Self::Csv => {
                let row = serde_json::to_value(row)?;
                into.extend(record(KEYS.iter().map(|key| cells::text(&row[*key])))?);
            }
        }
        Ok(())
    }
}

fn record(cells: impl Iterator<Item = impl AsRef<[u8]>>) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.into_inner().map_err(|cause| io::Error::other(cause.to_string()))
}

/// An article as a row; the keys are [`KEYS`].
#[derive(Serialize)]
struct Exported<'r> {
    external_id: Option<&'r str>,
    slug: &'r str,
    title: &'r str,
    /// Made from the body: made again by an import.
    summary: Option<&'r str>,
    body: &'r str,
    body_format: BodyFormat,
    category: Option<Vec<Step<'r>>>,
    tags: &'r [String],
    author: &'r str,
    source_name: &'r str,
    source_url: Option<&'r str>,
    cover_url: Option<&'r str>,
    extra: &'r Value,
    status: Status,
    published_at: Option<DateTime<Utc>>,
    views: i64,
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Step<'r> {
    name: &'r str,
    slug: &'r str,
}

impl<'r> Exported<'r> {
    fn new(row: &'r Row, tree: &'r Tree) -> Self {
        let content = &row.content;
        let path = content.category_id.map(|id| tree.path(id)).filter(|path| !path.is_empty());
        let step = |row: &&'r crate::categories::model::Row| Step {
            name: &row.content.name,
            slug: &row.content.slug,
        };
        Self {
            external_id: content.external_id.as_deref(),
            slug: &content.slug,
            title: &content.title,
            summary: Some(content.summary.as_str()).filter(|_| !content.summary_made),
            body: content.body_source.as_ref().unwrap_or(&content.body),
            body_format: content.body_format,
            category: path.map(|path| path.iter().map(step).collect()),
            tags: &content.tags,
            author: &content.author,
            source_name: &content.source_name,
            source_url: content.source_url.as_deref(),
            cover_url: content.cover_url.as_deref(),
            extra: &content.extra,
            status: content.status,
            published_at: content.published_at,
            views: row.views,
            created_at: row.created_at,
        }
    }
}

/// Begins an export: rows of what is `visible` and `filter` asks for.
///
/// An export that breaks off ends with an error, so that no client takes a part for the whole.
pub async fn start(
    app: web::Data<App>,
    visible: Articles,
    filter: ArticleFilter,
    format: ExportFormat,
    turn: Option<OwnedSemaphorePermit>,
) -> Result<impl Stream<Item = io::Result<web::Bytes>> + use<>> {
    let mut conn = app.conn().await?;
    let tree = tree(&mut conn).await?;
    let conditions = countable(&filter.listing(&tree, visible, true)?);
    // Its own from now on: a long export must not keep a place in the pool.
    let mut conn = Object::take(conn);
    let (sender, receiver) = mpsc::channel(WAITING);
    let (begun, beginning) = oneshot::channel();
    rt::spawn(async move {
        let rows = match export(&mut conn, conditions).await {
            Ok(rows) => rows,
            Err(cause) => {
                let _ = begun.send(Err(cause));
                return;
            }
        };
        let _ = begun.send(Ok(()));
        if let Err(cause) = send(rows, &tree, format, &sender).await {
            tracing::warn!(%cause, "An export broke off");
            let _ = sender.send(Err(cause)).await;
        }
        drop(turn);
    });
    beginning.await.map_err(|cause| Error::Internal(cause.into()))??;
    Ok(stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }))
}

async fn send(
    rows: impl Stream<Item = diesel::QueryResult<Row>>,
    tree: &Tree,
    format: ExportFormat,
    sender: &mpsc::Sender<io::Result<web::Bytes>>,
) -> io::Result<()> {
    let mut rows = pin!(rows);
    let mut chunk = format.head()?;
    while let Some(row) = rows.try_next().await.map_err(io::Error::other)? {
        format.write(&Exported::new(&row, tree), &mut chunk)?;
        if chunk.len() >= CHUNK {
            hand_over(std::mem::take(&mut chunk), sender).await?;
        }
    }
    hand_over(chunk, sender).await
}

async fn hand_over(chunk: Vec<u8>, sender: &mpsc::Sender<io::Result<web::Bytes>>) -> io::Result<()> {
    let sent = tokio::time::timeout(PATIENCE, sender.send(Ok(chunk.into()))).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(io::ErrorKind::ConnectionAborted.into()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
