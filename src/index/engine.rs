//! The index of this commit: documents in memory.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::highlight::find_word;
use super::query::Word;
use super::tokens::Units;
use super::{Document, Field, Filter, Hit, Hits, OpenError, Order, Query, Result, Search};

/// Documents in a folder. Cheap to clone.
#[derive(Clone, Default)]
pub struct Index(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    documents: BTreeMap<Uuid, Document>,
    pending: Vec<(Uuid, Option<Document>)>,
    position: Option<String>,
    generation: u64,
}

/// What changes an [`Index`].
pub struct IndexWriter(Index);

impl Document {
    fn texts(&self, field: Field) -> Vec<&str> {
        match field {
            Field::Title => vec![&self.title],
            Field::Summary => vec![&self.summary],
            Field::Body => self.body.iter().map(String::as_str).collect(),
            Field::Tags => self.tags.iter().map(String::as_str).collect(),
            Field::Author => vec![&self.author],
            Field::Source => vec![&self.source],
        }
    }

    fn count(&self, word: &Word) -> usize {
        let fields = Field::ALL.into_iter().filter(|field| word.field.is_none_or(|only| only == *field));
        fields.flat_map(|field| self.texts(field)).map(|text| find_word(word, &Units::cut(text)).len()).sum()
    }

    fn passes(&self, filter: &Filter) -> bool {
        match filter {
            Filter::Everything => true,
            Filter::Label(label) => self.labels.contains(label),
            Filter::AnyOf(labels) => labels.iter().any(|label| self.labels.contains(label)),
            Filter::BeginsBefore(time) => self.begins_at < *time,
            Filter::BeginsFrom(time) => self.begins_at >= *time,
            Filter::EndsAfter(time) => self.ends_at > *time,
            Filter::All(filters) => filters.iter().all(|filter| self.passes(filter)),
            Filter::Any(filters) => filters.iter().any(|filter| self.passes(filter)),
            Filter::Not(filter) => !self.passes(filter),
        }
    }

    fn time(&self, order: Order) -> i64 {
        match order {
            Order::Relevance | Order::BeginsAt { .. } => self.begins_at,
            Order::UpdatedAt { .. } => self.updated_at,
            Order::CreatedAt { .. } => self.created_at,
        }
    }
}

impl Index {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the index in `folder`, if it is one of this identity and format.
    pub fn open(_folder: &Path, _identity: &str) -> std::result::Result<Self, OpenError> {
        Err(OpenError::NotUsable("not kept".to_owned()))
    }

    /// Makes a new, empty index in `folder`.
    pub fn create(_folder: &Path, _identity: &str) -> std::result::Result<Self, OpenError> {
        Ok(Self::default())
    }

    /// The position that was committed with the documents.
    pub fn position(&self) -> Option<String> {
        self.held().position.clone()
    }

    /// Answers a search. Blocks, and computes.
    pub fn search(&self, search: &Search<'_>) -> Result<Hits> {
        let held = self.held();
        let mut found: Vec<(&Document, Hit)> = Vec::new();
        for document in held.documents.values() {
            if search.without.contains(&document.id) || !document.passes(search.filter) {
                continue;
            }
            let mut score = 1.0;
            if let Some(query) = search.query {
                let counts: Vec<usize> = query.words.iter().map(|word| document.count(word)).collect();
                if counts.contains(&0) || query.excluded.iter().any(|word| document.count(word) > 0) {
                    continue;
                }
                score = counts.iter().sum::<usize>() as f32;
            }
            found.push((document, Hit { id: document.id, score, time: document.time(search.order) }));
        }
        let mut labels: BTreeMap<&str, u64> = BTreeMap::new();
        for label in found.iter().flat_map(|(document, _)| &document.labels) {
            if search.count_labels.iter().any(|prefix| label.starts_with(prefix)) {
                *labels.entry(label).or_default() += 1;
            }
        }
        let mut labels: Vec<(String, u64)> =
            labels.into_iter().map(|(label, count)| (label.to_owned(), count)).collect();
        labels.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let total = search.count.then_some(found.len() as u64);
        let mut hits: Vec<Hit> = found.into_iter().map(|(_, hit)| hit).collect();
        let descending = match search.order {
            Order::Relevance => true,
            Order::BeginsAt { descending }
            | Order::UpdatedAt { descending }
            | Order::CreatedAt { descending } => descending,
        };
        let key = |hit: &Hit| (hit.time, hit.id);
        hits.sort_by(|a, b| {
            let score = if search.order == Order::Relevance {
                a.score.total_cmp(&b.score)
            } else {
                std::cmp::Ordering::Equal
            };
            let order = score.then(key(a).cmp(&key(b)));
            if descending { order.reverse() } else { order }
        });
        if let Some(after) = search.after.filter(|_| search.order != Order::Relevance) {
            hits.retain(|hit| if descending { key(hit) < after } else { key(hit) > after });
        }
        hits.truncate(search.top);
        Ok(Hits { hits, total, labels })
    }

    /// All documents that are found. `None` if they are more than `most`.
    pub fn find_all(
        &self,
        query: &Query,
        filter: &Filter,
        without: &HashSet<Uuid>,
        most: usize,
    ) -> Result<Option<Vec<Uuid>>> {
        let order = Order::CreatedAt { descending: false };
        let search = Search {
            query: Some(query),
            filter,
            without,
            order,
            after: None,
            top: most + 1,
            count: false,
            count_labels: &[],
            now: 0,
        };
        let hits = self.search(&search)?.hits;
        Ok((hits.len() <= most).then(|| hits.into_iter().map(|hit| hit.id).collect()))
    }

    /// Documents with a completion that begins with one of the prefixes, most popular first.
    pub fn complete(
        &self,
        prefixes: &[String],
        filter: &Filter,
        without: &HashSet<Uuid>,
        top: usize,
    ) -> Result<Vec<Uuid>> {
        let held = self.held();
        let completes = |document: &&Document| {
            let begins = |key: &String| prefixes.iter().any(|prefix| key.starts_with(prefix));
            !without.contains(&document.id)
                && document.passes(filter)
                && document.completions.iter().any(begins)
        };
        let mut found: Vec<&Document> = held.documents.values().filter(completes).collect();
        found.sort_by_key(|document| {
            std::cmp::Reverse((document.popularity, document.begins_at, document.id))
        });
        Ok(found.into_iter().take(top).map(|document| document.id).collect())
    }

    /// Documents that share numbers of `likeness`, and how many; most first.
    pub fn find_alike(&self, likeness: &[u64], filter: &Filter, top: usize) -> Result<Vec<(Uuid, usize)>> {
        let held = self.held();
        let passing = held.documents.values().filter(|document| document.passes(filter));
        let shared = |document: &Document| document.likeness.iter().filter(|n| likeness.contains(n)).count();
        let mut found: Vec<(Uuid, usize)> =
            passing.map(|document| (document.id, shared(document))).filter(|(_, n)| *n > 0).collect();
        found.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        found.truncate(top);
        Ok(found)
    }

    /// A spelling of the query that finds something, for one that finds nothing.
    pub fn find_spelling(&self, _query: &Query, _filter: &Filter) -> Option<String> {
        None
    }

    /// Grows with each commit that searches see.
    pub fn generation(&self) -> u64 {
        self.held().generation
    }

    /// The number of documents.
    pub fn documents(&self) -> u64 {
        self.held().documents.len() as u64
    }

    /// The bytes that the index takes in its folder.
    pub fn bytes_on_disk(&self) -> u64 {
        0
    }

    /// What changes this index.
    pub fn writer(&self) -> IndexWriter {
        IndexWriter(self.clone())
    }
}

impl IndexWriter {
    /// Adds a document, or replaces the one with its id, at the next commit.
    pub fn put(&mut self, document: Document) -> Result<()> {
        self.0.held().pending.push((document.id, Some(document)));
        Ok(())
    }

    /// Removes a document at the next commit.
    pub fn remove(&mut self, id: Uuid) -> Result<()> {
        self.0.held().pending.push((id, None));
        Ok(())
    }

    /// Keeps what was put and removed, with `position`. Searches see it when this returns.
    pub fn commit(&mut self, position: &str) -> Result<()> {
        let mut held = self.0.held();
        for (id, document) in std::mem::take(&mut held.pending) {
            match document {
                Some(document) => held.documents.insert(id, document),
                None => held.documents.remove(&id),
            };
        }
        held.position = Some(position.to_owned());
        held.generation += 1;
        Ok(())
    }
}
