//! Groups of articles whose texts are nearly the same.

use std::collections::HashMap;

use actix_web::{Responder, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::alike::{self, Copy};
use super::model::Row;
use super::queries::found;
use super::view::ArticleCard;
use super::view_context::ViewContext;
use crate::app::App;
use crate::db::rows::{MAX_PAGE_BYTES, SortColumn};
use crate::db::visibility::Articles;
use crate::error::Result;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::reply::Reply;
use crate::members::guard::Author;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// Articles that are compared for a page; with more, it ends early.
const MAX_COMPARED: usize = 200;
/// Articles that are compared with one, and so the most of a group beside its newest.
const MAX_OTHERS: usize = 20;
/// Articles that are read at a time.
const BATCH: usize = 50;
/// The order of the groups: that of their newest members.
const NEWEST: SortColumn = SortColumn { name: "id", sql: "articles.id", cast: "uuid", descending: true };

/// Articles whose texts are nearly the same.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DuplicateGroup {
    /// The articles, the newest first.
    #[schema(min_items = 2, max_items = 21)]
    pub articles: Vec<ArticleCard>,
    /// How alike the newest and the least alike of the others are: the share of their pieces of five characters that both
    /// have, from 0.8 to 1.
    pub similarity: f64,
}

/// The entry of [`list_duplicate_articles`].
pub const LIST_DUPLICATE_ARTICLES: Operation =
    Operation::list("list_duplicate_articles", Caller::Role(Role::Author))
        .for_keys_with(Scope::ArticlesRead)
        .without_last_modified();

/// List duplicate articles
///
/// Groups of articles whose texts are nearly the same, of those that the caller may see and that are not in the trash; the
/// group of the newest article first. A page compares a bounded number of articles: it may have fewer groups than
/// `page_size`, or none, before the last one.
#[utoipa::path(tag = "articles", params(PagingParams), responses((status = 200, description = "A page of groups", body = List<DuplicateGroup>)))]
#[get("/duplicates")]
pub async fn list_duplicate_articles(
    app: web::Data<App>,
    author: Author,
    paging: Paging,
) -> Result<impl Responder> {
    let visible = author.0.articles();
    let slice = paging.page_slice(vec![NEWEST])?;
    let before = slice.keys.as_ref().and_then(|keys| keys.first()?.parse().ok());
    let found = find_groups(&app, visible, before, usize::try_from(slice.limit - 1).unwrap_or(1)).await?;
    let context = ViewContext::load(&app).await?;
    let ids =
        found.groups.iter().flat_map(|(newest, copies)| copies.iter().map(|copy| copy.id).chain([*newest]));
    let rows =
        found::load_cards(&*app.long_reader().await?, visible.conditions(), ids.collect(), None).await?;
    let rows: HashMap<Uuid, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
    let groups: Vec<DuplicateGroup> = found
        .groups
        .iter()
        .filter_map(|(newest, copies)| show_group(&context, &rows, *newest, copies))
        .collect();
    let page = paging.page_from(groups, found.last.map(|last| vec![last.to_string()]));
    Ok(Reply::list(page))
}

/// Groups, and the article to go on from, if there are more.
struct Groups {
    groups: Vec<(Uuid, Vec<Copy>)>,
    last: Option<Uuid>,
}

/// Looks for groups among the articles before `before`. A group is found at its newest member.
async fn find_groups(app: &App, visible: Articles, before: Option<Uuid>, most: usize) -> Result<Groups> {
    let (mut groups, mut last, mut compared) = (Vec::new(), before, 0);
    loop {
        let conn = app.long_reader().await?;
        let texts = found::load_texts_before(&conn, visible.conditions(), last, BATCH).await?;
        drop(conn);
        let (count, bytes) = (texts.len(), texts.iter().map(|text| text.body.len() as i64).sum::<i64>());
        let is_end = count < BATCH && bytes < MAX_PAGE_BYTES;
        for (at, text) in texts.into_iter().enumerate() {
            last = Some(text.id);
            compared += 1;
            let copies =
                alike::find_copies(app, &text.title, &text.body, Some(text.id), visible, MAX_OTHERS).await?;
            if !copies.is_empty() && copies.iter().all(|copy| copy.id < text.id) {
                groups.push((text.id, copies));
            }
            let is_last = is_end && at + 1 == count;
            if (groups.len() == most || compared == MAX_COMPARED) && !is_last {
                return Ok(Groups { groups, last });
            }
        }
        if is_end {
            return Ok(Groups { groups, last: None });
        }
    }
}

fn show_group(
    context: &ViewContext,
    rows: &HashMap<Uuid, Row>,
    newest: Uuid,
    copies: &[Copy],
) -> Option<DuplicateGroup> {
    let mut ids: Vec<Uuid> = copies.iter().map(|copy| copy.id).chain([newest]).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let articles: Vec<ArticleCard> =
        ids.iter().filter_map(|id| Some(context.card(rows.get(id)?.clone()))).collect();
    let least = copies.iter().map(|copy| copy.likeness).fold(1.0, f32::min);
    let similarity = alike::round_likeness(least);
    (articles.len() > 1).then_some(DuplicateGroup { articles, similarity })
}
