//! A segment: what filters, orders and counts read of it.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::index::{InvertedIndexReader, SegmentId};
use tantivy::postings::SegmentPostings;
use tantivy::schema::{Field as Column, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, Term};
use uuid::Uuid;

use super::docs::Docs;
use super::schema::Columns;
use super::{Filter, Order};

/// Labels whose documents are kept ready.
const MAX_COMMON_LABELS: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not zero");
/// A label is common if one document in so many has it.
const MIN_SHARE: u32 = 32;

/// Ids of documents that are read in the time in which one document is looked for by its id.
const READS_PER_LOOKUP: usize = 16;

/// Documents of a segment in which looking for a label takes long.
const MIN_SEGMENT: u32 = 10_000;

/// The documents of common labels, by segment: its postings never change.
pub type CommonLabels = Mutex<LruCache<(SegmentId, String), Arc<Docs>>>;

/// No labels yet.
pub fn no_labels() -> CommonLabels {
    Mutex::new(LruCache::new(MAX_COMMON_LABELS))
}

/// A part of the index.
pub struct Segment<'i> {
    /// What reads it.
    pub reader: &'i SegmentReader,
    /// The columns of the index.
    pub columns: &'i Columns,
    common_labels: &'i CommonLabels,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
}

/// Calls `visit` with each document of `postings`.
pub fn each_doc(postings: &mut SegmentPostings, mut visit: impl FnMut(u32, &mut SegmentPostings)) {
    while postings.doc() != tantivy::TERMINATED {
        visit(postings.doc(), postings);
        postings.advance();
    }
}

impl<'i> Segment<'i> {
    /// Opens what `reader` reads.
    pub fn open(
        reader: &'i SegmentReader,
        columns: &'i Columns,
        common_labels: &'i CommonLabels,
    ) -> tantivy::Result<Self> {
        let id = |name| reader.fast_fields().column_first_or_default::<u64>(name);
        Ok(Self { reader, columns, common_labels, id_high: id("id_high")?, id_low: id("id_low")? })
    }

    /// The number of documents, with those that were removed.
    pub fn end(&self) -> u32 {
        self.reader.max_doc()
    }

    /// A document's id.
    pub fn id(&self, doc: u32) -> Uuid {
        Uuid::from_u64_pair(self.id_high.get_val(doc), self.id_low.get_val(doc))
    }

    /// The times that an order is by.
    pub fn times(&self, order: Order) -> tantivy::Result<Arc<dyn ColumnValues<i64>>> {
        self.time(match order {
            Order::Relevance | Order::BeginsAt { .. } => "begins_at",
            Order::UpdatedAt { .. } => "updated_at",
            Order::CreatedAt { .. } => "created_at",
        })
    }

    fn time(&self, name: &str) -> tantivy::Result<Arc<dyn ColumnValues<i64>>> {
        self.reader.fast_fields().column_first_or_default::<i64>(name)
    }

    /// The views of documents.
    pub fn popularity(&self) -> tantivy::Result<Arc<dyn ColumnValues<u64>>> {
        self.reader.fast_fields().column_first_or_default::<u64>("popularity")
    }

    /// The labels of documents.
    pub fn labels(&self) -> tantivy::Result<Option<StrColumn>> {
        self.reader.fast_fields().str("labels")
    }

    /// The terms of a column.
    pub fn terms(&self, column: Column) -> tantivy::Result<Arc<InvertedIndexReader>> {
        self.reader.inverted_index(column)
    }

    /// The documents with a term.
    pub fn postings(&self, term: &Term) -> tantivy::Result<Option<SegmentPostings>> {
        Ok(self.terms(term.field())?.read_postings(term, IndexRecordOption::Basic)?)
    }

    /// The documents that pass `filter` and are not in `without`.
    pub fn select(&self, filter: &Filter, without: &HashSet<Uuid>) -> tantivy::Result<Docs> {
        let mut docs = self.select_by_labels(filter)?;
        self.keep_timed(filter, &mut docs)?;
        self.leave_out(without, &mut docs)?;
        Ok(docs)
    }

    /// The documents that pass `filter` whatever the times are that it asks for of all: [`Segment::keep_timed`] keeps these.
    pub fn select_by_labels(&self, filter: &Filter) -> tantivy::Result<Docs> {
        let mut docs = Docs::all(self.end());
        let conditions = filter.list_conditions();
        for condition in conditions.into_iter().filter(|condition| !condition.is_of_time()) {
            docs.intersect(&*self.filter(condition)?);
        }
        if let Some(alive) = self.reader.alive_bitset() {
            for doc in (0..self.end()).filter(|doc| alive.is_deleted(*doc)) {
                docs.remove(doc);
            }
        }
        Ok(docs)
    }

    /// Removes the documents that are in `without`: each is looked for by its id, or, where that would be more work, the id of
    /// each document is read.
    pub fn leave_out(&self, without: &HashSet<Uuid>, docs: &mut Docs) -> tantivy::Result<()> {
        if without.len().saturating_mul(READS_PER_LOOKUP) > docs.len() {
            docs.retain(|doc| !without.contains(&self.id(doc)));
            return Ok(());
        }
        for id in without {
            if let Some(mut postings) = self.postings(&self.columns.id_term(*id))? {
                each_doc(&mut postings, |doc, _| docs.remove(doc));
            }
        }
        Ok(())
    }

    /// Keeps the documents of the times that `filter` asks for of all. Few documents are looked at if few are left.
    pub fn keep_timed(&self, filter: &Filter, docs: &mut Docs) -> tantivy::Result<()> {
        for condition in filter.list_conditions() {
            match condition {
                Filter::BeginsBefore(time) => self.keep(docs, "begins_at", |begins_at| begins_at < *time)?,
                Filter::BeginsFrom(time) => self.keep(docs, "begins_at", |begins_at| begins_at >= *time)?,
                Filter::EndsAfter(time) => self.keep(docs, "ends_at", |ends_at| ends_at > *time)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps the documents whose time `passes`, which either no time does before, or none after, one that does.
    fn keep(&self, docs: &mut Docs, name: &str, passes: impl Fn(i64) -> bool) -> tantivy::Result<()> {
        let times = self.time(name)?;
        if passes(times.min_value()) && passes(times.max_value()) {
            // Most segments have no document that is yet to come, or is over.
            return Ok(());
        }
        docs.retain(|doc| passes(times.get_val(doc)));
        Ok(())
    }

    fn filter(&self, filter: &Filter) -> tantivy::Result<Arc<Docs>> {
        let docs = match filter {
            Filter::Everything => Docs::all(self.end()),
            Filter::Label(label) => return self.labelled(label),
            Filter::AnyOf(labels) => {
                let mut docs = Docs::none(self.end());
                for label in labels {
                    docs.unite(&*self.labelled(label)?);
                }
                docs
            }
            Filter::BeginsBefore(_) | Filter::BeginsFrom(_) | Filter::EndsAfter(_) => {
                let mut docs = Docs::all(self.end());
                self.keep_timed(filter, &mut docs)?;
                docs
            }
            Filter::All(_) => self.select(filter, &HashSet::new())?,
            Filter::Any(filters) => {
                let mut docs = Docs::none(self.end());
                for filter in filters {
                    docs.unite(&*self.filter(filter)?);
                }
                docs
            }
            Filter::Not(filter) => {
                let mut docs = (*self.filter(filter)?).clone();
                docs.negate();
                docs
            }
        };
        Ok(Arc::new(docs))
    }

    /// The documents with a label. Those of a common one are kept ready: nearly every search asks for them.
    fn labelled(&self, label: &str) -> tantivy::Result<Arc<Docs>> {
        let key = (self.reader.segment_id(), label.to_owned());
        if let Some(docs) = self.common_labels.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(docs.clone());
        }
        let mut docs = Docs::none(self.end());
        let postings = self.postings(&Term::from_field_text(self.columns.labels, label))?;
        let is_common = self.end() >= MIN_SEGMENT
            && postings.as_ref().is_some_and(|postings| postings.doc_freq() >= self.end() / MIN_SHARE);
        if let Some(mut postings) = postings {
            each_doc(&mut postings, |doc, _| docs.insert(doc));
        }
        let docs = Arc::new(docs);
        if is_common {
            let mut common = self.common_labels.lock().unwrap_or_else(PoisonError::into_inner);
            common.put(key, docs.clone());
        }
        Ok(docs)
    }
}
