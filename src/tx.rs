//! The transaction: the only way to change anything.
//!
//! A [`Tx`] carries its connection, the changes to be recorded, and the
//! request's deadline. Rendering, hashing and slug making are done before it
//! begins. Its commit writes the log of its changes in the same round trip, and
//! then brings this node's memory up to date.

use std::cell::OnceCell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};
use futures_util::future::try_join;
use uuid::Uuid;

use crate::app::App;
use crate::changes;
use crate::changes::model::{Actor, Change, Recorded};
use crate::db;
use crate::db::connection::Connection;
use crate::db::pool::ThreadConn;
use crate::deadline::Deadline;
use crate::error::{Error, Result, is_worth_retrying};
use crate::follower::Follower;
use crate::language::{LANGUAGE, Language};
use crate::telemetry::{self, REQUEST_ID};

/// How often a transaction that lost against another one is tried in all.
const MAX_ATTEMPTS: u32 = 3;

/// A transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
pub struct Tx {
    conn: ThreadConn,
    recorded: Vec<Recorded>,
    /// Kinds of things whose lines in the log the caller writes itself.
    touched: Vec<&'static str>,
    now: OnceCell<DateTime<Utc>>,
    follower: Arc<Follower>,
    max_categories: usize,
}

impl Tx {
    /// Begins a transaction on `conn`; BEGIN goes out together with the first statement.
    fn begin(app: &App, conn: ThreadConn) -> Self {
        conn.begin();
        Self {
            conn,
            recorded: Vec::new(),
            touched: Vec::new(),
            now: OnceCell::new(),
            follower: app.follower.clone(),
            max_categories: app.config.database.max_categories,
        }
    }

    /// Categories that the site may have.
    pub const fn max_categories(&self) -> usize {
        self.max_categories
    }

    /// Records a change; its line is written to the log at the commit, with all others.
    pub fn record(&mut self, actor: Actor, change: Change) {
        let ids = vec![change.id];
        self.recorded.push(Recorded { actor, change, ids });
    }

    /// Records a change like `change` of each of `ids`.
    pub fn record_many(&mut self, actor: Actor, change: Change, ids: Vec<Uuid>) {
        self.recorded.push(Recorded { actor, change, ids });
    }

    /// Says that things of this kind change, whose lines in the log are written by the caller's own statement.
    pub fn touch(&mut self, entity: &'static str) {
        self.touched.push(entity);
    }

    /// The time of the transaction by the database's clock: what `now()` is in all its statements.
    /// It is asked for once.
    pub async fn now(&self) -> QueryResult<DateTime<Utc>> {
        match self.now.get() {
            Some(now) => Ok(*now),
            None => {
                let now = db::now(&self.conn).await?;
                Ok(*self.now.get_or_init(|| now))
            }
        }
    }

    /// Runs `step`, and undoes what it did if it fails; the transaction itself goes on.
    pub async fn try_step<T>(&mut self, step: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<Result<T>> {
        self.conn.set_savepoint().await?;
        let recorded = self.recorded.len();
        let done = step(self).await;
        if done.is_ok() {
            self.conn.release_savepoint().await?;
        } else {
            self.conn.return_to_savepoint().await?;
            self.recorded.truncate(recorded);
        }
        Ok(done)
    }

    /// Commits, together with the log of the recorded changes, in one round trip.
    ///
    /// On this node nobody is served anything older from here on; other nodes are notified within milliseconds.
    pub async fn commit(self) -> Result<()> {
        let Self { conn, recorded, touched, follower, .. } = self;
        if recorded.is_empty() && touched.is_empty() {
            return conn.commit().await.map_err(map_commit_error);
        }
        let last = async {
            let log = async {
                if recorded.is_empty() { Ok(()) } else { changes::queries::insert(&conn, &recorded).await }
            };
            // If one of them cannot be sent, neither is COMMIT.
            let take = changes::queries::take_stale_tags(&conn, follower.node());
            try_join(log, take).await.map(|((), stale_tags)| stale_tags)
        };
        // The caller may be dropped before the commit has come back.
        let doubt = Doubt(&follower);
        let committed = conn.commit_after(last).await;
        if committed.as_ref().map_or_else(is_rolled_back, |_| true) {
            std::mem::forget(doubt);
        }
        let stale_tags = committed.map_err(map_commit_error)?;
        let recorded = recorded.iter().map(|recorded| (recorded.change.entity, recorded.ids.as_slice()));
        let touched = touched.into_iter().map(|entity| (entity, [].as_slice()));
        follower.note_commit(touched.chain(recorded), stale_tags);
        Ok(())
    }

    /// Rolls back, so that the connection can be used again.
    pub async fn rollback(self) {
        // A connection that cannot even roll back is dropped by the pool.
        let _ = self.conn.rollback().await;
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }
}

impl App {
    /// Begins a transaction. The caller must end it; [`App::write`] is for all that one closure can do.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx::begin(self, self.writer().await?))
    }

    /// Runs `work` in a transaction: all of it, or none.
    ///
    /// It runs in a task of its own, so a client that hangs up cannot stop it
    /// halfway. A transaction that lost against another one is run again, three
    /// times in all. At the request's deadline it is rolled back: a client that
    /// was told 503 finds nothing written.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + 'static,
        T: 'static,
    {
        self.write_with_attempts(MAX_ATTEMPTS, work).await
    }

    /// As [`App::write`], over connections that are kept for signing in: whatever other writes wait
    /// for, members can sign in, refresh their session and leave.
    pub async fn write_for_sign_in<T, F>(&self, work: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + 'static,
        T: 'static,
    {
        self.run_attempts(MAX_ATTEMPTS, async || self.sign_in_writer().await, work).await
    }

    /// As [`App::write`], tried `attempts` times in all.
    pub async fn write_with_attempts<T, F>(&self, attempts: u32, work: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + 'static,
        T: 'static,
    {
        self.run_attempts(attempts, async || self.writer().await, work).await
    }

    async fn run_attempts<T, F>(
        &self,
        attempts: u32,
        connect: impl AsyncFn() -> Result<ThreadConn>,
        work: F,
    ) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + 'static,
        T: 'static,
    {
        let deadline = Deadline::current();
        let mut attempt = 1;
        let mut work = work;
        loop {
            // Waiting for a connection ends with the client; what follows does not.
            let tx = Tx::begin(self, connect().await?);
            let deadline = deadline.clone();
            let running = async move {
                let done = run(tx, &work, deadline).await;
                (done, work)
            };
            let running = LANGUAGE.scope(Language::current(), running);
            let task = rt::spawn(REQUEST_ID.scope(telemetry::request_id(), running));
            let (done, same_work) = task.await.map_err(|cause| Error::Internal(cause.into()))?;
            work = same_work;
            match done {
                Err(error) if attempt < attempts && is_worth_retrying(&error) => {
                    rt::time::sleep(backoff(attempt)).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }
}

async fn run<T, F>(mut tx: Tx, work: &F, deadline: Option<Deadline>) -> Result<T>
where
    F: AsyncFn(&mut Tx) -> Result<T>,
{
    let worked = match &deadline {
        Some(deadline) => deadline.bound_step(work(&mut tx)).await,
        None => Some(work(&mut tx).await),
    };
    match worked {
        Some(Ok(value)) if deadline.is_none_or(|deadline| deadline.decide()) => {
            tx.commit().await?;
            Ok(value)
        }
        Some(Err(error)) => {
            tx.rollback().await;
            Err(error)
        }
        None | Some(Ok(_)) => {
            // A statement may still be running: closed, the connection takes the transaction along.
            tx.conn.close();
            Err(Error::Unavailable("the request's deadline has passed; rolled back".to_owned()))
        }
    }
}

/// A commit whose outcome is not known yet. Dropped, it never will be.
struct Doubt<'f>(&'f Follower);

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.0.note_unknown_outcome();
    }
}

/// Whether a transaction whose commit failed with `error` has left nothing behind.
fn is_rolled_back(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, _) => {
            !matches!(kind, Kind::UnableToSendCommand | Kind::ClosedConnection)
        }
        other => matches!(other, DieselError::RollbackTransaction),
    }
}

/// A connection that is lost while it commits leaves open whether it has.
fn map_commit_error(error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(Kind::UnableToSendCommand | Kind::ClosedConnection, info) => {
            Error::OutcomeUnknown(format!("database, while committing: {}", info.message()))
        }
        _ => error.into(),
    }
}

/// 10 to 30 ms after the first attempt, 20 to 40 after the second.
pub fn backoff(attempt: u32) -> Duration {
    let jitter = u64::from(Uuid::new_v4().as_bytes()[0]) * 20 / 255;
    Duration::from_millis(u64::from(attempt) * 10 + jitter)
}
