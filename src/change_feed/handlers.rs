//! Reading the feed.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{Responder, get, web};

use super::cursor::Cursor;
use super::listener::Session;
use super::model::{Head, Kind};
use super::reading::{PageRequest, check_cursor, load_page, open_since};
use super::resolving::Audience;
use super::view::{Feed, FeedPage, FeedParams};
use super::walking::begin_with_everything;
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{CATEGORIES, tag_articles_in_any};
use crate::error::{Code, Error, Fault, Result};
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::members::guard::Reader;
use crate::notices::answer_tags::tag_notices;
use crate::operations::{Caller, Operation};

/// Changes of a page, if the client does not say.
const DEFAULT_LIMIT: i64 = 200;
/// The word in place of a cursor that stands for this moment.
pub const NOW: &str = "now";

/// The entry of [`get_changes`].
pub const GET_CHANGES: Operation = Operation::read("get_changes", Caller::Reader)
    .for_keys_as_visitors()
    .without_last_modified()
    .without_time_limit();

/// Get what has changed
///
/// What has changed since a cursor, for whoever keeps copies: each thing once, as it is now. `upsert`: it can be seen, add it or
/// replace the copy. `delete`: it cannot be seen any more, for whatever reason. What comes into sight or goes out of it by
/// time alone is told too, when its hour has come. Send `next_cursor` as `since` to go on: at once while `has_next`, else next
/// time. A line may be told twice, and never is one left out.
///
/// Begin with `snapshot=true`, which tells all that can be seen. A cursor is of one audience: after a login, begin again. 410: the cursor is too
/// old, or of another audience; take a snapshot, and remove copies that are not in it.
#[utoipa::path(tag = "changes", params(FeedParams), responses((status = 200, description = "What has changed", body = Feed), (status = 410, description = "The cursor cannot be gone on from: `GET /api/v1/changes?snapshot=true`")))]
#[get("/changes")]
pub async fn get_changes(
    app: web::Data<App>,
    reader: Reader,
    params: Query<FeedParams>,
) -> Result<impl Responder> {
    let Query(params) = params;
    let audience = Audience::of(&reader, params.include);
    let head = Head::find(&app).await?;
    let cursor = find_cursor(&app, &params, audience, &head)?;
    let limit = usize::try_from(params.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or_default();
    let asked = PageRequest { audience, limit, wait: Duration::from_secs(params.wait.unwrap_or_default()) };
    let (head, page) = load_page(&app, cursor, asked, head).await?;
    let waits = !asked.wait.is_zero();
    if waits && !Session::goes_on(Session::of(&reader), &app).await {
        return Err(Error::unauthenticated());
    }
    let next_cursor = page.next.seal(&app.keys);
    let feed = Feed { data: page.lines, page: FeedPage { next_cursor, has_next: page.next.walk.is_some() } };
    let mut tags = vec![Tag::all("site"), Tag::all(CATEGORIES)];
    tags.extend(tag_articles_in_any(None));
    tags.extend(tag_notices());
    let until_moment = |head: Head| {
        let left = head.next_moment.map(|moment| (moment - app.now()).to_std().unwrap_or_default());
        left.unwrap_or(Duration::MAX)
    };
    let lifetime = (!waits).then(|| until_moment(head));
    Ok(Reply::new(StatusCode::OK, feed)
        .with_version(0)
        .as_visitors_get(!audience.is_of_members() && !waits)
        .kept_for(lifetime, tags))
}

/// Where the reader stands, and the walk that begins there.
fn find_cursor(app: &App, params: &FeedParams, audience: Audience, head: &Head) -> Result<Cursor> {
    let for_members = audience.is_of_members();
    let is_snapshot = params.snapshot == Some(true);
    let kinds = params.entity.as_deref().map(Kind::of_entities);
    let refuse = |detail| Err(Fault::parameter("since", Code::InvalidCursor, detail).into());
    let all = || kinds.clone().unwrap_or_else(|| Kind::ALL.to_vec());
    let begin = |walk| Cursor { kinds: all(), for_members, before: head.position.clone(), walk };
    match params.since.as_deref() {
        None if is_snapshot => Ok(begin(begin_with_everything(&all()))),
        None => {
            let detail = "is missing; begin with snapshot=true, or with since=now";
            Err(Fault::parameter("since", Code::InvalidParameter, detail).into())
        }
        Some(NOW) if is_snapshot => refuse("now is not to be had together with snapshot"),
        Some(NOW) => Ok(begin(None)),
        Some(sealed) => {
            let mut cursor = open_since(app, sealed)?;
            if let Some(kinds) = kinds
                && !cursor.narrow_to(kinds)
            {
                return refuse("is a cursor of other kinds of things");
            }
            check_cursor(app, &cursor, audience)?;
            Ok(cursor)
        }
    }
}
