//! Searching articles and notices together.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::LINK;
use actix_web::{Responder, get, web};
use uuid::Uuid;

use super::facets::COUNTED;
use super::view::{Facets, Found, FoundArticle, FoundNotice, FoundType, SearchResults, SiteSearch};
use crate::app::App;
use crate::articles::answer_tags;
use crate::articles::listing::find_category;
use crate::articles::model::Row as ArticleRow;
use crate::articles::queries::found as articles;
use crate::articles::searching::highlight_articles;
use crate::articles::view::ArticleCard;
use crate::articles::view_context::ViewContext;
use crate::cache::tags::Tag;
use crate::categories::model::Tree;
use crate::categories::queries::load_article_times;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::{Articles, Notices};
use crate::error::{Error, Result};
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::index::{Filter, Hits, Query as Words};
use crate::members::guard::Reader;
use crate::notices::answer_tags::tag_notices;
use crate::notices::model::Row as NoticeRow;
use crate::notices::queries as notices;
use crate::notices::searching::highlight_notices;
use crate::operations::{Caller, Operation};
use crate::search::finding::{self, Ask, RELEVANCE, Wanted, page_by_relevance};
use crate::search::highlights::Highlight;
use crate::search::{filters, labels, parse_query};
use crate::site::model::Row as Site;

/// The entry of [`list_search_results`].
pub const LIST_SEARCH_RESULTS: Operation =
    Operation::list("list_search_results", Caller::Reader).for_keys_as_visitors();

/// A row that was found.
enum FoundRow {
    Article(Box<ArticleRow>),
    Notice(Box<NoticeRow>),
}

impl FoundRow {
    fn id(&self) -> Uuid {
        match self {
            Self::Article(row) => row.id,
            Self::Notice(row) => row.id,
        }
    }
}

/// Search the site
///
/// Articles and notices that everybody may read now, for members also notices for members, best first, at most 500; with
/// counts of all hits by category, tag, year and type.
#[utoipa::path(tag = "search", params(SiteSearch, PagingParams), responses((status = 200, description = "A page of hits", body = SearchResults)))]
#[get("")]
pub async fn list_search_results(
    app: web::Data<App>,
    reader: Reader,
    search: Query<SiteSearch>,
    paging: Paging,
) -> Result<impl Responder> {
    let Query(search) = search;
    let visible = match reader.notices() {
        Notices::Public => Notices::Public,
        _ => Notices::ForMembers,
    };
    // Before the rows are read.
    let ((notice_times, has_members_only), article_times) =
        (notices::load_times(&app, visible).await?, load_article_times(&app).await?);
    let now = app.now();
    let (tree, site) = (app.snapshot::<Tree>().await?, app.snapshot::<Site>().await?);
    let query = parse_query(&search.q).map(Arc::new).map_err(Error::from);
    let slice = Error::join(query, paging.page_slice(vec![RELEVANCE]));
    let ((query, slice), filter) = Error::join(slice, make_filter(&app, &search, &tree, visible))?;
    let wanted = Wanted { query: query.clone(), filter, exclude: Vec::new() };
    let load = async |ids| load_rows(&app, ids, visible).await;
    let ask = Ask::best(true, COUNTED);
    let (page, hits) =
        page_by_relevance(&app, &paging, &slice, wanted.clone(), ask, load, FoundRow::id).await?;
    let did_you_mean = if hits.total == Some(0) { find_spelling(&app, wanted).await? } else { None };
    let mut tags: Vec<Tag> = ["site", "categories"].map(Tag::all).into();
    tags.extend(tag_notices());
    answer_tags::add_search(&mut tags);
    let highlights = match search.highlight {
        Some(true) => highlight_rows(&app, &query, &page.data, visible).await?,
        _ => HashMap::new(),
    };
    let link = page.link.clone();
    let facets = Facets::new(&tree, &hits.labels);
    let context = ViewContext::new(&app, tree, site);
    let results = show(&context, page, &hits, highlights, facets, did_you_mean);
    let lifetime = article_times.lifetime(now).min(notice_times.lifetime(now));
    let reply = Reply::new(StatusCode::OK, results)
        .with_version(0)
        .with_last_modified(article_times.modified(now).proving_nothing());
    let reply = if link.is_empty() { reply } else { reply.with_header(LINK, link) };
    let is_as_visitors_get = visible == Notices::Public || !has_members_only;
    Ok(reply.as_visitors_get(is_as_visitors_get).kept_for(lifetime, tags))
}

/// A spelling with which something would be found.
async fn find_spelling(app: &App, wanted: Wanted) -> Result<Option<String>> {
    finding::run(app, move |view| Ok(view.index.find_spelling(&wanted.query, &wanted.filter, &view.without)))
        .await
}

/// What may be found.
fn make_filter(app: &App, search: &SiteSearch, tree: &Tree, visible: Notices) -> Result<Filter> {
    let now = app.now();
    let articles = || filters::articles(Articles::Public, None, now);
    let notices = || filters::notices(visible, None, now);
    let mut all = vec![match search.r#type {
        Some(FoundType::Article) => articles(),
        Some(FoundType::Notice) => notices(),
        None => Filter::Any(vec![articles(), notices()]),
    }];
    if let Some(category) = &search.category {
        let id = find_category(tree, category)?;
        all.push(Filter::AnyOf(tree.subtree(id).into_iter().map(labels::category).collect()));
    }
    all.extend(
        search.tag.as_ref().map(|tags| Filter::AnyOf(tags.iter().map(|tag| labels::tag(tag)).collect())),
    );
    all.extend(search.year.map(|year| Filter::Label(labels::year(year))));
    Ok(Filter::All(all))
}

/// The rows of hits, as far as they may be seen.
async fn load_rows(app: &App, ids: Vec<Uuid>, visible: Notices) -> Result<Vec<FoundRow>> {
    let conn = app.reader().await?;
    let found = articles::load_cards(&conn, Articles::Public.conditions(), ids.clone(), None).await?;
    let mut rows: Vec<FoundRow> = found.into_iter().map(|row| FoundRow::Article(Box::new(row))).collect();
    if rows.len() < ids.len() {
        let mut conditions = Conditions::default();
        conditions.and(visible.sql());
        conditions.and_if("notices.id = ANY(?)", Some(Value::Ids(ids)));
        let found = notices::lists::load_all(&conn, conditions, false).await?;
        rows.extend(found.into_iter().map(|row| FoundRow::Notice(Box::new(row))));
    }
    Ok(rows)
}

/// Where rows have the words.
async fn highlight_rows(
    app: &App,
    query: &Arc<Words>,
    rows: &[FoundRow],
    visible: Notices,
) -> Result<HashMap<Uuid, Highlight>> {
    let (mut articles, mut notices) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            FoundRow::Article(row) => articles.push(row.id),
            FoundRow::Notice(row) => notices.push(row.id),
        }
    }
    let mut highlights = highlight_notices(app, query, visible, notices).await?;
    highlights.extend(highlight_articles(app, query, Articles::Public, articles).await?);
    Ok(highlights)
}

fn show(
    context: &ViewContext,
    page: List<FoundRow>,
    hits: &Hits,
    mut highlights: HashMap<Uuid, Highlight>,
    facets: Facets,
    did_you_mean: Option<String>,
) -> SearchResults {
    let score = |id| {
        let hit = hits.hits.iter().find(|hit| hit.id == id);
        hit.map_or(0.0, |hit| (f64::from(hit.score) * 1000.0).round() / 1000.0)
    };
    let page = page.map(|row| {
        let (score, highlight) = (score(row.id()), highlights.remove(&row.id()));
        match row {
            FoundRow::Article(row) => {
                let card = ArticleCard { highlight, ..context.card(*row) };
                Found::Article(Box::new(FoundArticle { score, card }))
            }
            FoundRow::Notice(row) => Found::Notice(FoundNotice::new(score, *row, highlight)),
        }
    });
    SearchResults { data: page.data, facets, did_you_mean, page: page.page }
}
