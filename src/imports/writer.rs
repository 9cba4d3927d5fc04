//! Writes batches to the database: each in its own transaction, or all in one.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use super::articles::identity::Identity;
use super::articles::prepare::PreparedBatch;
use super::articles::writing::{self, PARALLEL_MIN_ROWS};
use super::job::Job;
use super::outcome::BatchResult;
use super::single_rows::{self, SingleRow};
use crate::app::App;
use crate::db;
use crate::error::{Code, Error, Result};
use crate::tx::Tx;

/// Lock timeout while a batch uses two transactions. Two imports can block each other across
/// four transactions; PostgreSQL cannot detect that deadlock, so we time out early.
const LOCK_TIMEOUT_PARALLEL: &str = "3s";
/// Attempts to write a batch. A parallel import of the same rows can conflict several times.
const MAX_BATCH_ATTEMPTS: u32 = 6;
/// Batches whose snapshot is older than the batch being written: one queued by the pipeline, one
/// in preparation.
const MAX_BATCHES_AHEAD: usize = 2;

/// Rows that are written together.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Prepared articles.
    Articles(PreparedBatch),
    /// Parsed categories or notices.
    SingleRows(Vec<SingleRow>),
}

/// Writes batches, in order.
pub struct BatchWriter {
    job: Job,
    /// The identities of the last batches. A batch that was prepared before they were written has an old snapshot.
    recent_identities: VecDeque<HashSet<Identity>>,
    /// The transaction of an atomic import or a dry run.
    import_tx: Option<Tx>,
}

impl BatchWriter {
    /// Creates a writer. Begins a transaction for an atomic import or a dry run.
    pub async fn begin(job: Job) -> Result<Self> {
        let mut import_tx = None;
        if job.params.is_atomic() || job.params.is_dry_run() {
            import_tx = Some(job.app.begin().await?);
        }
        Ok(Self { job, recent_identities: VecDeque::new(), import_tx })
    }

    /// Writes a batch. Returns `Ok(Err(result))` if rows have failed and the import aborts on
    /// failure. The batch is not written then.
    pub async fn write_batch(&mut self, batch: Batch) -> Result<Result<BatchResult, BatchResult>> {
        let aborts = self.job.params.aborts_on_failure();
        if let Some(tx) = self.import_tx.take() {
            let result = self.write_in_import_tx(tx, &batch).await?;
            let stops = aborts && result.has_failures();
            return Ok(if stops { Err(result) } else { Ok(result) });
        }
        let snapshot_is_fresh = self.snapshot_is_fresh(&batch);
        let aborted_result: Rc<RefCell<Option<BatchResult>>> = Rc::default();
        let (job, aborted, is_first_attempt) = (self.job.clone(), aborted_result.clone(), Cell::new(true));
        let write = self.job.app.write_in(MAX_BATCH_ATTEMPTS, async move |tx| {
            // Further attempts load a new snapshot and use one transaction, so that PostgreSQL
            // can detect deadlocks.
            let is_first_attempt = is_first_attempt.replace(false);
            let mut parallel =
                if is_first_attempt { ParallelTx::begin(&job.app, &batch).await } else { None };
            let is_fresh = is_first_attempt && snapshot_is_fresh;
            let result = match write_in(tx, parallel.as_mut(), &job, &batch, is_fresh).await {
                // The lock timeout of a parallel transaction, or a lost second connection.
                Err(Error::Unavailable(cause) | Error::Contended(cause)) if parallel.is_some() => {
                    Err(writing::retryable_error(&cause))
                }
                Ok(result) if aborts && result.has_failures() => {
                    // The error rolls the batch back.
                    aborted.replace(Some(result));
                    Err(Error::Refused(Code::ImportAborted, String::new()))
                }
                result => result,
            };
            match parallel {
                Some(ParallelTx(tx)) if result.is_ok() => tx.commit().await?,
                Some(ParallelTx(tx)) => tx.rollback().await,
                None => {}
            }
            result
        });
        match (write.await, aborted_result.take()) {
            (_, Some(result)) => Ok(Err(result)),
            (result, None) => Ok(Ok(result?)),
        }
    }

    /// Writes a batch in the transaction of the whole import. Rolls it back on an error.
    async fn write_in_import_tx(&mut self, mut tx: Tx, batch: &Batch) -> Result<BatchResult> {
        // The snapshot was loaded outside this transaction and does not show its writes.
        match write_in(&mut tx, None, &self.job, batch, false).await {
            Ok(result) => {
                self.import_tx = Some(tx);
                Ok(result)
            }
            Err(error) => {
                // An open transaction would keep its locks.
                tx.rollback().await;
                Err(error)
            }
        }
    }

    /// Whether the batch's snapshot shows all writes of this import to the batch's articles.
    fn snapshot_is_fresh(&mut self, batch: &Batch) -> bool {
        let Batch::Articles(prepared) = batch else { return false };
        let identities: HashSet<Identity> = prepared.identities().cloned().collect();
        let is_fresh = self.recent_identities.iter().all(|recent| recent.is_disjoint(&identities));
        self.recent_identities.push_back(identities);
        if self.recent_identities.len() > MAX_BATCHES_AHEAD {
            self.recent_identities.pop_front();
        }
        is_fresh
    }

    /// Ends the transaction of an atomic import or a dry run. A dry run is never committed.
    pub async fn finish(self, commit: bool) -> Result<()> {
        let Some(tx) = self.import_tx else { return Ok(()) };
        if commit && !self.job.params.is_dry_run() {
            return tx.commit().await;
        }
        tx.rollback().await;
        Ok(())
    }
}

/// A second transaction that writes a part of the batch in parallel.
///
/// It is committed before the main transaction. If the main commit fails, half of the batch is
/// stored although no outcome was reported. Importing the same rows again completes the batch.
pub struct ParallelTx(Tx);

impl ParallelTx {
    /// Begins a parallel transaction if the batch is large enough and a connection is spare.
    async fn begin(app: &App, batch: &Batch) -> Option<Self> {
        if !matches!(batch, Batch::Articles(prepared) if prepared.rows.len() >= PARALLEL_MIN_ROWS) {
            return None;
        }
        let mut tx = Tx::begin(app.spare_writer().await?, app.follower.clone());
        db::allow_bulk(&mut tx, LOCK_TIMEOUT_PARALLEL).await.ok()?;
        // The main transaction commits later and synchronously; its WAL flush covers this commit.
        db::commit_lazily(&mut tx).await.ok()?;
        Some(Self(tx))
    }

    fn tx(&mut self) -> &mut Tx {
        &mut self.0
    }
}

/// Writes a batch in the given transactions, without ending them.
async fn write_in(
    tx: &mut Tx,
    mut parallel: Option<&mut ParallelTx>,
    job: &Job,
    batch: &Batch,
    snapshot_is_fresh: bool,
) -> Result<BatchResult> {
    let lock_timeout = if parallel.is_some() { LOCK_TIMEOUT_PARALLEL } else { db::LONG_WAIT };
    db::allow_bulk(tx, lock_timeout).await?;
    let result = match batch {
        Batch::Articles(prepared) => {
            let parallel_tx = parallel.as_mut().map(|parallel| parallel.tx());
            writing::write_batch(tx, parallel_tx, &job.params, job.actor, prepared, snapshot_is_fresh).await?
        }
        Batch::SingleRows(rows) => single_rows::write_rows(tx, job, rows).await?,
    };
    if result.has_changes() {
        tx.touch(job.resource.entity());
        if let Some(parallel) = parallel {
            parallel.tx().touch(job.resource.entity());
        }
    }
    Ok(result)
}
