//! Reading notices.

use std::rc::Rc;

use actix_web::{Either, HttpRequest, Responder, get, web};
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;

use super::answer_tags::{tag_notice, tag_notices};
use super::model::Row;
use super::queries;
use super::queries::lists;
use super::searching::NoticeSearch;
use super::view::{
    Notice, NoticeCard, NoticeDetail, NoticeField, NoticeFilter, NoticeRelation, NoticeShape, PickedNotice,
};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::db::rows::{Conditions, Value, count};
use crate::db::types::Audience;
use crate::db::visibility::Notices;
use crate::error::{Code, Error, Fault, Result};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::matched::Matched;
use crate::http::modified::Modified;
use crate::http::moved::Moved;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{CacheFacts, Data, Reply};
use crate::media::addresses::AddressesByAudience;
use crate::members::guard::Reader;
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation};
use crate::search::SEARCH_TAG;
use crate::search::highlights::Highlight;

/// The entry of [`list_notices`].
pub const LIST_NOTICES: Operation =
    Operation::list("list_notices", Caller::Reader).for_keys_with(Scope::NoticesRead);

/// List notices
///
/// Pinned first, then newest first; with `q`, those that have the words, best first. Visitors get those for everybody that
/// are up now; members also those for members. `per_kind` answers both kinds at once.
#[utoipa::path(tag = "notices", params(NoticeFilter, NoticeSearch, NoticeShape, PagingParams), responses((status = 200, description = "A page of notices", body = List<NoticeCard>)))]
#[get("")]
pub async fn list_notices(
    req: HttpRequest,
    app: web::Data<App>,
    reader: Reader,
    filter: Query<NoticeFilter>,
    search: Query<NoticeSearch>,
    shape: Query<NoticeShape>,
    paging: Paging,
) -> Result<impl Responder> {
    let (Query(filter), Query(shape)) = (filter, shape);
    let (query, ()) = Error::join(search.0.parse(), check_per_kind(&req, &shape))?;
    let visible = visible(&reader, &filter)?;
    // Before the rows are read.
    let ((times, has_members_only), now) = (queries::load_times(&app, reader.notices()).await?, app.now());
    let for_staff = reader.notices() == Notices::All;
    let conditions = conditions_of(&filter, visible);
    let mut tags: Vec<Tag> = tag_notices().into();
    let is_searched = query.is_some();
    let (page, is_for_all) = match query {
        Some(query) => {
            tags.push(Tag::all(SEARCH_TAG));
            let found = query.load_page(&app, &paging, &filter, &shape, visible, conditions).await?;
            // Every notice has a part in which ones are the best.
            (found, !has_members_only)
        }
        None => {
            let list = NoticeList { visible, conditions, shape: &shape, for_staff, has_members_only };
            let (page, is_for_all) = list.load(&app, &paging).await?;
            (page.map(|row| (row, None)), is_for_all)
        }
    };
    let is_as_visitors_get = match visible {
        Notices::Public => true,
        Notices::ForMembers => is_for_all,
        Notices::All | Notices::Trash => false,
    };
    // Staff see changes of which the times tell nothing, and the index has a change a moment later.
    let modified = times.modified(now);
    let modified = if for_staff || is_searched { modified.proving_nothing() } else { modified };
    let facts = CacheFacts { is_as_visitors_get, modified, lifetime: times.lifetime(now), tags };
    Ok(reply_list(page, shape.fields, &AddressesByAudience::load(&app).await?, facts))
}

/// The answer with a page of notices, cut down to `fields` if these are given.
fn reply_list(
    page: List<(Row, Option<Highlight>)>,
    fields: Option<Vec<NoticeField>>,
    addresses: &AddressesByAudience,
    facts: CacheFacts,
) -> Either<Reply<List<NoticeCard>>, Reply<List<PickedNotice>>> {
    let Some(fields) = fields else {
        let card = |(row, highlight)| NoticeCard { highlight, ..NoticeCard::from(row) };
        return Either::Left(Reply::list(page.map(card)).told_to_caches(facts));
    };
    let fields: Rc<[NoticeField]> = fields.into();
    let pick = |(row, highlight)| {
        let notice = Notice::new(row, false, addresses);
        let card = NoticeCard { highlight, ..notice.card };
        PickedNotice::new(Notice { card, ..notice }, fields.clone())
    };
    Either::Right(Reply::list(page.map(pick)).told_to_caches(facts))
}

/// Refuses parameters that a list by kinds cannot have.
fn check_per_kind(req: &HttpRequest, shape: &NoticeShape) -> Result<()> {
    const NOT_PER_KIND: [&str; 6] = ["q", "highlight", "cursor", "page", "page_size", "count"];
    if shape.per_kind.is_none() {
        return Ok(());
    }
    let parameters = Matched::of(req)?.parameters;
    let given = |name: &&str| parameters.pairs.iter().any(|(known, _)| known == name);
    let refuse = |name| Fault::parameter(name, Code::InvalidParameter, "cannot go together with per_kind");
    let mut faults: Vec<Fault> = NOT_PER_KIND.into_iter().filter(given).map(refuse).collect();
    if shape.with_body() {
        let detail = "with per_kind, the body is not to be had; read the notice itself";
        faults.push(Fault::parameter("fields", Code::InvalidParameter, detail));
    }
    Error::parameters(faults)
}

/// What the notices of a list meet.
fn conditions_of(filter: &NoticeFilter, visible: Notices) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    conditions.and_if("notices.kind = ?", filter.kind.map(|kind| Value::Text(kind.as_str().to_owned())));
    let states = filter.status.as_ref();
    let states = states.map(|states| states.iter().map(|status| status.as_str().to_owned()).collect());
    conditions.and_if("notices.status = ANY(?)", states.map(Value::Texts));
    conditions
}

/// A list without a search.
struct NoticeList<'s> {
    visible: Notices,
    conditions: Conditions,
    shape: &'s NoticeShape,
    for_staff: bool,
    has_members_only: bool,
}

impl NoticeList<'_> {
    /// A page of it, and whether everybody gets the same.
    async fn load(self, app: &App, paging: &Paging) -> Result<(List<Row>, bool)> {
        let Self { visible, conditions, shape, for_staff, has_members_only } = self;
        let slice = paging.page_slice(lists::order(visible))?;
        let with_body = shape.with_body();
        if let Some(most) = shape.per_kind {
            let rows = if for_staff {
                lists::load_per_kind(&*app.long_reader().await?, conditions, &slice, most).await?
            } else {
                lists::load_per_kind(&*app.reader().await?, conditions, &slice, most).await?
            };
            let is_for_all = rows.iter().all(is_for_all);
            return Ok((List::unpaged(rows), is_for_all));
        }
        let (rows, total, is_cut) = if with_body {
            let conn = app.costly_reader().await?;
            let total = paging.total(|most| count(&conn, "notices", conditions.clone(), most)).await?;
            let (rows, is_cut) = lists::load_full(&conn, conditions, &slice).await?;
            (rows, total, is_cut)
        } else if for_staff || paging.counts() {
            let conn = app.long_reader().await?;
            let total = paging.total(|most| count(&conn, "notices", conditions.clone(), most)).await?;
            (lists::load_cards(&conn, conditions, &slice).await?, total, false)
        } else {
            (lists::load_cards(&*app.reader().await?, conditions, &slice).await?, None, false)
        };
        // A page tells of the row after it too, and a number or a count of all rows before and after.
        let shows_other_rows = slice.offset > 0 || total.is_some() || is_cut;
        let is_for_all = rows.iter().all(is_for_all) && !(shows_other_rows && has_members_only);
        let page = if is_cut {
            paging.cut_page(&slice, rows, total, cursor_keys)?
        } else {
            paging.page(&slice, rows, total, cursor_keys)
        };
        Ok((page, is_for_all))
    }
}

/// Which notices a list may show: what is up now, unless an editor asks for more.
fn visible(reader: &Reader, filter: &NoticeFilter) -> Result<Notices> {
    let trash = filter.deleted == Some(true);
    match reader.notices() {
        Notices::All if trash => Ok(Notices::Trash),
        Notices::All if filter.status.is_some() => Ok(Notices::All),
        Notices::All => Ok(Notices::ForMembers),
        _ if (trash || filter.status.is_some()) && reader.0.is_none() => Err(Error::unauthenticated()),
        _ if trash || filter.status.is_some() => {
            Err(Error::forbidden("Asking by status or deleted takes the role editor or admin."))
        }
        narrower => Ok(narrower),
    }
}

fn is_for_all(row: &Row) -> bool {
    row.content.audience == Audience::Public
}

fn cursor_keys(row: &Row) -> Vec<String> {
    let published_at = row.content.published_at.map_or_else(|| "infinity".to_owned(), |at| at.to_rfc3339());
    vec![row.content.pinned.to_string(), published_at, row.id.to_string()]
}

/// The entry of [`get_notice`].
pub const GET_NOTICE: Operation =
    Operation::read("get_notice", Caller::Reader).for_keys_with(Scope::NoticesRead);

/// Get a notice
///
/// By id or slug, with its body. Visitors get those for everybody that are up now.
///
/// A slug that the notice has had is answered with 301 and the path of the present slug.
#[utoipa::path(tag = "notices", params(("id" = String, Path, description = "Id, slug or former slug", max_length = 120), NoticeDetail), responses((status = 200, description = "The notice", body = Data<Notice>), (status = 301, description = "The notice has another slug now")))]
#[get("/{id}")]
pub async fn get_notice(
    req: HttpRequest,
    app: web::Data<App>,
    reader: Reader,
    id: IdOrSlug,
    detail: Query<NoticeDetail>,
) -> Result<impl Responder> {
    let for_staff = reader.notices() == Notices::All;
    // Before the row is read.
    let ((times, _), now) = (queries::load_times(&app, reader.notices()).await?, app.now());
    let found = queries::get(&*app.reader().await?, &id, reader.notices()).await.optional()?;
    let Some(row) = found else {
        return find_moved(&req, &app, &reader, id).await.map(Either::Right);
    };
    let mut tags = vec![tag_notice(row.id)];
    let neighbors = match &detail.0.include {
        Some(relations) if relations.contains(&NoticeRelation::Neighbors) => {
            tags.extend(tag_notices());
            let seen = if for_staff { Notices::ForMembers } else { reader.notices() };
            Some(queries::neighbors(&*app.reader().await?, &row, seen).await?)
        }
        _ => None,
    };
    let addresses = AddressesByAudience::load(&app).await?;
    let modified = if for_staff { Modified::of_row(row.updated_at) } else { times.modified(now) };
    let are_for_all = neighbors.iter().flatten().all(|row| row.audience == Audience::Public);
    let (is_public, version) = (is_public(&row, now), row.version);
    let notice = Notice {
        neighbors: neighbors.map(|rows| rows.into_iter().collect()),
        ..Notice::new(row, for_staff, &addresses)
    };
    let has_source = notice.body_source.is_some() && detail.0.fields.is_none();
    let is_as_visitors_get = is_public && are_for_all && !has_source;
    let facts = CacheFacts { is_as_visitors_get, modified, lifetime: times.lifetime(now), tags };
    Ok(Either::Left(match detail.0.fields {
        None => Either::Left(Reply::one(notice).with_version(version).told_to_caches(facts)),
        Some(fields) => {
            let picked = Reply::one(PickedNotice::new(notice, fields.into())).with_version(version);
            Either::Right(picked.told_to_caches(facts))
        }
    }))
}

/// The answer to a former slug in the path.
async fn find_moved(req: &HttpRequest, app: &App, reader: &Reader, key: IdOrSlug) -> Result<Moved> {
    let IdOrSlug::Slug(former) = key else { return Err(Error::not_found()) };
    // Before it is looked for.
    let ((times, _), now) = (queries::load_times(app, reader.notices()).await?, app.now());
    let moved = queries::slugs::find_moved(&*app.reader().await?, former, reader.notices()).await?;
    let moved = moved.ok_or_else(Error::not_found)?;
    Ok(Moved {
        location: Matched::of(req)?.locate(&format!("/api/v1/notices/{}", moved.slug)),
        tag: tag_notice(moved.id),
        is_as_visitors_get: reader.notices() == Notices::Public,
        lifetime: times.lifetime(now),
    })
}

/// The answer with the notice in `row`.
pub fn reply_with(
    row: Row,
    for_staff: bool,
    addresses: &AddressesByAudience,
    now: DateTime<Utc>,
) -> Reply<Data<Notice>> {
    let (is_public, version, modified) = (is_public(&row, now), row.version, row.updated_at);
    let notice = Notice::new(row, for_staff, addresses);
    let is_as_visitors_get = is_public && notice.body_source.is_none();
    Reply::one(notice)
        .with_version(version)
        .with_last_modified(Modified::of_row(modified))
        .as_visitors_get(is_as_visitors_get)
}

/// Whether everybody may read a notice that is not in the trash.
pub fn is_public(row: &Row, now: DateTime<Utc>) -> bool {
    let times = (row.content.published_at, row.content.expires_at);
    is_for_all(row) && Notices::is_current(row.content.status, times, now)
}
