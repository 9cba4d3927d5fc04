//! Batches into the database: each in a transaction of its own, or all in one.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::web;
use diesel_async::{AnsiTransactionManager, TransactionManager};

use super::articles::{self, Ready};
use super::params::ImportParams;
use super::report::{Cleaned, Outcome, RowOutcome};
use super::small::{self, Small};
use crate::app::{App, Tx};
use crate::changes;
use crate::changes::model::Actor;
use crate::db;
use crate::db::pool::Conn;
use crate::error::{Code, Error, Result};

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Articles.
    Articles,
    /// Sections.
    Categories,
    /// Notices.
    Notices,
}

impl Resource {
    /// The keys that its rows can have.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Articles => articles::row::KEYS,
            Self::Categories => small::CATEGORY_KEYS,
            Self::Notices => small::NOTICE_KEYS,
        }
    }

    /// What the change log calls one.
    fn entity(self) -> &'static str {
        match self {
            Self::Articles => "article",
            Self::Categories => "category",
            Self::Notices => "notice",
        }
    }
}

/// Rows that are written together.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Articles, prepared.
    Articles(Vec<Ready>),
    /// Sections or notices, as they were read.
    Small(Vec<Small>),
}

/// What became of a batch.
#[derive(Debug)]
pub struct Written {
    /// Of each row, in the body's order.
    pub outcomes: Vec<RowOutcome>,
    /// What was cleaned away.
    pub cleaned: Cleaned,
    /// Sections created on the way.
    pub categories: u64,
}

impl Written {
    fn has_failed(&self) -> bool {
        self.outcomes.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    fn has_changed(&self) -> bool {
        self.outcomes.iter().any(|row| matches!(row.outcome, Outcome::Created | Outcome::Updated))
    }
}

/// Whose import it is, and how it is done.
#[derive(Clone)]
pub struct Job {
    /// The process.
    pub app: web::Data<App>,
    /// How to import.
    pub params: Rc<ImportParams>,
    /// Who imports.
    pub actor: Actor,
    /// What is imported.
    pub resource: Resource,
}

/// Writes batches, in order.
pub struct Writer {
    job: Job,
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
        Ok(Self { job, whole })
    }

    /// Writes a batch. `Ok(Err(…))`: it was not written, because rows failed and the import is to stop then.
    pub async fn write(&mut self, batch: Batch) -> Result<Result<Written, Written>> {
        let aborts = self.job.params.aborts();
        if let Some(conn) = &mut self.whole {
            let written = write(conn, &self.job, &batch).await?;
            let stops = aborts && written.has_failed();
            return Ok(if stops { Err(written) } else { Ok(written) });
        }
        let failed: Rc<RefCell<Option<Written>>> = Rc::default();
        let (job, stopped) = (self.job.clone(), failed.clone());
        let done = self.job.app.write(async move |tx| {
            let written = write(tx, &job, &batch).await?;
            if aborts && written.has_failed() {
                // An error undoes what the batch has written.
                stopped.replace(Some(written));
                return Err(Error::Refused(Code::ImportAborted, String::new()));
            }
            Ok(written)
        });
        match (done.await, failed.take()) {
            (_, Some(written)) => Ok(Err(written)),
            (done, None) => Ok(Ok(done?)),
        }
    }

    /// Ends the one transaction, if there is one: with all that is in it, or without.
    pub async fn end(self, keep: bool) -> Result<()> {
        let Some(mut conn) = self.whole else { return Ok(()) };
        if keep && !self.job.params.is_dry() {
            AnsiTransactionManager::commit_transaction(&mut *conn).await?;
        } else {
            AnsiTransactionManager::rollback_transaction(&mut *conn).await?;
        }
        Ok(())
    }
}

async fn write(tx: &mut Tx, job: &Job, batch: &Batch) -> Result<Written> {
    db::allow_bulk(tx).await?;
    let written = match batch {
        Batch::Articles(rows) => articles::writing::write(tx, &job.params, job.actor, rows).await?,
        Batch::Small(rows) => small::write(tx, job, rows).await?,
    };
    if written.has_changed() {
        // One line for all of them: caches see few invalidations.
        changes::queries::tell_of_many(tx, job.resource.entity()).await?;
    }
    Ok(written)
}
