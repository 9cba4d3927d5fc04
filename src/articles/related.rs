//! Articles that are about the same as another one.

use std::collections::HashMap;

use uuid::Uuid;

use super::alike::{MAX_BODY_CHARS, MIN_LIKENESS, list_pieces};
use super::listing::order;
use super::model::Row;
use super::queries::listing::Listing;
use super::queries::{found, lists};
use crate::app::App;
use crate::db::rows::PageSlice;
use crate::db::visibility::Articles;
use crate::error::Result;
use crate::index::likeness::Pieces;
use crate::index::{Filter, Order, Search};
use crate::search::documents::split_blocks;
use crate::search::{filters, finding, labels};

/// Related articles of an answer.
pub const MAX_RELATED: usize = 6;
/// Articles that are looked at.
const CANDIDATES: usize = 24;
/// Characters of the body that tell what an article is about.
const MAX_CHARS: usize = 3_000;
/// What a shared tag, and the same category, are worth beside the best shared words, which are worth 1.
const TAG_WORTH: f32 = 0.5;
const CATEGORY_WORTH: f32 = 0.25;

/// The public articles that are most about the same as the article in `row`: by rare words of its text, tags, and category.
/// It is not among them, nor are copies of it, nor two copies of one another. Without an index, by tags and category alone.
pub async fn load_related(app: &App, row: &Row) -> Result<Vec<Row>> {
    let scores = match finding::check(app) {
        Ok(()) => find_candidates(app, row).await?,
        Err(_) => list_candidates(app, row).await?,
    };
    let conditions = Articles::Public.conditions();
    let ids: Vec<Uuid> = scores.keys().copied().collect();
    let conn = app.costly_reader().await?;
    let mut rows = found::load_cards(&conn, conditions.clone(), ids.clone(), None).await?;
    let texts = found::load_beginnings(&conn, conditions, ids, MAX_BODY_CHARS).await?;
    drop(conn);
    sort_by_worth(&mut rows, row, &scores);
    let own = (row.content.title.clone(), row.content.body.clone());
    let choose = move || {
        let mut texts: HashMap<Uuid, Pieces> =
            texts.into_iter().map(|text| (text.id, list_pieces(&text.title, &text.body))).collect();
        let mut kept = vec![list_pieces(&own.0, &own.1)];
        rows.retain(|row| {
            let Some(pieces) = texts.remove(&row.id).filter(|_| kept.len() <= MAX_RELATED) else {
                return false;
            };
            let is_other = kept.iter().all(|other| pieces.likeness(other) < MIN_LIKENESS);
            if is_other {
                kept.push(pieces);
            }
            is_other
        });
        rows
    };
    app.searchers.run(choose).await
}

/// Sorts articles by what they have in common with the article in `row`; `scores` tell how much their words are worth.
fn sort_by_worth(rows: &mut [Row], row: &Row, scores: &HashMap<Uuid, f32>) {
    let best = scores.values().copied().fold(f32::MIN_POSITIVE, f32::max);
    let worth = |other: &Row| {
        let shared = other.content.tags.iter().filter(|tag| row.content.tags.contains(tag)).count();
        let is_beside =
            other.content.category_id.is_some() && other.content.category_id == row.content.category_id;
        let words = scores.get(&other.id).copied().unwrap_or_default() / best;
        words + TAG_WORTH * shared as f32 + if is_beside { CATEGORY_WORTH } else { 0.0 }
    };
    rows.sort_by(|a, b| {
        worth(b)
            .total_cmp(&worth(a))
            .then(b.content.published_at.cmp(&a.content.published_at))
            .then(b.id.cmp(&a.id))
    });
}

/// The newest articles that share a tag or the category.
async fn list_candidates(app: &App, row: &Row) -> Result<HashMap<Uuid, f32>> {
    let slice = PageSlice::first(order(None, true)?, CANDIDATES as i64);
    let (tags, category) = (row.content.tags.clone(), row.content.category_id);
    let tags = Some(tags).filter(|tags| !tags.is_empty());
    let mut listings = Vec::new();
    for (tags, categories) in [(tags, None), (None, category.map(|id| vec![id]))] {
        if tags.is_some() || categories.is_some() {
            listings.push(Listing { tags, categories, ..Listing::public() });
        }
    }
    let conn = app.costly_reader().await?;
    let mut found = HashMap::new();
    for listing in listings {
        let rows = lists::load_cards(&conn, listing, &slice).await?;
        found.extend(rows.into_iter().filter(|other| other.id != row.id).map(|other| (other.id, 0.0)));
    }
    Ok(found)
}

/// Articles that share rare words or a tag, and how much the words are worth.
async fn find_candidates(app: &App, row: &Row) -> Result<HashMap<Uuid, f32>> {
    let content = &row.content;
    let body: String = split_blocks(&content.body).join("\n").chars().take(MAX_CHARS).collect();
    let text = format!("{}\n{}\n{body}", content.title, content.tags.join("\n"));
    let public = filters::articles(Articles::Public, None, app.now());
    let tagged = Filter::AnyOf(content.tags.iter().map(|tag| labels::tag(tag)).collect());
    let (own, now) = (row.id, app.now().timestamp_micros());
    finding::run(app, move |view| {
        let mut without = (*view.without).clone();
        without.insert(own);
        let mut scores: HashMap<Uuid, f32> =
            view.index.find_related(&text, &public, &without, CANDIDATES)?.into_iter().collect();
        let hits = view.index.search(&Search {
            query: None,
            filter: &Filter::All(vec![public, tagged]),
            without: &without,
            order: Order::BeginsAt { descending: true },
            after: None,
            top: CANDIDATES,
            count: false,
            count_labels: &[],
            now,
        })?;
        for hit in hits.hits {
            scores.entry(hit.id).or_default();
        }
        Ok(scores)
    })
    .await
}
