//! The words of a query, marked where they stand.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
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

/// The texts of an article or a notice.
#[derive(Debug, QueryableByName)]
pub struct Texts {
    /// The article or the notice.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Its summary; may be empty.
    #[diesel(sql_type = Text)]
    pub summary: String,
    /// Its body, as HTML.
    #[diesel(sql_type = Text)]
    pub body: String,
}

/// Marks the words of `query` in what has the `ids`, off the threads that answer requests. Returns the marks by the ids.
///
/// `load` loads some of what it is asked for, as much as memory is to be taken for at a time; nothing only if there is
/// nothing.
pub async fn mark_all(
    app: &App,
    query: &Arc<Query>,
    mut ids: Vec<Uuid>,
    load: impl AsyncFn(Vec<Uuid>) -> Result<Vec<Texts>>,
) -> Result<HashMap<Uuid, Highlight>> {
    let mut highlights = HashMap::new();
    while !ids.is_empty() {
        let some = load(ids.clone()).await?;
        if some.is_empty() {
            break;
        }
        ids.retain(|id| !some.iter().any(|one| one.id == *id));
        let query = query.clone();
        let mark = move |one: Texts| (one.id, Highlight::new(&query, &one.title, &one.summary, &one.body));
        let marked = app.searchers.run(move || some.into_iter().map(mark).collect::<Vec<_>>());
        highlights.extend(marked.await?);
    }
    Ok(highlights)
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
