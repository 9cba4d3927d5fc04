//! Answers of an index.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use tantivy::schema::IndexRecordOption;
use tantivy::{Searcher, Term};
use uuid::Uuid;

use super::docs::Docs;
use super::ranking::{MAX_AGE_WEIGHT, Sought, find, weigh_age};
use super::segment::{Segment, each_doc};
use super::store::{Index, guard};
use super::{Filter, Hit, Hits, Order, Query, Result, Search};

/// A place in an order; the greatest is first.
type Rank = (i64, i64, u128);

/// A hit with its rank.
struct Ranked {
    rank: Rank,
    hit: Hit,
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// The best hits so far.
struct Best {
    order: Order,
    top: usize,
    limit: Option<Rank>,
    heap: BinaryHeap<Reverse<Ranked>>,
}

/// The place of a document in an order.
fn rank(order: Order, score: f32, time: i64, id: Uuid) -> Rank {
    match order {
        Order::Relevance => (i64::from(score.max(0.0).to_bits()), time, id.as_u128()),
        Order::BeginsAt { descending }
        | Order::UpdatedAt { descending }
        | Order::CreatedAt { descending } => {
            if descending {
                (time, 0, id.as_u128())
            } else {
                (!time, 0, !id.as_u128())
            }
        }
    }
}

impl Best {
    fn new(search: &Search<'_>) -> Self {
        let after = search.after.filter(|_| search.order != Order::Relevance);
        let limit = after.map(|(time, id)| rank(search.order, 0.0, time, id));
        Self { order: search.order, top: search.top, limit, heap: BinaryHeap::new() }
    }

    /// Adds a document, if it is among the best. Its id is read only if it may be.
    fn add(&mut self, score: f32, time: i64, id: impl FnOnce() -> Uuid) {
        let highest =
            rank(self.order, score, time, if self.is_ascending() { Uuid::nil() } else { Uuid::max() });
        let is_full = self.heap.len() >= self.top;
        if self.top == 0 || (is_full && self.heap.peek().is_some_and(|Reverse(last)| highest <= last.rank)) {
            return;
        }
        let id = id();
        let rank = rank(self.order, score, time, id);
        if self.limit.is_some_and(|limit| rank >= limit) {
            return;
        }
        self.heap.push(Reverse(Ranked { rank, hit: Hit { id, score, time } }));
        if self.heap.len() > self.top {
            self.heap.pop();
        }
    }

    /// Whether no document with at most this score can be among the best. Then nothing else of it is read.
    fn is_out_of_reach(&self, score: f32) -> bool {
        self.order == Order::Relevance
            && self.heap.len() >= self.top
            && self.heap.peek().is_none_or(|Reverse(last)| score < last.hit.score)
    }

    fn is_ascending(&self) -> bool {
        matches!(
            self.order,
            Order::BeginsAt { descending: false }
                | Order::UpdatedAt { descending: false }
                | Order::CreatedAt { descending: false }
        )
    }

    fn into_hits(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked.hit).collect()
    }
}

/// Counts the numbers of `likeness` that documents of a segment share.
fn count_shared(segment: &Segment<'_>, likeness: &[u64]) -> tantivy::Result<HashMap<u32, usize>> {
    let wanted: HashSet<u64> = likeness.iter().copied().collect();
    let mut shared = HashMap::new();
    for number in wanted {
        let term = Term::from_field_u64(segment.columns.likeness, number);
        if let Some(mut postings) = segment.postings(&term)? {
            each_doc(&mut postings, |doc, _| *shared.entry(doc).or_default() += 1);
        }
    }
    Ok(shared)
}

/// Adds the numbers of labels that begin with one of `prefixes`.
fn count_labels(
    segment: &Segment<'_>,
    docs: &Docs,
    prefixes: &[&str],
    counts: &mut HashMap<String, u64>,
) -> tantivy::Result<()> {
    if prefixes.is_empty() {
        return Ok(());
    }
    let Some(labels) = segment.labels()? else { return Ok(()) };
    let mut numbers = vec![0_u64; labels.num_terms()];
    for doc in docs.iter() {
        labels.term_ords(doc).for_each(|label| numbers[label as usize] += 1);
    }
    for prefix in prefixes {
        let mut terms = labels.dictionary().prefix_range(prefix).into_stream()?;
        while terms.advance() {
            let number = numbers.get_mut(terms.term_ord() as usize).map(std::mem::take).unwrap_or_default();
            if number > 0 {
                let label = String::from_utf8_lossy(terms.key()).into_owned();
                *counts.entry(label).or_default() += number;
            }
        }
    }
    Ok(())
}

impl Index {
    /// Runs `work` with what searches see now.
    pub(super) fn look<T>(&self, work: impl FnOnce(&Searcher) -> tantivy::Result<T>) -> Result<T> {
        guard(|| work(&self.store().reader.searcher()))
    }

    /// Calls `visit` with each segment.
    pub(super) fn each_segment(
        &self,
        searcher: &Searcher,
        mut visit: impl FnMut(&Segment<'_>) -> tantivy::Result<()>,
    ) -> tantivy::Result<()> {
        searcher.segment_readers().iter().try_for_each(|reader| {
            visit(&Segment::open(reader, &self.store().columns, &self.store().common_labels)?)
        })
    }

    /// Answers a search. It computes, and blocks while it does.
    pub fn search(&self, search: &Search<'_>) -> Result<Hits> {
        self.look(|searcher| {
            let sought =
                search.query.map(|query| Sought::plan(searcher, &self.store().columns, query)).transpose()?;
            let is_ranked = search.order == Order::Relevance;
            let mut best = Best::new(search);
            let mut total = 0;
            let mut labels = HashMap::new();
            self.each_segment(searcher, |segment| {
                let mut docs = segment.select_by_labels(search.filter)?;
                let mut scores = Vec::new();
                if let Some(sought) = &sought {
                    let found = find(segment, docs, sought, is_ranked)?;
                    (docs, scores) = (found.docs, found.scores);
                }
                segment.keep_timed(search.filter, &mut docs)?;
                segment.leave_out(search.without, &mut docs)?;
                total += docs.len() as u64;
                count_labels(segment, &docs, search.count_labels, &mut labels)?;
                let times = segment.times(search.order)?;
                for doc in docs.iter() {
                    let score = scores.get(doc as usize).copied().unwrap_or(1.0);
                    if best.is_out_of_reach(score * MAX_AGE_WEIGHT) {
                        continue;
                    }
                    let time = times.get_val(doc);
                    let age = if is_ranked { weigh_age(time, search.now) } else { 1.0 };
                    best.add(score * age, time, || segment.id(doc));
                }
                Ok(())
            })?;
            let mut labels: Vec<(String, u64)> = labels.into_iter().collect();
            labels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            Ok(Hits { hits: best.into_hits(), total: search.count.then_some(total), labels })
        })
    }

    /// All documents that are found. `None` if they are more than `most`.
    pub fn find_all(
        &self,
        query: &Query,
        filter: &Filter,
        without: &HashSet<Uuid>,
        most: usize,
    ) -> Result<Option<Vec<Uuid>>> {
        self.look(|searcher| {
            let sought = Sought::plan(searcher, &self.store().columns, query)?;
            let mut ids = Vec::new();
            self.each_segment(searcher, |segment| {
                if ids.len() > most {
                    return Ok(());
                }
                let mut found = find(segment, segment.select_by_labels(filter)?, &sought, false)?;
                segment.keep_timed(filter, &mut found.docs)?;
                segment.leave_out(without, &mut found.docs)?;
                let room = most.saturating_add(1).saturating_sub(ids.len());
                ids.extend(found.docs.iter().take(room).map(|doc| segment.id(doc)));
                Ok(())
            })?;
            Ok((ids.len() <= most).then_some(ids))
        })
    }

    /// Documents with a completion that begins with one of the prefixes, most popular first.
    pub fn complete(
        &self,
        prefixes: &[String],
        filter: &Filter,
        without: &HashSet<Uuid>,
        top: usize,
    ) -> Result<Vec<Uuid>> {
        self.look(|searcher| {
            let mut best: Vec<(u64, i64, Uuid)> = Vec::new();
            self.each_segment(searcher, |segment| {
                let terms = segment.terms(segment.columns.completions)?;
                let mut docs = Docs::none(segment.end());
                for prefix in prefixes.iter().filter(|prefix| !prefix.is_empty()) {
                    let mut end = prefix.clone().into_bytes();
                    end.last_mut().into_iter().for_each(|last| *last += 1);
                    let mut found = terms.terms().range().ge(prefix).lt(end).into_stream()?;
                    while let Some((_, info)) = found.next() {
                        let mut postings =
                            terms.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                        each_doc(&mut postings, |doc, _| docs.insert(doc));
                    }
                }
                if docs.is_empty() {
                    return Ok(());
                }
                docs.intersect(&segment.select(filter, without)?);
                let (popularity, times) = (segment.popularity()?, segment.times(Order::Relevance)?);
                best.extend(
                    docs.iter().map(|doc| (popularity.get_val(doc), times.get_val(doc), segment.id(doc))),
                );
                best.sort_unstable_by(|a, b| b.cmp(a));
                best.truncate(top);
                Ok(())
            })?;
            Ok(best.into_iter().map(|(.., id)| id).collect())
        })
    }

    /// Documents that share numbers of `likeness`, and how many; most first, and of as many the one with the greatest id.
    pub fn find_alike(&self, likeness: &[u64], filter: &Filter, top: usize) -> Result<Vec<(Uuid, usize)>> {
        Ok(self.find_all_alike(&[likeness], filter, top)?.pop().unwrap_or_default())
    }

    /// As [`Index::find_alike`], for each of `texts`, in one look at the index.
    pub fn find_all_alike(
        &self,
        texts: &[&[u64]],
        filter: &Filter,
        top: usize,
    ) -> Result<Vec<Vec<(Uuid, usize)>>> {
        self.look(|searcher| {
            let mut found = vec![Vec::new(); texts.len()];
            self.each_segment(searcher, |segment| {
                let mut passing = None;
                for (likeness, found) in texts.iter().zip(&mut found) {
                    let shared = count_shared(segment, likeness)?;
                    if shared.is_empty() {
                        continue;
                    }
                    let docs = match &passing {
                        Some(docs) => docs,
                        None => passing.insert(segment.select(filter, &HashSet::new())?),
                    };
                    let shared = shared.into_iter().filter(|(doc, _)| docs.contains(*doc));
                    found.extend(shared.map(|(doc, count)| (segment.id(doc), count)));
                    found.sort_unstable_by_key(|(id, count)| (Reverse(*count), Reverse(*id)));
                    found.truncate(top);
                }
                Ok(())
            })?;
            Ok(found)
        })
    }
}
