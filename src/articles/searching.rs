//! Lists of articles that have the words of `q`.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::listing::{ArticleFilter, ArticleShape, ArticleSort, cursor_keys, order};
use super::model::Row;
use super::queries::found;
use super::queries::listing::Listing;
use super::view::ArticleField;
use crate::app::App;
use crate::db::rows::{PageSlice, SortColumn};
use crate::db::visibility::Articles;
use crate::error::{Code, Fault, Result};
use crate::http::paging::{List, Paging};
use crate::index::{Filter, Query};
use crate::search::finding::{self, Ask, RELEVANCE, Wanted};
use crate::search::highlights::{Highlight, mark_all};
use crate::search::{filters, labels, parse_query};

/// Which words articles must have.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArticleSearch {
    /// Only those that have all of these words, in the title, the summary, the body, a tag, the author or the source. Chinese
    /// is found wherever it stands, in Simplified or Traditional spelling; the last Latin word may be unfinished, and those
    /// of five letters and more may have one typo. `"…"` is exact, `-word` is excluded, `title:`, `tag:` and `author:`
    /// before a word name where it stands.
    #[param(min_length = 1, max_length = 500, nullable = false, example = "质量 -会议")]
    pub q: Option<String>,
    /// Whether `highlight` comes along: with `q`, where each article has the words.
    #[param(default = false, nullable = false)]
    pub highlight: Option<bool>,
}

/// A search for articles.
pub struct ArticleQuery {
    query: Arc<Query>,
    with_highlights: bool,
}

impl ArticleSearch {
    /// The columns of the list's order. That by relevance has its own.
    pub fn order(&self, shape: &ArticleShape, all_have_time: bool) -> Result<Vec<SortColumn>> {
        if let Some(popular) = shape.popular {
            return Ok(popular.window().order());
        }
        match shape.sort.as_deref() {
            None if self.q.is_some() => Ok(vec![RELEVANCE]),
            Some([ArticleSort::Relevance]) => Ok(vec![RELEVANCE]),
            sort => order(sort, all_have_time),
        }
    }

    /// What is searched for, if anything is.
    pub fn parse(&self, filter: &ArticleFilter, shape: &ArticleShape) -> Result<Option<ArticleQuery>> {
        let refuse =
            |parameter, detail| Err(Fault::parameter(parameter, Code::InvalidParameter, detail).into());
        let sort = shape.sort.as_deref().unwrap_or_default();
        let Some(q) = &self.q else {
            if self.highlight == Some(true) {
                return refuse("highlight", "needs q");
            }
            if sort.contains(&ArticleSort::Relevance) {
                return refuse("sort", "relevance needs q");
            }
            return Ok(None);
        };
        if sort.contains(&ArticleSort::Relevance) && sort.len() > 1 {
            return refuse("sort", "relevance is an order by itself");
        }
        if shape.fields.iter().flatten().any(|field| *field == ArticleField::Body) {
            return refuse(
                "fields",
                "with q, the body is not to be had; highlight=true shows where it has the words",
            );
        }
        if filter.updated_since.is_some() || filter.has.is_some() {
            return refuse(
                "q",
                "cannot be combined with updated_since or has, which the index does not know",
            );
        }
        let query = Arc::new(parse_query(q)?);
        Ok(Some(ArticleQuery { query, with_highlights: self.highlight == Some(true) }))
    }
}

/// A page of articles, and where they have the words if that was asked for.
pub struct FoundPage {
    /// The page.
    pub page: List<Row>,
    /// By the ids of the articles.
    pub highlights: HashMap<Uuid, Highlight>,
}

impl From<List<Row>> for FoundPage {
    fn from(page: List<Row>) -> Self {
        Self { page, highlights: HashMap::new() }
    }
}

impl ArticleQuery {
    /// Loads a page of the articles in `listing` that have the words.
    pub async fn load_page(
        &self,
        app: &App,
        paging: &Paging,
        slice: &PageSlice,
        filter: &ArticleFilter,
        visible: Articles,
        listing: Listing,
    ) -> Result<FoundPage> {
        let wanted = self.want(app, filter, visible, &listing);
        let page = match slice.order[..] {
            [RELEVANCE] => {
                let load = async |ids: Vec<Uuid>| {
                    let conn = app.reader().await?;
                    Ok(found::load_cards(&conn, listing.to_conditions(), ids, None).await?)
                };
                let ask = Ask::best(paging.counts(), &[]);
                finding::page_by_relevance(app, paging, slice, wanted, ask, load, |row: &Row| row.id).await?.0
            }
            _ => {
                let (ids, count) = finding::narrow(app, wanted, slice, paging.counts()).await?;
                let total = paging.total(|_| std::future::ready(Ok(count))).await?;
                let conn = app.costly_reader().await?;
                let rows = found::load_cards(&conn, listing.to_conditions(), ids, Some(slice)).await?;
                paging.page(slice, rows, total, |row| cursor_keys(&slice.order, row))
            }
        };
        let highlights = match self.with_highlights {
            true => {
                let ids = page.data.iter().map(|row| row.id).collect();
                highlight_articles(app, &self.query, visible, ids).await?
            }
            false => HashMap::new(),
        };
        Ok(FoundPage { page, highlights })
    }

    fn want(&self, app: &App, filter: &ArticleFilter, visible: Articles, listing: &Listing) -> Wanted {
        let mut all = vec![filters::articles(visible, filter.status.as_deref(), app.now())];
        let one_of = |labels: Vec<String>| Filter::AnyOf(labels);
        all.extend(
            listing
                .categories
                .as_ref()
                .map(|ids| one_of(ids.iter().copied().map(labels::category).collect())),
        );
        let tags = listing.tags.iter().flatten().map(|tag| labels::tag(tag)).collect::<Vec<_>>();
        match listing.has_all_tags {
            true => all.extend(tags.into_iter().map(Filter::Label)),
            false => all.extend(listing.tags.as_ref().map(|_| one_of(tags))),
        }
        all.extend(listing.author.as_deref().map(|author| Filter::Label(labels::author(author))));
        all.extend(listing.source.as_deref().map(|source| Filter::Label(labels::source(source))));
        if let Some(from) = filter.published_from {
            // A draft without a publication time is in no span of time.
            all.extend([Filter::BeginsFrom(from.timestamp_micros()), Filter::BeginsBefore(i64::MAX)]);
        }
        all.extend(filter.published_to.map(|to| Filter::BeginsBefore(to.timestamp_micros())));
        let exclude = filter.exclude.clone().unwrap_or_default();
        Wanted { query: self.query.clone(), filter: Filter::All(all), exclude }
    }
}

/// Where articles have the words of a query. Those that are not `visible` any more are left out.
pub async fn highlight_articles(
    app: &App,
    query: &Arc<Query>,
    visible: Articles,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Highlight>> {
    let load = async |ids| {
        let conn = app.long_reader().await?;
        Ok(found::load_texts(&conn, visible.conditions(), ids).await?)
    };
    mark_all(app, query, ids, load).await
}
