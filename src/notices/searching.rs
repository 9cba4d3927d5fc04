//! Lists of notices that have the words of `q`.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::Row;
use super::queries::lists;
use super::view::{NoticeFilter, NoticeShape};
use crate::app::App;
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::Notices;
use crate::error::{Code, Fault, Result};
use crate::http::paging::{List, Paging};
use crate::index::{Filter, Query};
use crate::search::finding::{self, Ask, RELEVANCE, Wanted};
use crate::search::highlights::{Highlight, mark_all};
use crate::search::{filters, labels, parse_query};

/// Which words notices must have.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoticeSearch {
    /// Only those that have all of these words, in the title or the body, best first, at most 500; the words are written as
    /// for articles.
    #[param(min_length = 1, max_length = 500, nullable = false, example = "检定")]
    pub q: Option<String>,
    /// Whether `highlight` comes along: with `q`, where each notice has the words.
    #[param(default = false, nullable = false)]
    pub highlight: Option<bool>,
}

/// A search for notices.
pub struct NoticeQuery {
    query: Arc<Query>,
    with_highlights: bool,
}

impl NoticeSearch {
    /// What is searched for, if anything is.
    pub fn parse(&self) -> Result<Option<NoticeQuery>> {
        let with_highlights = self.highlight == Some(true);
        match &self.q {
            None if with_highlights => {
                Err(Fault::parameter("highlight", Code::InvalidParameter, "needs q").into())
            }
            None => Ok(None),
            Some(q) => Ok(Some(NoticeQuery { query: Arc::new(parse_query(q)?), with_highlights })),
        }
    }
}

impl NoticeQuery {
    /// Loads a page of the notices that meet `conditions` and have the words.
    pub async fn load_page(
        &self,
        app: &App,
        paging: &Paging,
        filter: &NoticeFilter,
        shape: &NoticeShape,
        visible: Notices,
        conditions: Conditions,
    ) -> Result<List<(Row, Option<Highlight>)>> {
        let mut all = vec![filters::notices(visible, filter.status.as_deref(), app.now())];
        all.extend(filter.kind.map(|kind| Filter::Label(labels::notice_kind(kind.as_str()))));
        let wanted = Wanted { query: self.query.clone(), filter: Filter::All(all), exclude: Vec::new() };
        let load = async |ids: Vec<Uuid>| {
            let mut conditions = conditions.clone();
            conditions.and_if("notices.id = ANY(?)", Some(Value::Ids(ids)));
            Ok(lists::load_all(&*app.reader().await?, conditions, shape.with_body()).await?)
        };
        let ask = Ask::best(paging.counts(), &[]);
        let slice = paging.page_slice(vec![RELEVANCE])?;
        let found = finding::page_by_relevance(app, paging, &slice, wanted, ask, load, |row: &Row| row.id);
        let (page, _) = found.await?;
        let mut highlights = match self.with_highlights {
            true => {
                let ids = page.data.iter().map(|row| row.id).collect();
                highlight_notices(app, &self.query, visible, ids).await?
            }
            false => HashMap::new(),
        };
        Ok(page.map(|row| {
            let highlight = highlights.remove(&row.id);
            (row, highlight)
        }))
    }
}

/// Where notices have the words of a query. Those that are not `visible` any more are left out.
pub async fn highlight_notices(
    app: &App,
    query: &Arc<Query>,
    visible: Notices,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Highlight>> {
    let load = async |ids| Ok(lists::load_texts(&*app.long_reader().await?, visible, ids).await?);
    mark_all(app, query, ids, load).await
}
