//! Reading the feed.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{Responder, get, web};
use chrono::TimeDelta;
use tokio::time::{Instant, sleep};

use super::cursor::{Cursor, Walk};
use super::model::{Head, Kind, Position};
use super::queries;
use super::resolving::Audience;
use super::view::{Feed, FeedPage, FeedParams};
use super::walking::{WalkedPage, begin_with_changes, begin_with_everything, walk};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{CATEGORIES, tag_articles_in_any};
use crate::db::visibility::Notices;
use crate::error::{Code, Error, Fault, Result};
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::members::guard::Reader;
use crate::notices::answer_tags::tag_notices;
use crate::operations::{Caller, Operation};

/// Changes of a page, if the client does not say.
const DEFAULT_LIMIT: i64 = 200;
/// How often it is looked whether something is new. It costs no query.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The word in place of a cursor that stands for this moment.
const NOW: &str = "now";
/// Hours before the log forgets a change in which no cursor counts on it any more: transactions may have been open for so long.
const MARGIN_HOURS: i64 = 24;

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
    let audience = Audience {
        notices: if reader.0.is_some() { Notices::ForMembers } else { Notices::Public },
        with_cards: params.include.is_some(),
    };
    let head = Head::find(&app).await?;
    let cursor = find_cursor(&app, &params, audience, &head).await?;
    let (head, page) = load_page(&app, cursor, audience, &params, head).await?;
    let next_cursor = page.next.seal(&app.keys);
    let feed = Feed { data: page.lines, page: FeedPage { next_cursor, has_next: page.next.walk.is_some() } };
    let mut tags = vec![Tag::all("site"), Tag::all(CATEGORIES)];
    tags.extend(tag_articles_in_any(None));
    tags.extend(tag_notices());
    let until_moment = |head: Head| {
        let left = head.next_moment.map(|moment| (moment - app.now()).to_std().unwrap_or_default());
        left.unwrap_or(Duration::MAX)
    };
    let lifetime = params.wait.is_none().then(|| until_moment(head));
    let is_as_visitors_get = audience.notices == Notices::Public;
    Ok(Reply::new(StatusCode::OK, feed)
        .with_version(0)
        .as_visitors_get(is_as_visitors_get)
        .kept_for(lifetime, tags))
}

/// Where the reader stands, and the walk that begins there.
async fn find_cursor(app: &App, params: &FeedParams, audience: Audience, head: &Head) -> Result<Cursor> {
    let for_members = audience.notices != Notices::Public;
    let is_snapshot = params.snapshot == Some(true);
    let kinds = params.entity.clone().map(|entities| {
        let mut kinds: Vec<Kind> = entities.into_iter().map(Kind::from).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    });
    let refuse = |detail| Err(Fault::parameter("since", Code::InvalidCursor, detail).into());
    let all = || kinds.clone().unwrap_or_else(|| vec![Kind::Article, Kind::Notice, Kind::Category]);
    let begin = |walk| Cursor { kinds: all(), for_members, before: head.position.clone(), walk };
    match params.since.as_deref() {
        None if is_snapshot => Ok(begin(begin_with_everything(&all()))),
        None => {
            let detail = "is missing; begin with snapshot=true, or with since=now";
            Err(Fault::parameter("since", Code::InvalidParameter, detail).into())
        }
        Some(NOW) if !is_snapshot => Ok(begin(None)),
        Some(sealed) => {
            let Some(cursor) = Cursor::open(sealed, &app.keys) else {
                return refuse("is no cursor of the change feed");
            };
            if kinds.is_some_and(|kinds| kinds != cursor.kinds) {
                return refuse("is a cursor of other kinds of things");
            }
            check_age(app, &cursor, for_members).await?;
            Ok(cursor)
        }
    }
}

/// Refuses a cursor that cannot be gone on from.
async fn check_age(app: &App, cursor: &Cursor, for_members: bool) -> Result<()> {
    let is_kept = app.config.access.audit_retention_days.is_none_or(|days| {
        let hours = i64::from(days) * 24;
        app.now() - cursor.before.at < TimeDelta::hours(hours - MARGIN_HOURS.min(hours / 2))
    });
    if is_kept && cursor.for_members == for_members {
        return Ok(());
    }
    Err(gone())
}

fn gone() -> Error {
    let detail = "The cursor cannot be gone on from. Begin again with GET /api/v1/changes?snapshot=true, and remove \
         copies of what is not in it.";
    Error::Refused(Code::CursorExpired, detail.into())
}

/// The next page after `cursor`, and the end of the log that it was read by.
async fn load_page(
    app: &App,
    mut cursor: Cursor,
    audience: Audience,
    params: &FeedParams,
    mut head: Head,
) -> Result<(Head, WalkedPage)> {
    let end = Instant::now() + Duration::from_secs(params.wait.unwrap_or_default());
    let limit = usize::try_from(params.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or_default();
    loop {
        if cursor.walk.is_none() && cursor.before != head.position {
            cursor.walk = begin_walk(app, &cursor, &head).await?;
        }
        let page = match cursor.walk {
            // Whoever stands at the end of the log learns so without a query.
            None => WalkedPage { lines: Vec::new(), next: cursor },
            Some(_) => walk(app, cursor, audience, limit).await?,
        };
        let is_news = !page.lines.is_empty() || page.next.walk.is_some();
        if is_news || Instant::now() >= end {
            return Ok((head, page));
        }
        cursor = page.next;
        while head.position == cursor.before && Instant::now() < end {
            sleep(LOOK_INTERVAL).await;
            head = Head::find(app).await?;
        }
    }
}

/// The walk from `cursor` to the end of the log.
async fn begin_walk(app: &App, cursor: &Cursor, head: &Head) -> Result<Option<Walk>> {
    if head.position.xmax() >= cursor.before.xmax() && head.position.at >= cursor.before.at {
        return Ok(Some(begin_with_changes(head.position.clone())));
    }
    // Another process has gone on further than this one knows.
    let position: Position = queries::load_position(&*app.reader().await?).await?;
    if position.xmax() < cursor.before.xmax() {
        // The log is that of another cluster, by way of a dump.
        return Err(gone());
    }
    Ok(Some(begin_with_changes(position)))
}
