//! Runs an import from the body to the summary.
//!
//! Three stages run in parallel: a thread reads rows, all cores prepare a batch, the writer
//! writes the previous batch.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use actix_web::rt;
use encoding_rs::{Encoding, UTF_8};
use futures_util::future::try_join3;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::articles::identity::UnseenWrites;
use super::articles::prepare::{self, ParsedRow, PrepareContext, PreparedRow};
use super::articles::queries;
use super::job::{Job, Resource};
use super::params::ImportParams;
use super::payload::PayloadFormat;
use super::report::Report;
use super::rows::{self, RawRow};
use super::single_rows;
use super::view::{Ending, Event, Summary};
use super::writer::{Batch, BatchWriter};
use crate::app::App;
use crate::categories::queries::load_tree;
use crate::db;
use crate::error::{Error, Result};
use crate::interchange::decode::decode_body;
use crate::priority;

/// Most rows of a batch.
const MAX_BATCH_ROWS: usize = 2_000;
/// A batch is complete when its rows have at least this many bytes.
const FULL_BATCH_BYTES: usize = 6 << 20;

/// The end of an import.
pub struct ImportEnd {
    /// The summary, also of an import that failed.
    pub summary: Summary,
    /// The error of the body or the server that stopped the import.
    pub stopped_by: Option<Error>,
}

/// Imports `source`. Passes all events but the last to `send_events`.
///
/// Rows that an event reports as done are committed, unless the import is atomic or a dry run.
pub async fn run_import(
    job: Job,
    source: impl Read + Send + 'static,
    format: PayloadFormat,
    mut send_events: impl AsyncFnMut(Vec<Event>),
) -> ImportEnd {
    let mut report = Report::new(job.params.skip.unwrap_or_default());
    let (raw_sender, raw_batches) = mpsc::channel(1);
    let skip = job.params.skip.unwrap_or_default();
    let reading = spawn_blocking(move || read_batches(source, format, skip, &raw_sender));
    let (batch_sender, mut batches) = mpsc::channel(1);
    let preparing = rt::spawn(prepare_batches(job.clone(), raw_batches, batch_sender));
    let write_result = write_batches(&job, &mut batches, &mut report, &mut send_events).await;
    // Closing the channel ends the other two stages.
    drop(batches);
    let prepare_result = preparing.await.unwrap_or_else(|cause| Err(Error::Internal(cause.into())));
    let read_result = reading.await.unwrap_or_else(|cause| Err(Error::Internal(cause.into())));
    let (writer, all_written) = match write_result {
        Ok(written) => written,
        Err(error) => {
            return ImportEnd { summary: report.finish(choose_ending(&job, false)), stopped_by: Some(error) };
        }
    };
    let mut stopped_by = if all_written { prepare_result.and(read_result).err() } else { None };
    let commit = all_written && stopped_by.is_none();
    if let Err(error) = writer.finish(commit).await {
        stopped_by = Some(error);
    }
    let is_complete = commit && stopped_by.is_none();
    ImportEnd { summary: report.finish(choose_ending(&job, is_complete)), stopped_by }
}

fn choose_ending(job: &Job, is_complete: bool) -> Ending {
    match (is_complete, job.params.is_dry_run(), job.params.is_atomic()) {
        (true, true, _) => Ending::DryRun,
        (true, false, _) => Ending::Completed,
        (false, false, false) => Ending::Aborted,
        (false, ..) => Ending::RolledBack,
    }
}

/// Writes the batches that arrive. Returns the writer, and whether all batches were written.
async fn write_batches(
    job: &Job,
    batches: &mut mpsc::Receiver<Batch>,
    report: &mut Report,
    send_events: &mut impl AsyncFnMut(Vec<Event>),
) -> Result<(BatchWriter, bool)> {
    let mut writer = BatchWriter::begin(job.clone()).await?;
    while let Some(batch) = batches.recv().await {
        match writer.write_batch(batch).await? {
            Ok(result) => {
                send_events(report.add_batch(result)).await;
            }
            Err(failed) => {
                send_events(report.add_failures(failed)).await;
                return Ok((writer, false));
            }
        }
    }
    Ok((writer, true))
}

/// The unparsed rows of a batch, and the character set of the body.
struct RawBatch {
    rows: Vec<RawRow>,
    encoding: &'static Encoding,
}

/// Reads the body and sends whole batches. Blocks the thread.
///
/// If the body fails midway, the rows of the incomplete batch are not sent.
fn read_batches(
    source: impl Read + Send + 'static,
    format: PayloadFormat,
    skip: u64,
    batches: &mpsc::Sender<RawBatch>,
) -> Result<()> {
    let decoded = decode_body(source, format.compression, format.encoding).map_err(rows::map_read_error)?;
    let (mut batch, mut bytes, mut count, mut has_receiver) = (Vec::new(), 0, 0_u64, true);
    rows::read_rows(&format.format, decoded.text, &mut |row| {
        count += 1;
        if count <= skip {
            return ControlFlow::Continue(());
        }
        bytes += row.text.byte_size();
        batch.push(row);
        if batch.len() < MAX_BATCH_ROWS && bytes < FULL_BATCH_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        let raw = RawBatch { rows: std::mem::take(&mut batch), encoding: decoded.encoding };
        has_receiver = batches.blocking_send(raw).is_ok();
        if has_receiver { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if has_receiver && !batch.is_empty() {
        // Sending fails if the import has stopped for another reason.
        let _ = batches.blocking_send(RawBatch { rows: batch, encoding: decoded.encoding });
    }
    Ok(())
}

/// Prepares the batches that arrive.
async fn prepare_batches(
    job: Job,
    mut raw_batches: mpsc::Receiver<RawBatch>,
    batches: mpsc::Sender<Batch>,
) -> Result<()> {
    // The job cannot be sent to other threads; its parameters can.
    let params = Arc::new((*job.params).clone());
    let mut unseen_writes = UnseenWrites::new(params.is_one_transaction());
    while let Some(batch) = raw_batches.recv().await {
        let is_utf8 = batch.encoding == UTF_8;
        let batch = match job.resource {
            Resource::Articles => {
                let prepared =
                    prepare_articles(&job.app, params.clone(), &mut unseen_writes, batch.rows, is_utf8);
                Batch::Articles(prepared.await?)
            }
            Resource::Categories | Resource::Notices => {
                Batch::SingleRows(single_rows::prepare_rows(&job, &batch.rows, is_utf8).await?)
            }
        };
        if batches.send(batch).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn prepare_articles(
    app: &App,
    params: Arc<ImportParams>,
    unseen_writes: &mut UnseenWrites,
    rows: Vec<RawRow>,
    is_utf8: bool,
) -> Result<Vec<PreparedRow>> {
    let parse_params = params.clone();
    let parsed: Vec<Result<ParsedRow, PreparedRow>> =
        run_on_import_threads(move || prepare::parse_rows(rows, &parse_params, is_utf8)).await?;
    let identities = || parsed.iter().filter_map(|row| row.as_ref().ok()).map(ParsedRow::identity);
    let conn = app.long_reader().await?;
    let (mut existing, tree, now) =
        try_join3(queries::find_existing(&conn, identities(), Vec::new()), load_tree(&conn), db::now(&conn))
            .await?;
    drop(conn);
    existing.forget_digests(unseen_writes);
    unseen_writes.add_batch(identities());
    run_on_import_threads(move || {
        prepare::prepare_rows(
            parsed,
            &PrepareContext { params: &params, existing: &existing, tree: &tree, now },
        )
    })
    .await
}

/// Runs `work` on the import threads. They have a lower priority than those that serve requests.
async fn run_on_import_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    static POOL: LazyLock<Result<ThreadPool, rayon::ThreadPoolBuildError>> = LazyLock::new(|| {
        let pool = ThreadPoolBuilder::new().thread_name(|at| format!("import-{at}"));
        pool.start_handler(|_| priority::lower_thread_priority()).build()
    });
    let task = spawn_blocking(move || match &*POOL {
        Ok(pool) => Ok(pool.install(work)),
        Err(cause) => Err(Error::Internal(anyhow::anyhow!("threads for imports: {cause}"))),
    });
    task.await.map_err(|cause| Error::Internal(cause.into()))?
}
