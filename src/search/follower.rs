//! Keeps the index of a process true: builds it, and then follows the change log.
//!
//! The index and the position of the log that it has reached are committed together. A process that ends at any moment
//! goes on from there at its next start. An index that cannot be used (damaged, of another version, of another database,
//! or older than the log reaches back) is built again from the tables.

use std::path::PathBuf;
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
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// Looks that failed in a row, after which the index is built again.
const MAX_FAILED_LOOKS: usize = 3;
/// The pause before another attempt.
const RETRY_DELAY: Duration = Duration::from_secs(1);
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
    let mut following = Following { app, folder, base: None, failures, failed_looks: 0 };
    loop {
        if let Err(cause) = following.run(&url).await {
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
    folder: IndexFolder,
    /// What the index in use was built on.
    base: Option<Base>,
    failures: Failures,
    /// Looks in a row that were begun and did not end well.
    failed_looks: usize,
}

impl Following {
    /// Opens or builds the index, and follows the log until something fails.
    async fn run(&mut self, url: &str) -> anyhow::Result<()> {
        let conn = pool::open(url.to_owned()).await?;
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
        let Some((index, age)) = self.folder.open(&base.identity())? else {
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
        let mut writer = index.writer();
        for (at, ids) in look.ids.chunks(BATCH_ROWS).enumerate() {
            let rows = queries::load_by_ids(conn, ids).await?;
            let is_last = (at + 1) * BATCH_ROWS >= look.ids.len();
            let is_full = (at + 1) % (COMMIT_DOCUMENTS / BATCH_ROWS) == 0;
            let position = Some(before.clone()).filter(|_| is_full && !is_last);
            writer = self.put(writer, ids.to_vec(), rows, &base, position).await?;
        }
        let position = look.position;
        spawn_blocking(move || writer.commit(&position)).await??;
        self.end_look(began);
        Ok(true)
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
    async fn build(&mut self, conn: &Connection) -> anyhow::Result<Index> {
        let base = queries::load_base(conn).await?;
        let (began, began_at) = (self.app.search.begin_look(), Instant::now());
        let (folder, identity) = (&self.folder, base.identity());
        let index = folder.create(&identity).context("making a search index")?;
        let position = position(conn).await?;
        let mut writer = index.writer();
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
                writer = self.put(writer, Vec::new(), rows, &base, position).await?;
            }
        }
        spawn_blocking(move || writer.commit(&position)).await??;
        self.base = Some(base);
        self.app.search.replace(index.clone());
        // What was touched before the building began is in it.
        self.app.search.end_look(began);
        self.app.follower.forget_tags(&[SEARCH_TAG.to_owned()]);
        self.folder.remove_old().context("removing the search index before")?;
        let seconds = began_at.elapsed().as_secs_f32();
        tracing::info!(documents = count, seconds, "The search index is built");
        Ok(index)
    }

    /// Puts `rows` into the index, in the place of the documents `ids`; commits `position`, if there is one.
    async fn put(
        &self,
        mut writer: IndexWriter,
        ids: Vec<Uuid>,
        rows: Vec<TextRow>,
        base: &Base,
        position: Option<String>,
    ) -> anyhow::Result<IndexWriter> {
        let timezone = base.timezone();
        let work = move || {
            let _pauses = PauseTimer::start();
            for id in ids.into_iter().filter(|id| !rows.iter().any(|row| row.id == *id)) {
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
