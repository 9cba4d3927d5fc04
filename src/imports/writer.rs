//! Batches into the database: each in a transaction of its own, or all in one.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use diesel_async::{AnsiTransactionManager, TransactionManager};

use super::articles::identity::Identity;
use super::articles::prepare::PreparedBatch;
use super::articles::writing::{self, PARALLEL_MIN_ROWS};
use super::job::Job;
use super::outcome::Written;
use super::small::{self, SingleRow};
use crate::app::{App, Tx};
use crate::changes;
use crate::db;
use crate::db::pool::Conn;
use crate::error::{Code, Error, Result};

/// How long one of two transactions waits for a lock: two imports may wait for each other's
/// halves, which the database cannot see.
const SHORT_WAIT: &str = "3s";

/// Rows that are written together.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Articles, prepared.
    Articles(PreparedBatch),
    /// Categories or notices, as they were read.
    SingleRow(Vec<SingleRow>),
}

/// How often a batch is tried: an import of the same rows may be one transaction ahead each time.
const ATTEMPTS: u32 = 6;
/// How many batches may be read and prepared while one is written.
const AHEAD: usize = 2;

/// Writes batches, in order.
pub struct Writer {
    job: Job,
    /// What the last batches were about, which those after them may not have seen.
    recent: VecDeque<HashSet<Identity>>,
    /// The one transaction of an import that is all or nothing.
    whole: Option<Conn>,
}

impl Writer {
    /// Begins to write.
    pub async fn begin(job: Job) -> Result<Self> {
        let mut whole = None;
        if job.params.is_atomic() || job.params.is_dry() {
            let mut conn = job.app.conn().await?;
            AnsiTransactionManager::begin_transaction(&mut *conn).await?;
            whole = Some(conn);
        }
        Ok(Self { job, recent: VecDeque::new(), whole })
    }

    /// Writes a batch. `Ok(Err(…))`: it was not written, because rows failed and the import is to stop then.
    pub async fn write(&mut self, batch: Batch) -> Result<Result<Written, Written>> {
        let aborts = self.job.params.aborts();
        if let Some(conn) = &mut self.whole {
            // What this transaction has written nobody else could have looked at.
            let written = write(conn, None, &self.job, &batch, false).await;
            if written.is_err() {
                // Left open, it would keep its locks. A connection that cannot even roll back
                // is dropped by the pool.
                let _ = end(conn, false).await;
            }
            let written = written?;
            let stops = aborts && written.has_failed();
            return Ok(if stops { Err(written) } else { Ok(written) });
        }
        let snapshot_is_fresh = self.snapshot_is_fresh(&batch);
        let failed: Rc<RefCell<Option<Written>>> = Rc::default();
        let (job, stopped, is_first) = (self.job.clone(), failed.clone(), Cell::new(true));
        let done = self.job.app.write_in(ATTEMPTS, async move |tx| {
            // What failed is looked at anew, and in one transaction, whose waits the database sees.
            let is_first = is_first.replace(false);
            let mut beside = if is_first { ParallelTx::begin(&job.app, &batch).await } else { None };
            let written = match write(tx, beside.as_mut(), &job, &batch, is_first && snapshot_is_fresh).await
            {
                // A wait that the database did not see, or a second connection that was lost.
                Err(Error::Unavailable(cause)) if beside.is_some() => Err(writing::retryable(&cause)),
                Ok(written) if aborts && written.has_failed() => {
                    // An error undoes what the batch has written.
                    stopped.replace(Some(written));
                    Err(Error::Refused(Code::ImportAborted, String::new()))
                }
                written => written,
            };
            match beside {
                Some(ParallelTx(mut conn)) if written.is_ok() => end(&mut conn, true).await?,
                Some(ParallelTx(mut conn)) => drop(end(&mut conn, false).await),
                None => {}
            }
            written
        });
        match (done.await, failed.take()) {
            (_, Some(written)) => Ok(Err(written)),
            (done, None) => Ok(Ok(done?)),
        }
    }

    /// Whether no batch that was on its way while this one was prepared is about the same articles.
    fn snapshot_is_fresh(&mut self, batch: &Batch) -> bool {
        let Batch::Articles(portion) = batch else { return false };
        let own: HashSet<Identity> = portion.identities().cloned().collect();
        let snapshot_is_fresh = self.recent.iter().all(|recent| recent.is_disjoint(&own));
        self.recent.push_back(own);
        if self.recent.len() > AHEAD {
            self.recent.pop_front();
        }
        snapshot_is_fresh
    }

    /// Ends the one transaction, if there is one: with all that is in it, or without.
    pub async fn end(self, keep: bool) -> Result<()> {
        let Some(mut conn) = self.whole else { return Ok(()) };
        end(&mut conn, keep && !self.job.params.is_dry()).await
    }
}

/// Ends a transaction: with all that is in it, or without.
async fn end(conn: &mut Conn, keep: bool) -> Result<()> {
    if keep {
        AnsiTransactionManager::commit_transaction(&mut **conn).await?;
    } else {
        AnsiTransactionManager::rollback_transaction(&mut **conn).await?;
    }
    Ok(())
}

/// A second transaction, for rows that can be written beside the others of their batch.
///
/// It is committed before the first one: should that fail, half a batch is there, of which
/// nobody was told, and which the same rows again find there.
pub struct ParallelTx(Conn);

impl ParallelTx {
    /// Begins one, if the batch is worth it and a connection is free.
    async fn begin(app: &App, batch: &Batch) -> Option<Self> {
        if !matches!(batch, Batch::Articles(portion) if portion.rows.len() >= PARALLEL_MIN_ROWS) {
            return None;
        }
        let mut conn = app.spare_conn().await?;
        AnsiTransactionManager::begin_transaction(&mut *conn).await.ok()?;
        db::allow_bulk(&mut conn, SHORT_WAIT).await.ok()?;
        // The first transaction, which ends the batch, waits for the disk for both.
        db::commit_lazily(&mut conn).await.ok()?;
        Some(Self(conn))
    }

    fn tx(&mut self) -> &mut Tx {
        &mut self.0
    }
}

async fn write(
    tx: &mut Tx,
    mut beside: Option<&mut ParallelTx>,
    job: &Job,
    batch: &Batch,
    snapshot_is_fresh: bool,
) -> Result<Written> {
    db::allow_bulk(tx, if beside.is_some() { SHORT_WAIT } else { db::LONG_WAIT }).await?;
    let written = match batch {
        Batch::Articles(portion) => {
            let beside = beside.as_mut().map(|beside| beside.tx());
            writing::write(tx, beside, &job.params, job.actor, portion, snapshot_is_fresh).await?
        }
        Batch::SingleRow(rows) => small::write(tx, job, rows).await?,
    };
    if written.has_changed() {
        // One line for all of them: caches see few invalidations.
        changes::queries::tell_of_many(tx, job.resource.entity()).await?;
        if let Some(beside) = beside {
            changes::queries::tell_of_many(beside.tx(), job.resource.entity()).await?;
        }
    }
    Ok(written)
}
