//! Counts of hits, made from the counts of labels.

use std::collections::HashMap;

use uuid::Uuid;

use super::view::{CategoryCount, Facets, FoundType, TypeCount, YearCount};
use crate::categories::model::Tree;
use crate::search::labels;
use crate::tags::view::TagCount;

/// Counts of one kind at most.
const MAX_COUNTS: usize = 50;
/// The labels that are counted.
pub const COUNTED: &[&str] = &[labels::CATEGORY, labels::TAG, labels::YEAR, labels::KIND];

impl Facets {
    /// The facets of `counts`: labels, and how many hits have them, the most frequent first.
    pub fn new(tree: &Tree, counts: &[(String, u64)]) -> Self {
        let of = |prefix: &'static str| {
            counts.iter().filter_map(move |(label, count)| Some((label.strip_prefix(prefix)?, *count)))
        };
        let count_tag = |(tag, count): (&str, u64)| TagCount {
            tag: tag.to_owned(),
            count: i64::try_from(count).unwrap_or(i64::MAX),
        };
        let tag = of(labels::TAG).take(MAX_COUNTS).map(count_tag).collect();
        let years =
            of(labels::YEAR).filter_map(|(year, count)| Some(YearCount { year: year.parse().ok()?, count }));
        let mut year: Vec<YearCount> = years.collect();
        year.sort_by_key(|one| std::cmp::Reverse(one.year));
        year.truncate(MAX_COUNTS);
        let types = of(labels::KIND).filter_map(|(kind, count)| {
            let types = [("article", FoundType::Article), ("notice", FoundType::Notice)];
            let found = types.into_iter().find(|(name, _)| *name == kind)?;
            Some(TypeCount { r#type: found.1, count })
        });
        let mut r#type: Vec<TypeCount> = types.collect();
        r#type.sort_by_key(|one| std::cmp::Reverse(one.count));
        Self { category: count_categories(tree, of(labels::CATEGORY)), tag, year, r#type }
    }
}

/// An article counts in its category and in all above it.
fn count_categories<'c>(tree: &Tree, counts: impl Iterator<Item = (&'c str, u64)>) -> Vec<CategoryCount> {
    let mut sums: HashMap<Uuid, u64> = HashMap::new();
    for (id, count) in counts {
        for row in id.parse().map(|id| tree.path(id)).unwrap_or_default() {
            *sums.entry(row.id).or_default() += count;
        }
    }
    // In the order of the tree where as many are in each.
    let in_order = tree.in_order().into_iter().filter_map(|row| {
        let count = *sums.get(&row.id)?;
        let (slug, name) = (row.content.slug.clone(), row.content.name.clone());
        Some(CategoryCount { id: row.id, slug, name, count })
    });
    let mut all: Vec<CategoryCount> = in_order.collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.count));
    all.truncate(MAX_COUNTS);
    all
}
