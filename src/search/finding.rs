//! Asks the index of this process.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::shown::{MAX_HITS, Shown};
use crate::app::App;
use crate::db::rows::{PageSlice, SortColumn};
use crate::error::{Code, Error, Fault, Result};
use crate::http::paging::{List, Paging, Total};
use crate::index::live::View;
use crate::index::{Filter, Hits, Index, IndexError, Order, Query, Search};

/// How long a search waits for an index that is not known to be right.
const VIEW_WAIT: Duration = Duration::from_secs(2);
/// How long what is not in a hurry waits for one.
const LONG_WAIT: Duration = Duration::from_secs(60);
/// Hits more than a page has, for those that may have gone meanwhile.
const SPARE_HITS: usize = 100;

/// Hits that are sorted at most in an order that the index does not have.
const MAX_SORTED: usize = 100_000;

/// The order of a list by relevance. Its cursor has one text: the hits that were shown.
pub const RELEVANCE: SortColumn = SortColumn { name: "relevance", sql: "", cast: "", descending: true };

/// What is searched for, and where.
#[derive(Clone)]
pub struct Wanted {
    /// The words.
    pub query: Arc<Query>,
    /// What may be found.
    pub filter: Filter,
    /// What is not to be found, by id.
    pub exclude: Vec<Uuid>,
}

impl Wanted {
    /// All that is left out: what is not to be found, and what the index does not know yet.
    fn without<'w>(&self, view: &'w View) -> Cow<'w, HashSet<Uuid>> {
        if self.exclude.is_empty() {
            return Cow::Borrowed(&view.without);
        }
        Cow::Owned(view.without.iter().chain(&self.exclude).copied().collect())
    }
}

/// How a search is answered.
#[derive(Clone, Copy)]
pub struct Ask {
    /// The order of the hits.
    pub order: Order,
    /// Where to go on, in an order by time.
    pub after: Option<(i64, Uuid)>,
    /// Hits at most.
    pub top: usize,
    /// Whether all hits are counted.
    pub count: bool,
    /// Beginnings of the labels that are counted.
    pub count_labels: &'static [&'static str],
}

impl Ask {
    /// The best hits.
    pub const fn best(count: bool, count_labels: &'static [&'static str]) -> Self {
        Self { order: Order::Relevance, after: None, top: MAX_HITS, count, count_labels }
    }
}

/// The index, if it is known to be right. Fails with 503 if it is not within a moment.
pub async fn view(app: &App) -> Result<View> {
    let view = app.search.view(VIEW_WAIT, || app.follower.is_current()).await;
    view.ok_or_else(not_ready)
}

/// Fails with 503 if there is no index yet.
pub fn check(app: &App) -> Result<()> {
    app.search.index().map(drop).ok_or_else(not_ready)
}

/// Waits until the index has all that is committed now. Fails with 503 if that takes a minute.
pub async fn catch_up(app: &App) -> Result<()> {
    if app.search.catch_up(LONG_WAIT).await { Ok(()) } else { Err(not_ready()) }
}

/// As [`catch_up`], however long it takes to build the index.
pub async fn wait_for_index(app: &App) {
    while !app.search.catch_up(LONG_WAIT).await {
        tracing::info!("Waiting for the search index");
    }
}

/// The index in use, whatever it does not know yet. Where it has failed, it is waited for until it is built again, and
/// after a minute this fails with 503.
pub async fn index(app: &App) -> Result<Index> {
    if app.search.index().is_none() {
        catch_up(app).await?;
    }
    app.search.index().ok_or_else(not_ready)
}

fn not_ready() -> Error {
    Error::Unavailable("the search index is not ready".to_owned())
}

/// Stops using an index that has failed, so that it is built again.
pub fn drop_failed(app: &App, index: &Index, IndexError(cause): IndexError) -> Error {
    tracing::error!(cause, "The search index has failed, and is built again");
    app.search.remove_failed(index);
    not_ready()
}

/// Runs `work` on the index, off the threads that answer requests. An index that fails is built again.
pub async fn run<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&View) -> crate::index::Result<T> + Send + 'static,
) -> Result<T> {
    let view = view(app).await?;
    let index = view.index.clone();
    app.searchers.run(move || work(&view)).await?.map_err(|cause| drop_failed(app, &index, cause))
}

/// Searches.
pub async fn search(app: &App, wanted: Wanted, ask: Ask) -> Result<Hits> {
    let now = app.now().timestamp_micros();
    run(app, move |view| {
        let Ask { order, after, top, count, count_labels } = ask;
        let (query, filter, without) = (Some(&*wanted.query), &wanted.filter, &*wanted.without(view));
        view.index.search(&Search { query, filter, without, order, after, top, count, count_labels, now })
    })
    .await
}

/// The ids among which the rows of a page in another order than relevance are: the first ones in an order by time, in other
/// orders all that are found, at most 100,000: with more, this fails with 400. And how many are found in all, if
/// `count`.
pub async fn narrow(app: &App, wanted: Wanted, slice: &PageSlice, count: bool) -> Result<(Vec<Uuid>, i64)> {
    let number = |found: u64| i64::try_from(found).unwrap_or(i64::MAX);
    let Some((order, after)) = find_time_order(slice) else {
        let find = move |view: &View| {
            view.index.find_all(&wanted.query, &wanted.filter, &wanted.without(view), MAX_SORTED)
        };
        let ids = run(app, find).await?.ok_or_else(refuse_order)?;
        let found = number(ids.len() as u64);
        return Ok((ids, found));
    };
    let rows = usize::try_from(slice.offset + slice.limit).unwrap_or(usize::MAX);
    let ask = Ask { order, after, top: rows.saturating_add(SPARE_HITS), count, count_labels: &[] };
    let found = search(app, wanted, ask).await?;
    let total = number(found.total.unwrap_or_default());
    Ok((found.hits.into_iter().map(|hit| hit.id).collect(), total))
}

fn refuse_order() -> Error {
    let detail = "takes words that at most {max} entries have; sort by relevance or by one time, or search for more words";
    Fault::parameter("sort", Code::InvalidParameter, detail).with("max", MAX_SORTED).into()
}

/// The order of a page that is by one time and the id, and where the page begins in it.
fn find_time_order(slice: &PageSlice) -> Option<(Order, Option<(i64, Uuid)>)> {
    let [time, _] = &slice.order[..] else { return None };
    let descending = time.descending != slice.backwards;
    let order = match time.name {
        "published_at" => Order::BeginsAt { descending },
        "updated_at" => Order::UpdatedAt { descending },
        "created_at" => Order::CreatedAt { descending },
        _ => return None,
    };
    let after = match slice.keys.as_deref() {
        None => None,
        Some([time, id]) => {
            let time =
                chrono::DateTime::parse_from_rfc3339(time).map_or(i64::MAX, |time| time.timestamp_micros());
            Some((time, id.parse().ok()?))
        }
        Some(_) => return None,
    };
    Some((order, after))
}

/// A page of a list by relevance, and what else was asked for. `load` loads the rows of hits, as far as they may be seen, in any order.
pub async fn page_by_relevance<T>(
    app: &App,
    paging: &Paging,
    slice: &PageSlice,
    wanted: Wanted,
    ask: Ask,
    load: impl AsyncFn(Vec<Uuid>) -> Result<Vec<T>>,
    find_id: impl Fn(&T) -> Uuid,
) -> Result<(List<T>, Hits)> {
    let shown = slice.keys.iter().flatten().next().map_or(Some(Shown::default()), |text| Shown::read(text));
    let mut shown = shown.ok_or_else(|| paging.refuse_cursor())?;
    let hits = search(app, wanted, ask).await?;
    let total = hits.total.map(|total| Total::Exactly(i64::try_from(total).unwrap_or(i64::MAX)));
    let ids = hits.hits.iter().map(|hit| hit.id).filter(|id| !shown.has(*id));
    let skipped = usize::try_from(slice.offset).unwrap_or(usize::MAX);
    let mut ids: Vec<Uuid> = ids.take(MAX_HITS.saturating_sub(shown.len())).collect();
    // Earlier pages have shown what a page by number skips: its cursor goes on behind it.
    ids.drain(..skipped.min(ids.len())).for_each(|id| shown.add(id));
    let wanted_rows = usize::try_from(slice.limit).unwrap_or(usize::MAX);
    let mut rows: Vec<T> = Vec::new();
    for ids in ids.chunks(wanted_rows) {
        let mut loaded = load(ids.to_vec()).await?;
        loaded.sort_by_key(|row| ids.iter().position(|id| *id == find_id(row)));
        rows.extend(loaded);
        if rows.len() >= wanted_rows {
            break;
        }
    }
    let has_next = rows.len() >= wanted_rows;
    rows.truncate(wanted_rows - 1);
    rows.iter().for_each(|row| shown.add(find_id(row)));
    Ok((paging.page_by_relevance(rows, has_next, total, shown.write()), hits))
}
