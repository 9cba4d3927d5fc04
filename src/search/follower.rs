//! Keeps the index of a process true: builds it, and then follows the change log.
//!
//! The index and the position of the log that it has reached are committed together. A process that ends at any moment
//! goes on from there at its next start. An index that cannot be used (damaged, of another version, of another database,
//! or older than the log reaches back) is built again from the tables.

use std::collections::HashSet;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use super::SEARCH_TAG;
use super::documents::make_document;
use super::folder::IndexFolder;
use super::queries::{self, Base, Table, TextRow};
use crate::app::App;
use crate::changes::queries::position;
use crate::db::connection::Connection;
use crate::db::pool;
use crate::index::live::Look;
use crate::index::{Index, IndexWriter};
use crate::priority::PauseTimer;

/// How often the log is looked at, for the changes of other processes.
const LOOK_INTERVAL: Duration = Duration::from_millis(150);
/// How long changes of this process are gathered before a look.
const GATHER_DELAY: Duration = Duration::from_millis(100);
/// How long work on the index takes before the log is looked at beside it. A search waits longer.
const LONG_WORK: Duration = Duration::from_millis(500);
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// Looks that failed in a row, after which the index is built again.
const MAX_FAILED_LOOKS: usize = 3;
/// The pause before another attempt.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The longest pause after an index could not be built.
const MAX_BUILD_DELAY: Duration = Duration::from_secs(60);
/// Rows that are read at a time.
const BATCH_ROWS: usize = 200;
/// Documents between two commits while an index is built, or many changes are followed.
const COMMIT_DOCUMENTS: usize = 20_000;
/// How often the position is committed though nothing has changed.
const POSITION_INTERVAL: Duration = Duration::from_secs(3600);
/// How long after the last change the memory for changes is given back.
const REST_AFTER: Duration = Duration::from_secs(5);
/// The age of an index that is followed from where it stands. The log reaches back a day.
const MAX_AGE: Duration = Duration::from_secs(12 * 3600);

/// Follows the database at `url` for ever, with the index below `root`.
pub async fn follow(app: Arc<App>, url: String, root: PathBuf) {
    let mut failures = Failures::default();
    let folder = loop {
        match IndexFolder::take(&root) {
            Ok(folder) => break folder,
            Err(cause) => failures.note(&format!("{}: {cause} (--index-dir)", root.display())),
        }
        sleep(RETRY_DELAY).await;
    };
    let folder = Arc::new(folder);
    let mut following = Following { app, url, folder, base: None, failures, failed_looks: 0 };
    loop {
        if let Err(cause) = following.run().await {
            following.failures.note(&format!("{cause:#}"));
        }
        sleep(RETRY_DELAY).await;
    }
}

/// Failures in a row.
#[derive(Default)]
struct Failures {
    count: usize,
}

impl Failures {
    /// Logs the first one.
    fn note(&mut self, cause: &str) {
        if self.count == 0 {
            tracing::warn!(cause, "The search index is not kept up to date; trying again every second");
        }
        self.count += 1;
    }

    /// Ends them.
    fn end(&mut self) {
        if self.count > 0 {
            tracing::info!(failures = self.count, "The search index is kept up to date again");
        }
        self.count = 0;
    }
}

/// The state of a follower.
struct Following {
    app: Arc<App>,
    /// The database.
    url: String,
    folder: Arc<IndexFolder>,
    /// What the index in use was built on.
    base: Option<Base>,
    failures: Failures,
    /// Looks in a row that were begun and did not end well.
    failed_looks: usize,
}

impl Following {
    /// Opens or builds the index, and follows the log until something fails.
    async fn run(&mut self) -> anyhow::Result<()> {
        let conn = pool::open(self.url.clone()).await?;
        let base = queries::load_base(&conn).await?;
        if self.base.as_ref() != Some(&base) || self.app.search.index().is_none() {
            self.open(&conn, base).await?;
        } else if self.failed_looks >= MAX_FAILED_LOOKS {
            // More may have changed than one look can tell.
            self.build(&conn).await?;
        }
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut committed_at, mut is_resting) = (Instant::now(), false);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                // A commit of the index costs the same for one change and for a hundred.
                () = self.app.search.changed() => sleep(GATHER_DELAY).await,
            }
            let index = match self.app.search.index() {
                Some(index) => index,
                // It has failed while somebody searched.
                None => self.build(&conn).await?,
            };
            self.failed_looks += 1;
            if self.look(&conn, &index, committed_at.elapsed() >= POSITION_INTERVAL).await? {
                (committed_at, is_resting) = (Instant::now(), false);
            } else if !is_resting && committed_at.elapsed() >= REST_AFTER {
                let mut writer = index.writer();
                spawn_blocking(move || writer.rest()).await??;
                is_resting = true;
            }
            self.failed_looks = 0;
            self.failures.end();
        }
    }

    /// Uses the index in the folder, if there is one that can be used, and builds one otherwise.
    async fn open(&mut self, conn: &Connection, base: Base) -> anyhow::Result<()> {
        // One that cannot be used any more has to go first: it holds its folder.
        self.app.search.remove();
        let (folder, identity) = (self.folder.clone(), base.identity());
        let Some((index, age)) = spawn_blocking(move || folder.open(&identity)).await?? else {
            return self.build(conn).await.map(drop);
        };
        self.app.search.replace_by_old(index);
        if age > MAX_AGE {
            return self.build(conn).await.map(drop);
        }
        self.base = Some(base);
        Ok(())
    }

    /// Looks at the log once, and brings the index to what is found. Returns whether that was committed.
    async fn look(&mut self, conn: &Connection, index: &Index, is_commit_due: bool) -> anyhow::Result<bool> {
        let began = self.app.search.begin_look();
        let before = index.position().unwrap_or_default();
        let look = timeout(LOOK_TIMEOUT, queries::look_since(conn, &before)).await??;
        let (Some(look), Some(base)) = (look, self.base.clone()) else {
            self.build(conn).await?;
            return Ok(true);
        };
        if !look.is_incomplete {
            self.app.search.note_found(began, &look.ids);
        }
        if look.is_incomplete || look.is_rebuild_wanted || look.timezone != base.timezone {
            self.build(conn).await?;
            return Ok(true);
        }
        if look.ids.is_empty() && !is_commit_due {
            self.end_look(began);
            return Ok(false);
        }
        let since = Some(look.position.clone());
        self.look_meanwhile(since, self.renew(conn, index.writer(), look, &before, &base)).await?;
        self.end_look(began);
        Ok(true)
    }

    /// Brings the index from the position `before` to what a look has found.
    async fn renew(
        &self,
        conn: &Connection,
        mut writer: IndexWriter,
        look: queries::Look,
        before: &str,
        base: &Base,
    ) -> anyhow::Result<()> {
        let (mut left, mut count) = (look.ids, 0);
        while !left.is_empty() {
            let some = &left[..left.len().min(BATCH_ROWS)];
            let rows = queries::load_by_ids(conn, some).await?;
            // What is not there any more; and then the rest that was not loaded yet.
            let gone = if rows.is_empty() { some.to_vec() } else { Vec::new() };
            let done: HashSet<Uuid> = rows.iter().map(|row| row.id).chain(gone.iter().copied()).collect();
            left.retain(|id| !done.contains(id));
            let is_full = (count + done.len()) / COMMIT_DOCUMENTS > count / COMMIT_DOCUMENTS;
            count += done.len();
            let position = Some(before.to_owned()).filter(|_| is_full && !left.is_empty());
            writer = self.put(writer, gone, rows, base, position).await?;
        }
        spawn_blocking(move || writer.commit(&look.position)).await??;
        Ok(())
    }

    /// Does `work` on the index, and looks meanwhile at the log behind the position `since`: what is touched before the work
    /// ends is left out of searches, and no search waits for its end.
    async fn look_meanwhile<T>(
        &self,
        since: Option<String>,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let Some(mut since) = since else { return work.await };
        let mut work = pin!(work);
        let looking = async {
            loop {
                // Most work takes less. An attempt that fails is followed by another.
                sleep(LONG_WORK).await;
                if let Err(cause) = self.keep_looking(&mut since).await {
                    tracing::debug!(%cause, "A look beside work on the search index has failed");
                }
            }
        };
        tokio::select! {
            done = &mut work => done,
            () = looking => work.await,
        }
    }

    /// Looks at the log behind the position `since` again and again, over a connection of its own, and notes what it finds.
    async fn keep_looking(&self, since: &mut String) -> anyhow::Result<()> {
        let conn = pool::open(self.url.clone()).await?;
        loop {
            let began = self.app.search.begin_look();
            let look = timeout(LOOK_TIMEOUT, queries::look_since(&conn, since)).await??;
            // Behind one that is incomplete, nothing is known.
            if let Some(look) = look.filter(|look| !look.is_incomplete) {
                self.app.search.note_found(began, &look.ids);
                *since = look.position;
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Ends a look, and drops the answers that left out what it has brought to the index.
    ///
    /// A look can find a commit before the follower of snapshots does; what is noted then only the next look ends.
    fn end_look(&self, began: Look) {
        if self.app.search.end_look(began) {
            self.app.follower.forget_tags(&[SEARCH_TAG.to_owned()]);
        }
    }

    /// Builds an index from the tables, and uses it from then on. Until then the one before is used, if there is one.
    ///
    /// What was built in vain is removed, and as long as that took, nothing is built again.
    async fn build(&mut self, conn: &Connection) -> anyhow::Result<Index> {
        let base = queries::load_base(conn).await?;
        let (began, began_at) = (self.app.search.begin_look(), Instant::now());
        let index = self.folder.create(&base.identity()).context("making a search index")?;
        let since = self.app.search.index().and_then(|used| used.position());
        let filled = self.look_meanwhile(since, self.fill(conn, index.writer(), &base)).await;
        if let Err(cause) = filled {
            drop(index);
            self.folder.remove_newest().context("removing a search index that was not finished")?;
            sleep(began_at.elapsed().min(MAX_BUILD_DELAY)).await;
            return Err(cause);
        }
        self.base = Some(base);
        self.app.search.replace(index.clone());
        // What was touched before the building began is in it.
        self.app.search.end_look(began);
        self.app.follower.forget_tags(&[SEARCH_TAG.to_owned()]);
        self.folder.remove_old().context("removing the search index before")?;
        let seconds = began_at.elapsed().as_secs_f32();
        tracing::info!(documents = index.documents(), seconds, "The search index is built");
        Ok(index)
    }

    /// Puts all that the tables have into an index, and commits it.
    async fn fill(&self, conn: &Connection, mut writer: IndexWriter, base: &Base) -> anyhow::Result<()> {
        let position = position(conn).await?;
        let mut count = 0;
        for table in [Table::Articles, Table::Notices] {
            let mut after = Uuid::nil();
            loop {
                let rows = queries::load_after(conn, table, after, BATCH_ROWS as i64).await?;
                let Some(last) = rows.last() else { break };
                after = last.id;
                count += rows.len();
                let is_full = count % COMMIT_DOCUMENTS < rows.len();
                // Without a position, it is not taken for a whole index.
                let position = is_full.then(String::new);
                writer = self.put(writer, Vec::new(), rows, base, position).await?;
            }
        }
        spawn_blocking(move || writer.commit(&position)).await??;
        Ok(())
    }

    /// Puts `rows` into the index, and removes the documents `gone`; commits `position`, if there is one.
    async fn put(
        &self,
        mut writer: IndexWriter,
        gone: Vec<Uuid>,
        rows: Vec<TextRow>,
        base: &Base,
        position: Option<String>,
    ) -> anyhow::Result<IndexWriter> {
        let timezone = base.timezone();
        let work = move || {
            let _pauses = PauseTimer::start();
            for id in gone {
                writer.remove(id)?;
            }
            for row in rows {
                writer.put(make_document(row, timezone))?;
            }
            if let Some(position) = position {
                writer.commit(&position)?;
            }
            anyhow::Ok(writer)
        };
        spawn_blocking(work).await?
    }
}
