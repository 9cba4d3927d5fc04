//! The words of a query, marked where they stand.

use serde::Serialize;
use utoipa::ToSchema;

use super::documents::split_blocks;
use crate::index::{Field, Query, cut_snippets, highlight, mark};

/// Snippets of a hit at most.
const MAX_SNIPPETS: usize = 3;
/// Characters of a snippet.
const SNIPPET_CHARS: usize = 80;

/// Where a hit has the words, as HTML: escaped, and marked by `<mark>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Highlight {
    /// The title.
    #[schema(example = "<mark>质量</mark>提升行动取得新进展")]
    pub title: String,
    /// Passages of the summary and the body that have the words; none if only the title has them.
    #[schema(max_items = 3)]
    pub snippets: Vec<String>,
}

impl Highlight {
    /// Marks the words of `query`.
    pub fn new(query: &Query, title: &str, summary: &str, body: &str) -> Self {
        let ranges = highlight(query, Field::Title, title).unwrap_or_default();
        let mut blocks = split_blocks(body);
        // A summary that was made from the body is in it.
        if !summary.is_empty() && !blocks.iter().any(|block| block.starts_with(summary.trim_end_matches('…')))
        {
            blocks.insert(0, summary.to_owned());
        }
        Self {
            title: mark(title, &ranges),
            snippets: cut_snippets(&blocks, query, MAX_SNIPPETS, SNIPPET_CHARS),
        }
    }
}
