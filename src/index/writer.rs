//! Changes of an index: documents put and removed, and commits.
//!
//! Tantivy indexes on a thread of its own, which takes its priority from the thread that starts it. Whatever starts
//! one therefore runs on a thread of low priority: not of the lowest, with which a busy server would never find what has
//! changed.

use std::panic::resume_unwind;
use std::sync::PoisonError;

use tantivy::indexer::IndexWriterOptions;
use uuid::Uuid;

use super::merging::Merging;
use super::store::{Index, WriterState, guard, seal_position};
use super::{Document, Result};
use crate::priority::be_modest;

/// Bytes of terms in memory, from which they are written to a segment. The larger a segment, the more of its documents share
/// a term, and what a term costs.
const MEMORY_BYTES: usize = 32 << 20;
/// Bytes of texts that may wait for the indexing thread.
const MAX_WAITING_BYTES: usize = 10 << 20;
/// What changes an [`Index`]. Changes of several writers of one index are committed together.
pub struct IndexWriter(Index);

/// Runs `work` on a thread of low priority, and waits for it.
fn run_quietly<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let run = || {
        be_modest();
        work()
    };
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

/// The writer of Tantivy, which is started if there is none.
fn start<'s>(index: &Index, state: &'s mut WriterState) -> tantivy::Result<&'s mut tantivy::IndexWriter> {
    if state.writer.is_none() {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(MEMORY_BYTES)
            .build();
        let writer = run_quietly(|| index.store().index.writer_with_options(options))?;
        writer.set_merge_policy(Box::new(Merging::default()));
        state.writer = Some(writer);
    }
    state.writer.as_mut().ok_or_else(|| tantivy::TantivyError::SystemError("no writer".to_owned()))
}

impl Index {
    /// What changes this index.
    pub fn writer(&self) -> IndexWriter {
        IndexWriter(self.clone())
    }
}

impl IndexWriter {
    /// Runs `work` with the state. After a fault, all that was put since the last commit is gone.
    fn change<T>(&self, work: impl FnOnce(&Index, &mut WriterState) -> tantivy::Result<T>) -> Result<T> {
        let mut state = self.0.store().writer.lock().unwrap_or_else(PoisonError::into_inner);
        let result = guard(|| work(&self.0, &mut state));
        if result.is_err() {
            // Dropping it may panic as well.
            let broken = std::mem::take(&mut *state);
            let _ = guard(|| {
                drop(broken);
                Ok(())
            });
        }
        result
    }

    /// Adds a document, or replaces the one with its id, at the next commit.
    pub fn put(&mut self, document: Document) -> Result<()> {
        let written = self.0.store().columns.write(&document);
        let bytes = document.title.len()
            + document.summary.len()
            + document.body.iter().map(String::len).sum::<usize>()
            + 1024;
        self.change(|index, state| {
            let id = index.store().columns.id_term(document.id);
            let writer = start(index, state)?;
            writer.delete_term(id);
            writer.add_document(written)?;
            state.waiting_bytes += bytes;
            if state.waiting_bytes > MAX_WAITING_BYTES {
                state.waiting_bytes = 0;
                // This waits until all is in a segment, which searches do not see yet.
                let writer = start(index, state)?;
                run_quietly(|| writer.prepare_commit().map(drop))?;
            }
            Ok(())
        })
    }

    /// Removes a document at the next commit.
    pub fn remove(&mut self, id: Uuid) -> Result<()> {
        self.change(|index, state| {
            let id = index.store().columns.id_term(id);
            start(index, state)?.delete_term(id);
            Ok(())
        })
    }

    /// Gives back the memory and the threads that changes take. The next change takes them again. What was put since the
    /// last commit is gone.
    pub fn rest(&mut self) -> Result<()> {
        self.change(|_, state| {
            let resting = std::mem::take(state);
            resting.writer.map_or(Ok(()), tantivy::IndexWriter::wait_merging_threads)
        })
    }

    /// Keeps what was put and removed, with `position`. Searches see it when this returns.
    pub fn commit(&mut self, position: &str) -> Result<()> {
        self.change(|index, state| {
            state.waiting_bytes = 0;
            let writer = start(index, state)?;
            run_quietly(|| {
                let mut prepared = writer.prepare_commit()?;
                prepared.set_payload(&seal_position(position));
                prepared.commit()
            })?;
            index.show_commit(position)
        })
    }
}
