//! Completions of what is being typed: titles and tags.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::{Responder, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::articles::answer_tags;
use crate::articles::model::Row;
use crate::articles::queries::found;
use crate::cache::tags::Tag;
use crate::categories::queries::load_article_times;
use crate::db::visibility::Articles;
use crate::error::Result;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::index::completions::Typed;
use crate::index::live::View;
use crate::index::{Filter, Order, Search};
use crate::members::guard::Reader;
use crate::operations::{Caller, Operation, Role};
use crate::search::documents::TAG_COMPLETION;
use crate::search::{filters, finding, labels};

/// Suggestions by default.
const DEFAULT_SUGGESTIONS: usize = 10;
/// Documents that are looked at for a suggestion.
const CANDIDATES: usize = 60;

/// What is being typed.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SuggestionFilter {
    /// What was typed so far: characters (Simplified or Traditional), pinyin in full or by its initials, or both mixed.
    #[param(min_length = 1, max_length = 100, example = "zlts")]
    pub prefix: String,
    /// Suggestions at most.
    #[param(minimum = 1, maximum = 20, default = 10, nullable = false)]
    pub size: Option<usize>,
}

/// Suggestions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Suggestions {
    /// The most popular first.
    #[schema(max_items = 20)]
    pub data: Vec<Suggestion>,
}

/// What a prefix can become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Suggestion {
    /// The whole text.
    #[schema(example = "质量提升")]
    pub text: String,
    /// What it is.
    pub kind: SuggestionKind,
    /// Articles that have the tag; of a title, 1.
    pub count: u64,
}

/// What is suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    /// The title of an article.
    Title,
    /// A tag.
    Tag,
}

/// The entry of [`list_suggestions`].
pub const LIST_SUGGESTIONS: Operation = Operation::read("list_suggestions", Caller::Reader)
    .for_keys_as_visitors()
    .same_as_visitors_for(Role::Member);

/// Suggest completions
///
/// Titles and tags of published articles that begin with what was typed, or have a part that does; tags first, each the
/// most popular first.
#[utoipa::path(tag = "search", params(SuggestionFilter), responses((status = 200, description = "Suggestions", body = Suggestions)))]
#[get("/suggest")]
pub async fn list_suggestions(
    app: web::Data<App>,
    _: Reader,
    filter: Query<SuggestionFilter>,
) -> Result<impl Responder> {
    let Query(filter) = filter;
    // Before the rows are read.
    let (times, now) = (load_article_times(&app).await?, app.now());
    let size = filter.size.unwrap_or(DEFAULT_SUGGESTIONS);
    let data = match Typed::parse(&filter.prefix) {
        Some(typed) => find_suggestions(&app, typed, size).await?,
        None => Vec::new(),
    };
    let mut tags: Vec<Tag> = Vec::new();
    answer_tags::add_search(&mut tags);
    let reply = Reply::new(StatusCode::OK, Suggestions { data }).with_version(0);
    Ok(reply
        .with_last_modified(times.modified(now).proving_nothing())
        .as_visitors_get(true)
        .kept_for(times.lifetime(now), tags))
}

async fn find_suggestions(app: &App, typed: Typed, size: usize) -> Result<Vec<Suggestion>> {
    let public = filters::articles(Articles::Public, None, app.now());
    let (prefixes, filter) = (typed.prefixes(), public.clone());
    let (titled, tagged) = finding::run(app, move |view| {
        let tags: Vec<String> = prefixes.iter().map(|prefix| format!("{TAG_COMPLETION}{prefix}")).collect();
        Ok((complete(view, &prefixes, &filter)?, complete(view, &tags, &filter)?))
    })
    .await?;
    let ids = titled.iter().chain(&tagged).copied().collect();
    let rows = found::load_cards(&*app.reader().await?, Articles::Public.conditions(), ids, None).await?;
    let (titles, tags) = match_texts(&typed, &rows, &titled);
    let counted = finding::run(app, move |view| count_tags(view, tags, &public)).await?;
    let mut seen = HashSet::new();
    let titles = titles.into_iter().map(|text| Suggestion { text, kind: SuggestionKind::Title, count: 1 });
    let all = counted.into_iter().chain(titles).filter(|one| seen.insert(one.text.clone()));
    Ok(all.take(size).collect())
}

/// The most popular documents with a completion that begins with one of `prefixes`. Those of the first one, which is what was
/// typed as it stands, come before those of the others, which are guesses.
fn complete(view: &View, prefixes: &[String], filter: &Filter) -> crate::index::Result<Vec<Uuid>> {
    let Some((typed, guesses)) = prefixes.split_first() else { return Ok(Vec::new()) };
    let find = |prefixes: &[String]| view.index.complete(prefixes, filter, &view.without, CANDIDATES);
    let mut found = find(std::slice::from_ref(typed))?;
    if found.len() < CANDIDATES && !guesses.is_empty() {
        let more = find(guesses)?;
        found.extend(more.into_iter().filter(|id| !found.contains(id)).collect::<Vec<_>>());
    }
    Ok(found)
}

/// The titles, in the order of `titled`, and the tags of `rows` that the prefix can become.
fn match_texts(typed: &Typed, rows: &[Row], titled: &[Uuid]) -> (Vec<String>, Vec<String>) {
    let titles = titled.iter().filter_map(|id| rows.iter().find(|row| row.id == *id));
    let titles = titles.map(|row| &row.content.title).filter(|title| typed.matches(title)).cloned();
    let mut tags: Vec<String> =
        rows.iter().flat_map(|row| &row.content.tags).filter(|tag| typed.matches(tag)).cloned().collect();
    tags.sort_unstable();
    tags.dedup();
    (titles.collect(), tags)
}

fn count_tags(view: &View, tags: Vec<String>, public: &Filter) -> crate::index::Result<Vec<Suggestion>> {
    let mut counted = Vec::new();
    for tag in tags {
        let filter = Filter::All(vec![public.clone(), Filter::Label(labels::tag(&tag))]);
        let hits = view.index.search(&Search {
            query: None,
            filter: &filter,
            without: &view.without,
            order: Order::BeginsAt { descending: true },
            after: None,
            top: 0,
            count: true,
            count_labels: &[],
            now: 0,
        })?;
        let count = hits.total.unwrap_or_default();
        if count > 0 {
            counted.push(Suggestion { text: tag, kind: SuggestionKind::Tag, count });
        }
    }
    counted.sort_by(|a, b| (b.count, &a.text).cmp(&(a.count, &b.text)));
    Ok(counted)
}
