//! The article export: streams articles as rows, from the database to the client.

use std::io;
use std::pin::pin;
use std::time::Duration;

use actix_web::{rt, web};
use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use utoipa::{IntoParams, ToSchema};

use super::article_row::EXPORTED_KEYS;
use super::cells;
use super::queries::stream_articles;
use crate::app::App;
use crate::articles::listing::ArticleFilter;
use crate::articles::model::Row;
use crate::categories::model::Tree;
use crate::categories::queries::load_tree;
use crate::db::types::{BodyFormat, Status};
use crate::db::visibility::Articles;
use crate::error::{Error, Result};
use crate::permits::Turn;

/// A chunk is sent when it has at least this many bytes.
const MIN_CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait to be sent. Reading from the database pauses while the queue is full.
const MAX_QUEUED_CHUNKS: usize = 4;
/// An export ends if the client reads nothing for this long.
const READER_STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The parameters of an export.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// The format of the rows.
    #[param(inline, nullable = false)]
    format: Option<ExportFormat>,
}

impl ExportParams {
    /// The format of the rows; NDJSON by default.
    pub fn format(&self) -> ExportFormat {
        self.format.unwrap_or_default()
    }
}

/// The format of the rows of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(default = "ndjson")]
pub enum ExportFormat {
    /// One JSON object per line.
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

    /// Its file extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The bytes before the first row: the header line of CSV.
    fn format_header(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Ndjson => Ok(Vec::new()),
            Self::Csv => format_record(EXPORTED_KEYS.iter().copied()),
        }
    }

    fn write_row(self, row: &ExportedArticle<'_>, into: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Ndjson => {
                serde_json::to_writer(&mut *into, row)?;
                into.push(b'\n');
            }
            Self::Csv => {
                let row = serde_json::to_value(row)?;
                into.extend(format_record(EXPORTED_KEYS.iter().map(|key| cells::format_cell(&row[*key])))?);
            }
        }
        Ok(())
    }
}

fn format_record(cells: impl Iterator<Item = impl AsRef<[u8]>>) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(io::Error::other)?;
    writer.into_inner().map_err(|cause| io::Error::other(cause.to_string()))
}

/// An article as a row; the keys are [`EXPORTED_KEYS`].
#[derive(Serialize)]
struct ExportedArticle<'r> {
    external_id: Option<&'r str>,
    slug: &'r str,
    title: &'r str,
    /// Absent if it was made from the body: an import makes it again.
    summary: Option<&'r str>,
    body: &'r str,
    body_format: BodyFormat,
    category: Option<Vec<PathStep<'r>>>,
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
    former_slugs: &'r [String],
}

#[derive(Serialize)]
struct PathStep<'r> {
    name: &'r str,
    slug: &'r str,
}

impl<'r> ExportedArticle<'r> {
    fn new(row: &'r Row, tree: &'r Tree) -> Self {
        let content = &row.content;
        let path = content.category_id.map(|id| tree.path(id)).filter(|path| !path.is_empty());
        let step = |row: &&'r crate::categories::model::Row| PathStep {
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
            former_slugs: &row.former_slugs,
        }
    }
}

/// Starts an export of the articles that are `visible` and match `filter`.
///
/// If the export fails midway, the stream ends with an error, so that clients notice that it is incomplete.
pub async fn start_export(
    app: web::Data<App>,
    visible: Articles,
    filter: ArticleFilter,
    format: ExportFormat,
    turn: Option<Turn>,
) -> Result<impl Stream<Item = io::Result<web::Bytes>> + use<>> {
    let conn = app.long_reader().await?;
    let tree = load_tree(&conn).await?;
    let conditions = filter.listing(&tree, visible)?.to_conditions();
    // Take the connection out of the pool, so that a long export does not use up a slot.
    let mut conn = deadpool::managed::Object::take(conn);
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_CHUNKS);
    let (started, start) = oneshot::channel();
    rt::spawn(async move {
        let rows = match stream_articles(&mut conn, conditions).await {
            Ok(rows) => rows,
            Err(cause) => {
                let _ = started.send(Err(cause));
                return;
            }
        };
        let _ = started.send(Ok(()));
        if let Err(cause) = send_rows(rows, &tree, format, &sender).await {
            tracing::warn!(%cause, "An export failed midway");
            let _ = sender.send(Err(cause)).await;
        }
        drop(turn);
    });
    start.await.map_err(|cause| Error::Internal(cause.into()))??;
    Ok(stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }))
}

async fn send_rows(
    rows: impl Stream<Item = diesel::QueryResult<Row>>,
    tree: &Tree,
    format: ExportFormat,
    sender: &mpsc::Sender<io::Result<web::Bytes>>,
) -> io::Result<()> {
    let mut rows = pin!(rows);
    let mut chunk = format.format_header()?;
    while let Some(row) = rows.try_next().await.map_err(io::Error::other)? {
        format.write_row(&ExportedArticle::new(&row, tree), &mut chunk)?;
        if chunk.len() >= MIN_CHUNK_BYTES {
            send_chunk(std::mem::take(&mut chunk), sender).await?;
        }
    }
    send_chunk(chunk, sender).await
}

async fn send_chunk(chunk: Vec<u8>, sender: &mpsc::Sender<io::Result<web::Bytes>>) -> io::Result<()> {
    let sent = tokio::time::timeout(READER_STALL_TIMEOUT, sender.send(Ok(chunk.into()))).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(io::ErrorKind::ConnectionAborted.into()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
