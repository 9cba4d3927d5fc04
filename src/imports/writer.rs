//! Writes batches to the database: each in its own transaction, or all in one.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::rt;

use super::articles::copies::{BatchCopies, CopyFinder};
use super::articles::prepare::PreparedRow;
use super::articles::writing;
use super::ending::EndRecord;
use super::job::Job;
use super::outcome::{BatchResult, RowOutcome};
use super::single_rows::{self, SingleRow};
use super::statistics::Statistics;
use crate::error::{Code, Error, Result, is_worth_retrying};
use crate::tx::{Tx, backoff};

/// Attempts to write a batch. A parallel import of the same rows can conflict several times.
const MAX_BATCH_ATTEMPTS: u32 = 6;

/// Rows that are written together.
pub enum Batch {
    /// Prepared articles.
    Articles(Vec<PreparedRow>),
    /// Prepared categories or notices.
    SingleRows(Vec<SingleRow>),
}

/// Writes batches, in order.
pub struct BatchWriter {
    job: Job,
    /// The transaction of an atomic import or a dry run. It begins with the first batch.
    import_tx: Option<Tx>,
    /// Finds rows that are copies of others, if that is asked for.
    copy_finder: Option<CopyFinder>,
    statistics: Statistics,
}

impl BatchWriter {
    /// Creates a writer.
    pub fn new(job: Job) -> Self {
        let copy_finder = CopyFinder::new(&job);
        let statistics = Statistics::new(job.resource);
        Self { job, import_tx: None, copy_finder, statistics }
    }

    /// Counts rows for monitoring.
    pub fn count_rows(&self, outcomes: &[RowOutcome]) {
        for row in outcomes {
            self.job.app.metrics.count_import_row(row.outcome.kind().as_str());
        }
    }

    /// Writes a batch. Returns `Ok(Err(result))` if rows have failed and the import aborts on
    /// failure. The batch is not written then.
    pub async fn write_batch(&mut self, mut batch: Batch) -> Result<Result<BatchResult, BatchResult>> {
        if self.job.params.is_one_transaction() && self.import_tx.is_none() {
            self.import_tx = Some(self.job.app.begin().await?);
        }
        let copies = self.find_copies(&mut batch).await?;
        let (batch, copies) = (Rc::new(batch), Rc::new(copies));
        let result = match self.import_tx.take() {
            Some(tx) => {
                let result = self.write_in_import_tx(tx, &batch, &copies).await?;
                let stops = self.job.params.aborts_on_failure() && result.has_failures();
                if stops { Err(result) } else { Ok(result) }
            }
            None => self.write_in_own_tx(batch, copies.clone()).await?,
        };
        if let (Some(finder), Ok(result)) = (&mut self.copy_finder, &result) {
            finder.add_batch(&copies, &result.outcomes);
        }
        if let Some(written) = result.as_ref().ok().filter(|result| result.has_changes()) {
            self.statistics.add(written.outcomes.len());
        }
        if self.import_tx.is_none() {
            self.statistics.refresh_after_growth(&self.job.app).await;
        }
        Ok(result)
    }

    /// Finds the copies of the rows of a batch, if that is asked for, before anything of it is locked.
    async fn find_copies(&self, batch: &mut Batch) -> Result<BatchCopies> {
        let (Some(finder), Batch::Articles(rows)) = (&self.copy_finder, batch) else {
            return Ok(BatchCopies::default());
        };
        match &self.import_tx {
            Some(tx) => finder.find(tx, rows).await,
            None => finder.find(&*self.job.app.long_reader().await?, rows).await,
        }
    }

    /// Writes a batch in a transaction of its own.
    async fn write_in_own_tx(
        &self,
        batch: Rc<Batch>,
        copies: Rc<BatchCopies>,
    ) -> Result<Result<BatchResult, BatchResult>> {
        let aborts = self.job.params.aborts_on_failure();
        let aborted_result: Rc<RefCell<Option<BatchResult>>> = Rc::default();
        let (job, aborted) = (self.job.clone(), aborted_result.clone());
        let write = self.job.app.write_with_attempts(MAX_BATCH_ATTEMPTS, async move |tx| {
            let result = write_batch_in(tx, &job, &batch, &copies).await?;
            if aborts && result.has_failures() {
                // The error rolls the batch back.
                aborted.replace(Some(result));
                return Err(Error::Refused(Code::ImportAborted, "".into()));
            }
            Ok(result)
        });
        match (write.await, aborted_result.take()) {
            (_, Some(result)) => Ok(Err(result)),
            (result, None) => Ok(Ok(result?)),
        }
    }

    /// Writes a batch in the transaction of the whole import. Rolls all of it back on an error.
    ///
    /// A batch that another import gets ahead of is undone and written again; earlier batches stay.
    async fn write_in_import_tx(
        &mut self,
        mut tx: Tx,
        batch: &Batch,
        copies: &BatchCopies,
    ) -> Result<BatchResult> {
        let mut attempt = 1;
        let error = loop {
            match tx.try_step(async |tx| write_batch_in(tx, &self.job, batch, copies).await).await {
                Ok(Ok(result)) => {
                    self.import_tx = Some(tx);
                    return Ok(result);
                }
                Ok(Err(error)) if attempt < MAX_BATCH_ATTEMPTS && is_worth_retrying(&error) => {
                    rt::time::sleep(backoff(attempt)).await;
                    attempt += 1;
                }
                Ok(Err(error)) | Err(error) => break error,
            }
        };
        // An open transaction would keep its locks.
        tx.rollback().await;
        Err(error)
    }

    /// Ends the import: its transaction, if it is one, together with `end`; and lets PostgreSQL look at what was written. Returns
    /// whether `end` was recorded.
    pub async fn finish(mut self, end: Option<EndRecord>) -> Result<bool> {
        let was_one_transaction = self.import_tx.is_some();
        let is_recorded = self.finish_tx(end).await?;
        // Of what was rolled back there is nothing to look at.
        if is_recorded || !was_one_transaction {
            self.statistics.refresh_at_end(&self.job.app).await;
        }
        Ok(is_recorded)
    }

    /// Ends the transaction of an atomic import or a dry run: commits it together with `end`, or rolls it back without one. A dry run
    /// is never committed. Returns whether `end` was recorded.
    async fn finish_tx(&mut self, end: Option<EndRecord>) -> Result<bool> {
        let Some(mut tx) = self.import_tx.take() else { return Ok(false) };
        let Some(end) = end.filter(|_| !self.job.params.is_dry_run()) else {
            tx.rollback().await;
            return Ok(false);
        };
        if let Err(error) = end.write(&mut tx).await {
            tx.rollback().await;
            return Err(error);
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Writes a batch in the given transaction, without ending it.
async fn write_batch_in(tx: &mut Tx, job: &Job, batch: &Batch, copies: &BatchCopies) -> Result<BatchResult> {
    let result = match batch {
        Batch::Articles(rows) => writing::write_batch(tx, &job.params, job.actor, rows, copies).await?,
        Batch::SingleRows(rows) => single_rows::write_rows(tx, job, rows).await?,
    };
    if result.has_changes() {
        tx.touch(job.resource.entity());
    }
    Ok(result)
}
