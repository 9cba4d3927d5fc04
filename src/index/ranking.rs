//! How well documents fit a query.
//!
//! A word counts by how rare it is, by the field (a title far before a body), by how often it is there for the field's
//! length (BM25), and by how well it fits. Words that are near each other count more than words far apart, and fresh
//! documents a little more than old ones.

use tantivy::schema::Field as Column;
use tantivy::{Searcher, Term};

use super::Field;
use super::docs::Docs;
use super::matching::{Fit, Matcher};
use super::plan::{Ending, Plan};
use super::query::Query;
use super::schema::{Columns, find_letter};
use super::segment::Segment;

/// How fast more occurrences count less.
const SATURATION: f32 = 1.2;
/// What a word that is only the beginning of a longer one counts.
const PREFIX_FACTOR: f32 = 0.5;
/// What a word in another script counts.
const OTHER_SCRIPT_FACTOR: f32 = 0.3;
/// What a document counts that has a word only with a typo: less than one that has it.
const TYPO_FACTOR: f32 = 0.01;
/// What words side by side add.
const NEARNESS: f32 = 0.6;
/// Positions apart at which half of [`NEARNESS`] is left.
const NEARNESS_DISTANCE: f32 = 5.0;
/// The best documents of a segment, whose words' distances are looked at.
const MAX_NEARNESS_DOCS: usize = 3_000;
/// Positions of a word in a field that are looked at.
const MAX_NEARNESS_STARTS: usize = 64;
/// What the present adds.
const FRESHNESS: f32 = 0.1;
/// The most that the age of a document makes of its score.
pub const MAX_AGE_WEIGHT: f32 = 1.0 + FRESHNESS;
/// Microseconds after which half of [`FRESHNESS`] is left.
const FRESHNESS_HALF_LIFE: f32 = 180.0 * 86_400.0 * 1e6;

/// What a field counts, how much its length matters, and a usual length, below which averages are not taken.
fn weigh(field: Field) -> (f32, f32, f32) {
    match field {
        Field::Title => (8.0, 0.3, 12.0),
        Field::Tags => (4.0, 0.3, 8.0),
        Field::Author => (3.5, 0.3, 4.0),
        Field::Source => (3.0, 0.3, 6.0),
        Field::Summary => (2.5, 0.5, 40.0),
        Field::Body => (1.0, 0.6, 100.0),
    }
}

/// A plan, and how rare its word is.
struct Weighted {
    plan: Plan,
    rarity: f32,
    documents: u64,
}

/// Weighs plans; the rarest word is first.
fn weigh_plans(searcher: &Searcher, columns: &Columns, plans: Vec<Plan>) -> tantivy::Result<Vec<Weighted>> {
    let all = searcher.num_docs() as f32;
    let mut weighted = Vec::with_capacity(plans.len());
    for plan in plans {
        let mut documents = 0;
        for field in &plan.fields {
            documents = documents.max(count_documents(searcher, columns, &plan, *field)?);
        }
        let some = documents as f32;
        let rarity = (1.0 + (all - some).max(0.0) / (some + 0.5)).ln().max(0.05);
        weighted.push(Weighted { plan, rarity, documents });
    }
    weighted.sort_by_key(|word| word.documents);
    Ok(weighted)
}

/// About how many documents have a word in a field: of a phrase as many as have its rarest part, of the beginning of a word
/// as many as all words have that begin so, of a word that may have a typo as many as have it without one.
fn count_documents(
    searcher: &Searcher,
    columns: &Columns,
    plan: &Plan,
    field: Field,
) -> tantivy::Result<u64> {
    if let Some(character) = &plan.character {
        let text = format!("{}{character}", find_letter(field));
        return searcher.doc_freq(&Term::from_field_text(columns.characters, &text));
    }
    let column = columns.text(field);
    let mut least = None;
    for (_, token) in &plan.parts {
        let documents = searcher.doc_freq(&Term::from_field_text(column, token))?;
        least = Some(least.map_or(documents, |least: u64| least.min(documents)));
    }
    match (least, &plan.ending) {
        (Some(least), _) => Ok(least),
        (None, Some(ending)) => count_longer(searcher, column, ending),
        (None, None) => Ok(0),
    }
}

/// The documents with a token that begins as `ending` says. One with several of them counts as often, up to the number of
/// all documents.
fn count_longer(searcher: &Searcher, column: Column, ending: &Ending) -> tantivy::Result<u64> {
    let (all, end) = (searcher.num_docs(), ending.end());
    let mut count = 0;
    for reader in searcher.segment_readers() {
        let terms = reader.inverted_index(column)?;
        let mut longer = terms.terms().range().ge(&ending.prefix).lt(&end).into_stream()?;
        while let Some((_, info)) = longer.next() {
            count += u64::from(info.doc_freq);
            if count >= all {
                return Ok(all);
            }
        }
    }
    Ok(count)
}

/// The documents of a segment that were found, and their scores.
pub struct Scored {
    /// The documents.
    pub docs: Docs,
    /// A score for each document of the segment; empty if none were wanted.
    pub scores: Vec<f32>,
}

/// The words of a query, ready to be looked for.
pub struct Sought {
    words: Vec<Weighted>,
    excluded: Vec<Plan>,
    averages: [f32; Field::ALL.len()],
}

impl Sought {
    /// Plans how `query` is answered.
    pub fn plan(searcher: &Searcher, columns: &Columns, query: &Query) -> tantivy::Result<Self> {
        let words = weigh_plans(searcher, columns, query.words.iter().map(Plan::make).collect())?;
        let mut averages = [1.0; Field::ALL.len()];
        for (average, field) in averages.iter_mut().zip(Field::ALL) {
            let (mut tokens, mut documents) = (0, 0);
            for reader in searcher.segment_readers() {
                tokens += reader.inverted_index(columns.text(field))?.total_num_tokens();
                documents += u64::from(reader.max_doc());
            }
            let (.., usual) = weigh(field);
            *average = (tokens as f32 / documents.max(1) as f32).max(usual);
        }
        Ok(Self { words, excluded: query.excluded.iter().map(Plan::make).collect(), averages })
    }
}

/// Finds the documents among `candidates` that have all words and no excluded one.
pub fn find(
    segment: &Segment<'_>,
    candidates: Docs,
    sought: &Sought,
    is_scored: bool,
) -> tantivy::Result<Scored> {
    let Sought { words, excluded, averages } = sought;
    let mut docs = candidates;
    for plan in excluded {
        let mut having = Docs::none(segment.end());
        for field in &plan.fields {
            Matcher::open(segment, plan, *field, false)?
                .visit(&docs, &mut |found| having.insert(found.doc))?;
        }
        docs.subtract(&having);
    }
    let mut scores = vec![0.0; if is_scored { segment.end() as usize } else { 0 }];
    let mut mistyped = Docs::none(segment.end());
    for word in words {
        if docs.is_empty() {
            break;
        }
        docs = find_word(segment, &docs, word, averages, &mut scores, &mut mistyped)?;
    }
    if is_scored {
        mistyped.intersect(&docs);
        mistyped.iter().for_each(|doc| scores[doc as usize] *= TYPO_FACTOR);
        if words.len() > 1 {
            add_nearness(segment, &find_best(&docs, &scores), words, &mut scores)?;
        }
    }
    Ok(Scored { docs, scores })
}

/// Finds the documents among `docs` that have a word, and adds to their scores.
fn find_word(
    segment: &Segment<'_>,
    docs: &Docs,
    word: &Weighted,
    averages: &[f32; Field::ALL.len()],
    scores: &mut [f32],
    mistyped: &mut Docs,
) -> tantivy::Result<Docs> {
    let mut having = Docs::none(segment.end());
    let mut fits: Vec<Option<Fit>> = vec![None; scores.len()];
    let mut sums = vec![0.0_f32; scores.len()];
    for (field, average) in Field::ALL.into_iter().zip(averages) {
        if !word.plan.fields.contains(&field) {
            continue;
        }
        let matcher = Matcher::open(segment, &word.plan, field, false)?;
        if scores.is_empty() {
            matcher.visit(docs, &mut |found| having.insert(found.doc))?;
            continue;
        }
        let length = Length::open(segment, field, *average)?;
        let mut best = BestValues::new(&word.plan, segment.end());
        matcher.visit(docs, &mut |found| {
            having.insert(found.doc);
            let at = found.doc as usize;
            fits[at] = fits[at].max(Some(found.fit));
            let factor = if found.fit == Fit::Prefix { PREFIX_FACTOR } else { 1.0 };
            best.add(found.doc, factor * length.weigh(found.doc, found.count));
        })?;
        best.add_to(&mut sums);
    }
    for doc in having.iter() {
        let at = doc as usize;
        if at >= scores.len() {
            break;
        }
        let factor = if fits[at] == Some(Fit::OtherScript) { OTHER_SCRIPT_FACTOR } else { 1.0 };
        scores[at] += word.rarity * factor * sums[at];
        if fits[at] == Some(Fit::Typo) {
            mistyped.insert(doc);
        }
    }
    Ok(having)
}

/// The best value of each document for one word in one field.
enum BestValues {
    /// Of one token: documents come in order, each once.
    InOrder(Vec<(u32, f32)>),
    /// Of many tokens, which a document may have many of: the values of all documents of the segment.
    Dense(Docs, Vec<f32>),
}

impl BestValues {
    /// None yet, in a segment of so many documents.
    fn new(plan: &Plan, end: u32) -> Self {
        match plan.ending.is_some() || plan.tolerant.is_some() {
            true => Self::Dense(Docs::none(end), vec![0.0; end as usize]),
            false => Self::InOrder(Vec::new()),
        }
    }

    fn add(&mut self, doc: u32, value: f32) {
        match self {
            Self::InOrder(values) => values.push((doc, value)),
            Self::Dense(docs, values) => {
                docs.insert(doc);
                let best = &mut values[doc as usize];
                *best = best.max(value);
            }
        }
    }

    fn add_to(self, sums: &mut [f32]) {
        match self {
            Self::InOrder(values) => values.into_iter().for_each(|(doc, value)| sums[doc as usize] += value),
            Self::Dense(docs, values) => {
                docs.iter().for_each(|doc| sums[doc as usize] += values[doc as usize])
            }
        }
    }
}

/// The lengths of a field, and what it counts.
struct Length {
    norms: Option<tantivy::fieldnorm::FieldNormReader>,
    average: f32,
    weight: f32,
    share: f32,
}

impl Length {
    fn open(segment: &Segment<'_>, field: Field, average: f32) -> tantivy::Result<Self> {
        let column = segment.columns.text(field);
        let norms = segment.reader.fieldnorms_readers().get_field(column)?;
        let (weight, share, _) = weigh(field);
        Ok(Self { norms, average, weight, share })
    }

    /// What `count` occurrences in a document count.
    fn weigh(&self, doc: u32, count: u32) -> f32 {
        let length = self.norms.as_ref().map_or(self.average, |norms| norms.fieldnorm(doc) as f32);
        let norm = SATURATION * (1.0 - self.share + self.share * length / self.average);
        self.weight * count as f32 * (SATURATION + 1.0) / (count as f32 + norm)
    }
}

/// The [`MAX_NEARNESS_DOCS`] documents with the best scores.
fn find_best(docs: &Docs, scores: &[f32]) -> Docs {
    let mut ranked: Vec<(f32, u32)> = docs.iter().map(|doc| (scores[doc as usize], doc)).collect();
    if ranked.len() <= MAX_NEARNESS_DOCS {
        return docs.clone();
    }
    ranked.select_nth_unstable_by(MAX_NEARNESS_DOCS, |a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    let mut best = Docs::none(scores.len() as u32);
    ranked[..MAX_NEARNESS_DOCS].iter().for_each(|(_, doc)| best.insert(*doc));
    best
}

/// Raises the scores of documents that have the words near each other.
fn add_nearness(
    segment: &Segment<'_>,
    docs: &Docs,
    words: &[Weighted],
    scores: &mut [f32],
) -> tantivy::Result<()> {
    let mut nearest: Vec<(u32, f32)> = Vec::new();
    let placed: Vec<&Plan> =
        words.iter().map(|word| &word.plan).filter(|plan| plan.character.is_none()).collect();
    for field in Field::ALL {
        if placed.len() < 2 || placed.iter().any(|plan| !plan.fields.contains(&field)) {
            continue;
        }
        let mut places: Vec<(u32, u32, usize)> = Vec::new();
        let mut all = docs.clone();
        for (word, plan) in placed.iter().enumerate() {
            let mut having = Docs::none(segment.end());
            Matcher::open(segment, plan, field, true)?.visit(&all, &mut |found| {
                having.insert(found.doc);
                let starts = found.starts.iter().take(MAX_NEARNESS_STARTS);
                places.extend(starts.map(|start| (found.doc, *start, word)));
            })?;
            all = having;
        }
        places.retain(|(doc, ..)| all.contains(*doc));
        places.sort_unstable();
        for place in places.chunk_by(|a, b| a.0 == b.0) {
            let slack = measure_slack(place, &placed);
            nearest
                .extend(slack.map(|slack| (place[0].0, NEARNESS / (1.0 + slack as f32 / NEARNESS_DISTANCE))));
        }
    }
    nearest.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    nearest.dedup_by_key(|(doc, _)| *doc);
    nearest.into_iter().for_each(|(doc, bonus)| scores[doc as usize] *= 1.0 + bonus);
    Ok(())
}

/// The positions between the words, where they are nearest to each other.
fn measure_slack(places: &[(u32, u32, usize)], plans: &[&Plan]) -> Option<u32> {
    let longest = plans.iter().map(|plan| plan.length).max().unwrap_or_default();
    let least = plans.iter().map(|plan| plan.length).sum::<u32>() - longest;
    let mut counts = vec![0_u32; plans.len()];
    let mut missing = plans.len();
    let mut first = 0;
    let mut best = None;
    for (_, end, word) in places {
        missing -= usize::from(counts[*word] == 0);
        counts[*word] += 1;
        while missing == 0 {
            let (_, start, word) = places[first];
            let slack = (end - start).saturating_sub(least);
            best = Some(best.map_or(slack, |best: u32| best.min(slack)));
            counts[word] -= 1;
            missing += usize::from(counts[word] == 0);
            first += 1;
        }
    }
    best
}

/// What the age of a document makes of its score.
pub fn weigh_age(begins_at: i64, now: i64) -> f32 {
    let age = now.saturating_sub(begins_at).max(0) as f32;
    if begins_at == i64::MAX { 1.0 } else { 1.0 + FRESHNESS * (-age / FRESHNESS_HALF_LIFE).exp2() }
}
