//! A segment: what filters, orders and counts read of it.

use std::collections::HashSet;
use std::sync::Arc;

use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::index::InvertedIndexReader;
use tantivy::postings::SegmentPostings;
use tantivy::schema::{Field as Column, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, Term};
use uuid::Uuid;

use super::docs::Docs;
use super::schema::Columns;
use super::{Filter, Order};

/// A part of the index.
pub struct Segment<'i> {
    /// What reads it.
    pub reader: &'i SegmentReader,
    /// The columns of the index.
    pub columns: &'i Columns,
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
    pub fn open(reader: &'i SegmentReader, columns: &'i Columns) -> tantivy::Result<Self> {
        let id = |name| reader.fast_fields().column_first_or_default::<u64>(name);
        Ok(Self { reader, columns, id_high: id("id_high")?, id_low: id("id_low")? })
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
        let mut docs = self.filter(filter)?;
        if let Some(alive) = self.reader.alive_bitset() {
            for doc in (0..self.end()).filter(|doc| alive.is_deleted(*doc)) {
                docs.remove(doc);
            }
        }
        for id in without {
            if let Some(mut postings) = self.postings(&self.columns.id_term(*id))? {
                each_doc(&mut postings, |doc, _| docs.remove(doc));
            }
        }
        Ok(docs)
    }

    fn filter(&self, filter: &Filter) -> tantivy::Result<Docs> {
        match filter {
            Filter::Everything => Ok(Docs::all(self.end())),
            Filter::Label(label) => self.labelled(std::slice::from_ref(label)),
            Filter::AnyOf(labels) => self.labelled(labels),
            Filter::BeginsBefore(time) => self.timed("begins_at", |begins_at| begins_at < *time),
            Filter::BeginsFrom(time) => self.timed("begins_at", |begins_at| begins_at >= *time),
            Filter::EndsAfter(time) => self.timed("ends_at", |ends_at| ends_at > *time),
            Filter::All(filters) => {
                let mut docs = Docs::all(self.end());
                for filter in filters {
                    docs.intersect(&self.filter(filter)?);
                }
                Ok(docs)
            }
            Filter::Any(filters) => {
                let mut docs = Docs::none(self.end());
                for filter in filters {
                    docs.unite(&self.filter(filter)?);
                }
                Ok(docs)
            }
            Filter::Not(filter) => {
                let mut docs = self.filter(filter)?;
                docs.negate();
                Ok(docs)
            }
        }
    }

    fn labelled(&self, labels: &[String]) -> tantivy::Result<Docs> {
        let mut docs = Docs::none(self.end());
        for label in labels {
            if let Some(mut postings) = self.postings(&Term::from_field_text(self.columns.labels, label))? {
                each_doc(&mut postings, |doc, _| docs.insert(doc));
            }
        }
        Ok(docs)
    }

    fn timed(&self, name: &str, passes: impl Fn(i64) -> bool) -> tantivy::Result<Docs> {
        let times = self.time(name)?;
        let mut docs = Docs::none(self.end());
        (0..self.end()).filter(|doc| passes(times.get_val(*doc))).for_each(|doc| docs.insert(doc));
        Ok(docs)
    }
}
