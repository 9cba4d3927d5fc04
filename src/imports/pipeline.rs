//! Runs an import from the body to the summary.
//!
//! Three stages run in parallel: a thread reads rows, all cores prepare a batch, the writer
//! writes the previous batch.

use std::io::Read;
use std::sync::Arc;

use actix_web::rt;
use futures_util::future::try_join3;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::articles::identity::UnseenWrites;
use super::articles::prepare::{self, ParsedRow, PrepareContext, PreparedRow};
use super::articles::queries;
use super::batches::{Batches, WriteProgress, row_queue};
use super::ending::{EndRecord, record_end};
use super::job::{Job, Resource};
use super::params::ImportParams;
use super::payload::PayloadFormat;
use super::report::Report;
use super::rows::RawRow;
use super::single_rows;
use super::spool::spool_body;
use super::threads::{run_blocking, run_on_import_threads};
use super::view::{Ending, Event, Summary};
use super::writer::{Batch, BatchWriter};
use crate::app::App;
use crate::categories::queries::load_tree;
use crate::db;
use crate::error::{Error, Result};
use crate::permits::MemoryShare;

/// The end of an import.
pub struct ImportEnd {
    /// The summary, also of an import that failed.
    pub summary: Summary,
    /// The error of the body or the server that stopped the import.
    pub stopped_by: Option<Error>,
    /// The task that still tries to record the end. The rows stay, whether it can or not.
    pub recording: Option<JoinHandle<()>>,
    /// Whether the end was recorded together with the rows.
    is_recorded: bool,
}

/// Imports `source`. Passes all events but the last to `send_events`.
///
/// Rows that an event reports as done are committed, unless the import is atomic or a dry run.
/// Those have one transaction, which begins when the whole body has arrived.
pub async fn run_import(
    job: Job,
    source: impl Read + Send + 'static,
    format: PayloadFormat,
    send_events: impl AsyncFnMut(Vec<Event>),
) -> ImportEnd {
    let mut end = run_checked(job.clone(), source, format, send_events).await;
    if !end.is_recorded && matches!(end.summary.ending, Ending::Completed | Ending::Aborted) {
        let is_complete = end.summary.ending == Ending::Completed;
        end.recording = record_end(&job.app, EndRecord::new(&job, &end.summary, is_complete)).await;
    }
    end
}

async fn run_checked(
    job: Job,
    source: impl Read + Send + 'static,
    format: PayloadFormat,
    send_events: impl AsyncFnMut(Vec<Event>),
) -> ImportEnd {
    if let Err(error) = job.catch_up_index().await {
        return stop_at_beginning(&job, error);
    }
    if !job.params.is_one_transaction() {
        return run_stages(job, source, format, send_events).await;
    }
    let folder = job.app.config.database.data_dir.clone();
    match run_blocking(move || spool_body(source, &folder)).await {
        Ok(file) => run_stages(job, file, format, send_events).await,
        Err(error) => stop_at_beginning(&job, error),
    }
}

/// The end of an import that has read nothing.
fn stop_at_beginning(job: &Job, error: Error) -> ImportEnd {
    let summary = Report::new(&job.params).finish(choose_ending(job, false));
    ImportEnd { summary, stopped_by: Some(error), recording: None, is_recorded: false }
}

/// Runs the three stages until the last of them has ended.
async fn run_stages(
    job: Job,
    source: impl Read + Send + 'static,
    format: PayloadFormat,
    mut send_events: impl AsyncFnMut(Vec<Event>),
) -> ImportEnd {
    let mut report = Report::new(&job.params);
    let (rows, raw_batches, progress) = row_queue(job.app.import_memory.clone());
    let skip = job.params.skip.unwrap_or_default();
    let reading = rt::spawn(run_blocking(move || rows.read_body(source, format, skip)));
    let (batch_sender, mut batches) = mpsc::channel(1);
    let preparing = rt::spawn(prepare_batches(job.clone(), raw_batches, batch_sender));
    let mut writer = BatchWriter::new(job.clone());
    let write_result =
        write_batches(&mut writer, &mut batches, &progress, &mut report, &mut send_events).await;
    // Closing the channel ends the other two stages.
    drop(batches);
    let (all_written, mut stopped_by) = match write_result {
        // Otherwise the thread that reads may wait for a slow client; nobody waits for it.
        Ok(true) => (true, join_stages(preparing, reading).await.err()),
        Ok(false) => (false, None),
        Err(error) => (false, Some(error)),
    };
    let commit = all_written && stopped_by.is_none();
    let end = commit.then(|| EndRecord::new(&job, report.summary(), true));
    let is_recorded = writer.finish(end).await.unwrap_or_else(|error| {
        stopped_by = Some(error);
        false
    });
    let is_complete = commit && stopped_by.is_none();
    let summary = report.finish(choose_ending(&job, is_complete));
    ImportEnd { summary, stopped_by, recording: None, is_recorded }
}

/// Waits for the first two stages. Returns the error of the one that has failed.
async fn join_stages(preparing: JoinHandle<Result<()>>, reading: JoinHandle<Result<()>>) -> Result<()> {
    preparing.await.map_err(|cause| Error::Internal(cause.into()))??;
    reading.await.map_err(|cause| Error::Internal(cause.into()))?
}

fn choose_ending(job: &Job, is_complete: bool) -> Ending {
    match (is_complete, job.params.is_dry_run(), job.params.is_atomic()) {
        (true, true, _) => Ending::DryRun,
        (true, false, _) => Ending::Completed,
        (false, false, false) => Ending::Aborted,
        (false, ..) => Ending::RolledBack,
    }
}

/// Writes the batches that arrive. Returns whether all were written, and none was refused for a failed row.
async fn write_batches(
    writer: &mut BatchWriter,
    batches: &mut mpsc::Receiver<(Batch, MemoryShare)>,
    progress: &WriteProgress,
    report: &mut Report,
    send_events: &mut impl AsyncFnMut(Vec<Event>),
) -> Result<bool> {
    while let Some((batch, memory)) = batches.recv().await {
        match writer.write_batch(batch).await? {
            Ok(result) => {
                drop(memory);
                progress.note_batch_written();
                writer.count_rows(&result.outcomes);
                send_events(report.add_batch(result)).await;
                report.check_failures()?;
            }
            Err(failed) => {
                writer.count_rows(&failed.outcomes);
                send_events(report.add_failures(failed)).await;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Prepares the batches that arrive.
async fn prepare_batches(
    job: Job,
    mut raw_batches: Batches,
    batches: mpsc::Sender<(Batch, MemoryShare)>,
) -> Result<()> {
    // The job cannot be sent to other threads; its parameters can.
    let params = Arc::new((*job.params).clone());
    let mut unseen_writes = UnseenWrites::new(params.is_one_transaction());
    while let Some(raw) = raw_batches.next_batch().await {
        let memory = raw.memory;
        let batch = match job.resource {
            Resource::Articles => {
                let prepared = prepare_articles(&job.app, params.clone(), &mut unseen_writes, raw.rows);
                Batch::Articles(prepared.await?)
            }
            Resource::Categories | Resource::Notices => {
                let (resource, params, sanitiser) = (job.resource, params.clone(), job.app.sanitiser.clone());
                let prepare = move || single_rows::prepare_rows(resource, &params, &sanitiser, &raw.rows);
                Batch::SingleRows(run_on_import_threads(prepare).await??)
            }
        };
        if batches.send((batch, memory)).await.is_err() {
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
) -> Result<Vec<PreparedRow>> {
    let (parse_params, sanitiser) = (params.clone(), app.sanitiser.clone());
    let parsed: Vec<Result<ParsedRow, PreparedRow>> =
        run_on_import_threads(move || prepare::parse_rows(rows, &parse_params, &sanitiser)).await?;
    let sanitiser = app.sanitiser.clone();
    let identities = || parsed.iter().filter_map(|row| row.as_ref().ok()).flat_map(ParsedRow::identities);
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
            &PrepareContext { params: &params, existing: &existing, tree: &tree, sanitiser: &sanitiser, now },
        )
    })
    .await
}
