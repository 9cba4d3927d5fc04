//! The words of a query, marked where they stand.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents::split_blocks;
use crate::app::App;
use crate::error::Result;
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

/// What of an article or a notice is marked.
pub struct Marked {
    /// The article or the notice.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// Its summary; may be empty.
    pub summary: String,
    /// Its body, as HTML.
    pub body: String,
}

/// Marks the words of `query` in `all`, off the threads that answer requests. Returns the marks by the ids.
pub async fn mark_all(app: &App, query: &Arc<Query>, all: Vec<Marked>) -> Result<HashMap<Uuid, Highlight>> {
    if all.is_empty() {
        return Ok(HashMap::new());
    }
    let query = query.clone();
    let mark = move |one: Marked| (one.id, Highlight::new(&query, &one.title, &one.summary, &one.body));
    app.searchers.run(move || all.into_iter().map(mark).collect()).await
}

impl Highlight {
    /// Marks the words of `query`.
    fn new(query: &Query, title: &str, summary: &str, body: &str) -> Self {
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
