//! An import from its bytes to its summary: a thread reads rows, all cores
//! prepare a batch, and the batch before it is written meanwhile.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use actix_web::rt;
use encoding_rs::{Encoding, UTF_8};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::articles::prepare::{self, Context, Parsed, PreparedBatch, PreparedRow};
use super::articles::queries;
use super::body::PayloadFormat;
use super::job::{Job, Resource};
use super::params::ImportParams;
use super::report::Report;
use super::rows::{self, RawRow};
use super::small::SingleRow;
use super::view::{Ending, Event, Summary};
use super::writer::{Batch, Writer};
use crate::app::App;
use crate::categories::queries::tree;
use crate::db;
use crate::error::{Error, Result};
use crate::interchange::decode::decoded;
use crate::priority;

/// Rows that are written together.
const BATCH_ROWS: usize = 2_000;
/// Bytes of rows that are written together, more or less.
const BATCH_BYTES: usize = 6 << 20;

/// How an import ended: what it did, and what stopped it, if something did.
pub struct Ended {
    /// What it did.
    pub summary: Summary,
    /// The fault of the body or of the server that stopped it.
    pub stopped_by: Option<Error>,
}

/// Imports `source`. `tell` gets the lines of the live stream, but for the last.
///
/// Never fails halfway through a batch: what was told to be done is committed.
pub async fn run(
    job: Job,
    source: impl Read + Send + 'static,
    labels: PayloadFormat,
    mut tell: impl AsyncFnMut(Vec<Event>),
) -> Ended {
    let mut report = Report::new(job.params.skip.unwrap_or_default());
    let (raw, batches) = mpsc::channel(1);
    let skip = job.params.skip.unwrap_or_default();
    let reading = spawn_blocking(move || read(source, labels, skip, &raw));
    let (ready, mut prepared) = mpsc::channel(1);
    let preparing = rt::spawn(prepare_all(job.clone(), batches, ready));
    let written = write_all(&job, &mut prepared, &mut report, &mut tell).await;
    // Whoever still reads or prepares finds nobody to hand on to, and ends.
    drop(prepared);
    let prepared = preparing.await.unwrap_or_else(|cause| Err(Error::Internal(cause.into())));
    let read = reading.await.unwrap_or_else(|cause| Err(Error::Internal(cause.into())));
    let (writer, is_whole) = match written {
        Ok((writer, is_whole)) => (Some(writer), is_whole),
        Err(error) => return Ended { summary: report.end(stopped(&job, false)), stopped_by: Some(error) },
    };
    let mut stopped_by = if is_whole { prepared.and(read).err() } else { None };
    let keep = is_whole && stopped_by.is_none();
    if let Some(writer) = writer
        && let Err(error) = writer.end(keep).await
    {
        stopped_by = Some(error);
    }
    let is_done = keep && stopped_by.is_none();
    Ended { summary: report.end(stopped(&job, is_done)), stopped_by }
}

/// How an import of this kind ended.
fn stopped(job: &Job, is_done: bool) -> Ending {
    match (is_done, job.params.is_dry(), job.params.is_atomic()) {
        (true, true, _) => Ending::DryRun,
        (true, false, _) => Ending::Completed,
        (false, false, false) => Ending::Aborted,
        (false, ..) => Ending::RolledBack,
    }
}

/// Writes the batches as they come. Returns the writer, and whether none stopped it.
async fn write_all(
    job: &Job,
    batches: &mut mpsc::Receiver<Batch>,
    report: &mut Report,
    tell: &mut impl AsyncFnMut(Vec<Event>),
) -> Result<(Writer, bool)> {
    let mut writer = Writer::begin(job.clone()).await?;
    while let Some(batch) = batches.recv().await {
        match writer.write(batch).await? {
            Ok(written) => {
                tell(report.take(written.outcomes, written.cleaned, written.categories)).await;
            }
            Err(unwritten) => {
                tell(report.take_failures(unwritten.outcomes)).await;
                return Ok((writer, false));
            }
        }
    }
    Ok((writer, true))
}

/// Rows that were cut out together, and the character set they came in.
struct RawBatch {
    rows: Vec<RawRow>,
    encoding: &'static Encoding,
}

/// Reads the body on a thread of its own and hands on whole batches. A body that
/// breaks off leaves out the batch it was in.
fn read(
    source: impl Read + Send + 'static,
    labels: PayloadFormat,
    skip: u64,
    batches: &mpsc::Sender<RawBatch>,
) -> Result<()> {
    let decoded = decoded(source, labels.compression, labels.encoding).map_err(rows::broken)?;
    let (mut batch, mut bytes, mut count, mut is_heard) = (Vec::new(), 0, 0_u64, true);
    rows::read(&labels.format, decoded.text, &mut |row| {
        count += 1;
        if count <= skip {
            return ControlFlow::Continue(());
        }
        bytes += row.text.size();
        batch.push(row);
        if batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        let raw = RawBatch { rows: std::mem::take(&mut batch), encoding: decoded.encoding };
        is_heard = batches.blocking_send(raw).is_ok();
        if is_heard { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if is_heard && !batch.is_empty() {
        // Nobody to hear it: then the import has stopped for another reason.
        let _ = batches.blocking_send(RawBatch { rows: batch, encoding: decoded.encoding });
    }
    Ok(())
}

/// Prepares batches as they are read.
async fn prepare_all(
    job: Job,
    mut batches: mpsc::Receiver<RawBatch>,
    ready: mpsc::Sender<Batch>,
) -> Result<()> {
    // Parameters for other threads, which the job, being of this one, cannot go to.
    let params = Arc::new((*job.params).clone());
    while let Some(batch) = batches.recv().await {
        let is_utf8 = batch.encoding == UTF_8;
        let batch = match job.resource {
            Resource::Articles => {
                Batch::Articles(prepare_articles(&job.app, params.clone(), batch.rows, is_utf8).await?)
            }
            Resource::Categories | Resource::Notices => {
                Batch::SingleRow(batch.rows.iter().map(|row| SingleRow::read(row, is_utf8)).collect())
            }
        };
        if ready.send(batch).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn prepare_articles(
    app: &App,
    params: Arc<ImportParams>,
    rows: Vec<RawRow>,
    is_utf8: bool,
) -> Result<PreparedBatch> {
    let parsing = params.clone();
    let parsed: Vec<Result<Parsed, PreparedRow>> =
        on_all_cores(move || prepare::parse(rows, &parsing, is_utf8)).await?;
    let mut conn = app.conn().await?;
    let identities = parsed.iter().filter_map(|row| row.as_ref().ok()).map(Parsed::identity);
    let standing = queries::standing(&mut conn, identities).await?;
    let (tree, now) = (tree(&mut conn).await?, db::now(&mut conn).await?);
    drop(conn);
    on_all_cores(move || prepare::prepare(parsed, standing, &Context { params: &params, tree: &tree, now }))
        .await
}

/// Runs `work` on the threads of imports, beside those that answer requests.
async fn on_all_cores<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    static POOL: LazyLock<Result<ThreadPool, rayon::ThreadPoolBuildError>> = LazyLock::new(|| {
        let pool = ThreadPoolBuilder::new().thread_name(|at| format!("import-{at}"));
        pool.start_handler(|_| priority::background()).build()
    });
    let working = spawn_blocking(move || match &*POOL {
        Ok(pool) => Ok(pool.install(work)),
        Err(cause) => Err(Error::Internal(anyhow::anyhow!("threads for imports: {cause}"))),
    });
    working.await.map_err(|cause| Error::Internal(cause.into()))?
}
