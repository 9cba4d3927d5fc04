//! Pages: by cursor (any depth, stable while rows come and go) or by number (shallow).

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, dev, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::QueryResult;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::matched::Matched;
use super::parameters::{DEFAULT_PAGE_SIZE, MAX_NUMBERED_ROWS, Parameters};
use super::query::Query;
use super::query_string::encode;
use crate::app::App;
use crate::db::rows::{PageSlice, SortColumn};
use crate::error::{Code, Error, Fault, Result};

/// Rows that `count=true` counts.
const MAX_COUNTED_ROWS: i64 = 10_000;
/// The longest `Link` header, in bytes.
const MAX_LINK_BYTES: usize = 4 << 10;
/// Parameters that choose a page or the keys of a list, not which rows it has.
const NOT_FILTERS: &[&str] = &["cursor", "page", "page_size", "count", "fields", "include"];

/// How a list is cut into pages.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PagingParams {
    /// Rows a page.
    #[param(minimum = 1, maximum = 100, default = 20, nullable = false)]
    page_size: Option<i64>,
    /// Where to go on: the `next_cursor` or `prev_cursor` of a page of this very list. Not together with `page`.
    #[param(max_length = 8000, pattern = "^[A-Za-z0-9_-]*$", nullable = false)]
    cursor: Option<String>,
    /// The page's number, from 1; reaches the first 10,000 rows. Not together with `cursor`.
    #[param(minimum = 1, nullable = false)]
    page: Option<i64>,
    /// Whether to count the rows, as `page.total`: not at all (`false`), up to 10,000 (`true`), or to the end, however
    /// long that takes (`exact`).
    #[param(inline, nullable = false)]
    count: Option<Counting>,
}

/// How far the rows of a list are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "false")]
pub enum Counting {
    /// Not at all.
    False,
    /// Up to 10,000.
    True,
    /// To the end.
    Exact,
}

/// How many rows a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(i64),
    /// More than so many.
    MoreThan(i64),
}

/// Where a page stands in its list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// Rows a page.
    #[schema(example = 20)]
    size: i64,
    /// Whether rows follow.
    has_next: bool,
    /// Continues behind this page; null at the end.
    #[schema(required)]
    next_cursor: Option<String>,
    /// Continues before this page; null at the beginning.
    #[schema(required)]
    prev_cursor: Option<String>,
    /// The page's number, if it was asked for by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    number: Option<i64>,
    /// All rows of the list, if they were to be counted and `total_at_least` is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<i64>,
    /// In place of `total`, if `count=true` found more rows than it counts: the list has more than so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 10000)]
    total_at_least: Option<i64>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where they stand.
    pub page: PageInfo,
    /// The `Link` header (RFC 8288).
    #[serde(skip)]
    pub link: String,
}

impl<T> List<T> {
    /// A list that is always answered whole.
    pub fn unpaged(data: Vec<T>) -> Self {
        let size = i64::try_from(data.len()).unwrap_or(i64::MAX);
        let page = PageInfo {
            size,
            has_next: false,
            next_cursor: None,
            prev_cursor: None,
            number: None,
            total: Some(size),
            total_at_least: None,
        };
        Self { data, page, link: String::new() }
    }

    /// The same page with other rows.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> List<U> {
        List { data: self.data.into_iter().map(into).collect(), page: self.page, link: self.link }
    }

    /// The same page with other rows, without those that have none.
    pub fn filter_map<U>(self, into: impl FnMut(T) -> Option<U>) -> List<U> {
        List { data: self.data.into_iter().filter_map(into).collect(), page: self.page, link: self.link }
    }
}

/// The paging of one request.
pub struct Paging {
    params: PagingParams,
    path: String,
    parameters: Arc<Parameters>,
    app: web::Data<App>,
}

impl FromRequest for Paging {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let mut read = || {
            let Query(params) = Query::<PagingParams>::from_request(req, payload).into_inner()?;
            let app = req.app_data::<web::Data<App>>().cloned();
            let app = app.ok_or_else(|| Error::Internal(anyhow::anyhow!("no App in app_data")))?;
            let parameters = Matched::of(req)?.parameters;
            Ok(Self { params, path: req.path().to_owned(), parameters, app })
        };
        ready(read())
    }
}

impl Paging {
    /// Rows a page.
    fn size(&self) -> i64 {
        self.params.page_size.unwrap_or(DEFAULT_PAGE_SIZE)
    }

    /// Whether the client asks for a certain page.
    pub fn is_asked_for(&self) -> bool {
        self.params.page_size.is_some() || self.params.cursor.is_some() || self.params.page.is_some()
    }

    /// Whether the client wants the rows counted.
    pub fn counts(&self) -> bool {
        self.params.count.is_some_and(|count| count != Counting::False)
    }

    /// How many rows the list has, if the client wants to know: `count` counts them, to so many only if that is given.
    pub async fn total<F: Future<Output = QueryResult<i64>>>(
        &self,
        count: impl FnOnce(Option<i64>) -> F,
    ) -> Result<Option<Total>> {
        let most = match self.params.count {
            None | Some(Counting::False) => return Ok(None),
            Some(Counting::True) => Some(MAX_COUNTED_ROWS),
            Some(Counting::Exact) => None,
        };
        // One row more tells whether there are more.
        let counted = count(most.map(|most| most + 1)).await?;
        Ok(Some(match most {
            Some(most) if counted > most => Total::MoreThan(most),
            _ => Total::Exactly(counted),
        }))
    }

    /// The page that the client asks for, as the rows that the statement is to return.
    pub fn page_slice(&self, order: Vec<SortColumn>) -> Result<PageSlice> {
        let mut slice = PageSlice {
            limit: self.size() + 1,
            offset: self.params.page.map_or(0, |page| (page - 1) * self.size()),
            keys: None,
            backwards: false,
            order,
        };
        if let Some(cursor) = &self.params.cursor {
            let (backwards, keys) = self.open_cursor(cursor, slice.order.len())?;
            slice.backwards = backwards;
            slice.keys = Some(keys);
        }
        Ok(slice)
    }

    /// The page in `rows`, which holds one row too many if there is more.
    pub fn page<T>(
        &self,
        slice: &PageSlice,
        mut rows: Vec<T>,
        total: Option<Total>,
        keys: impl Fn(&T) -> Vec<String>,
    ) -> List<T> {
        let overfull = self.is_overfull(&rows);
        if overfull {
            rows.pop();
        }
        self.build_page(slice, rows, overfull, total, keys)
    }

    /// The page in `rows`, to which one row more cannot be added: it would be too large.
    ///
    /// A page by number that lacks rows is refused: those after it would leave them out.
    pub fn cut_page<T>(
        &self,
        slice: &PageSlice,
        rows: Vec<T>,
        total: Option<Total>,
        keys: impl Fn(&T) -> Vec<String>,
    ) -> Result<List<T>> {
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= self.size());
        if self.params.page.is_some() && !is_full {
            let detail = "with these fields the page is too large; {max} rows fit, or use `cursor`, whose pages end early";
            let fault = Fault::parameter("page_size", Code::InvalidParameter, detail);
            return Err(fault.with("max", rows.len()).into());
        }
        Ok(self.build_page(slice, rows, true, total, keys))
    }

    /// A page of a list by relevance, whose cursor is `shown`. Such a list is walked in one direction.
    pub fn page_by_relevance<T>(
        &self,
        rows: Vec<T>,
        has_next: bool,
        total: Option<Total>,
        shown: String,
    ) -> List<T> {
        let slice = PageSlice { order: Vec::new(), keys: None, backwards: false, limit: 0, offset: 0 };
        self.build_page(&slice, rows, has_next, total, |_| vec![shown.clone()])
    }

    /// A page of a list that is walked in one direction; it goes on from `next`, if there is more.
    pub fn page_from<T>(&self, rows: Vec<T>, next: Option<Vec<String>>) -> List<T> {
        let page = PageInfo {
            size: self.size(),
            has_next: next.is_some(),
            next_cursor: next.map(|next| self.seal_cursor(false, &next)),
            prev_cursor: None,
            number: self.params.page,
            total: None,
            total_at_least: None,
        };
        let link = self.link(&page);
        List { data: rows, page, link }
    }

    /// Refuses the cursor of the request.
    pub fn refuse_cursor(&self) -> Error {
        let detail = "is not a cursor of this list with these filters and this order";
        Fault::parameter("cursor", Code::InvalidCursor, detail).into()
    }

    fn is_overfull<T>(&self, rows: &[T]) -> bool {
        i64::try_from(rows.len()).is_ok_and(|rows| rows > self.size())
    }

    /// The page in `rows`; `overfull` says whether there are more in its direction.
    fn build_page<T>(
        &self,
        slice: &PageSlice,
        mut rows: Vec<T>,
        overfull: bool,
        total: Option<Total>,
        keys: impl Fn(&T) -> Vec<String>,
    ) -> List<T> {
        if slice.backwards {
            rows.reverse();
        }
        let has_next = if slice.backwards { slice.keys.is_some() } else { overfull };
        let has_previous = if slice.backwards { overfull } else { slice.keys.is_some() || slice.offset > 0 };
        let cursor = |wanted: bool, row: Option<&T>, backwards| {
            row.filter(|_| wanted).map(|row| self.seal_cursor(backwards, &keys(row)))
        };
        let page = PageInfo {
            size: self.size(),
            has_next: has_next && !rows.is_empty(),
            next_cursor: cursor(has_next, rows.last(), false),
            prev_cursor: cursor(has_previous, rows.first(), true),
            number: self.params.page,
            total: total.and_then(|total| match total {
                Total::Exactly(rows) => Some(rows),
                Total::MoreThan(_) => None,
            }),
            total_at_least: total.and_then(|total| match total {
                Total::Exactly(_) => None,
                Total::MoreThan(rows) => Some(rows),
            }),
        };
        let link = self.link(&page);
        List { data: rows, page, link }
    }

    fn link(&self, page: &PageInfo) -> String {
        let mut links = vec![self.target(None, "first")];
        match page.number {
            Some(number) => {
                // Where page numbers end, the cursor goes on.
                let next = (number + 1).to_string();
                let next = if (number + 1) * page.size > MAX_NUMBERED_ROWS {
                    page.next_cursor.as_deref().map(|cursor| ("cursor", cursor))
                } else {
                    page.has_next.then_some(("page", next.as_str()))
                };
                links.extend(next.map(|next| self.target(Some(next), "next")));
                links.extend(
                    (number > 1).then(|| self.target(Some(("page", &(number - 1).to_string())), "prev")),
                );
            }
            None => {
                links.extend(
                    page.next_cursor.as_deref().map(|cursor| self.target(Some(("cursor", cursor)), "next")),
                );
                links.extend(
                    page.prev_cursor.as_deref().map(|cursor| self.target(Some(("cursor", cursor)), "prev")),
                );
            }
        }
        let link = links.join(", ");
        // It repeats all filters. Clients and proxies refuse long headers, and the body has the cursors too.
        if link.len() > MAX_LINK_BYTES { String::new() } else { link }
    }

    fn target(&self, position: Option<(&str, &str)>, relation: &str) -> String {
        let kept = self.parameters.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !matches!(*name, "cursor" | "page"));
        let encoded: Vec<String> =
            kept.chain(position).map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mark = if encoded.is_empty() { "" } else { "?" };
        format!("<{}{mark}{}>; rel=\"{relation}\"", self.path, encoded.join("&"))
    }

    /// What a cursor is bound to: this list, with these filters, in this order.
    fn list_identity(&self) -> String {
        let mut filters: Vec<_> =
            self.parameters.pairs.iter().filter(|(name, _)| !NOT_FILTERS.contains(&name.as_str())).collect();
        filters.sort();
        format!("{} {filters:?}", self.path)
    }

    fn seal_cursor(&self, backwards: bool, keys: &[String]) -> String {
        let content = serde_json::to_vec(&(backwards, keys)).unwrap_or_default();
        let mut sealed = self.app.keys.seal(&[self.list_identity().as_bytes(), &content]);
        sealed.extend(content);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open_cursor(&self, cursor: &str, columns: usize) -> Result<(bool, Vec<String>)> {
        let opened = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| {
            let (seal, content) = bytes.split_at_checked(16)?;
            let genuine = self.app.keys.is_sealed(&[self.list_identity().as_bytes(), content], seal);
            genuine.then(|| serde_json::from_slice::<(bool, Vec<String>)>(content).ok()).flatten()
        });
        match opened {
            Some((backwards, keys)) if keys.len() == columns => Ok((backwards, keys)),
            _ => Err(self.refuse_cursor()),
        }
    }
}
