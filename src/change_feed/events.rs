//! Listening to the feed.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::StreamExt;

use super::cursor::{Cursor, Walk};
use super::handlers::NOW;
use super::listener::{Listener, ListenerOptions, Session};
use super::live::LiveFeed;
use super::model::Kind;
use super::reading::{check_cursor, open_since};
use super::resolving::Audience;
use super::view::EventParams;
use crate::app::App;
use crate::error::Result;
use crate::http::query::Query;
use crate::http::streamed::UNBUFFERED;
use crate::members::guard::Reader;
use crate::operations::{Caller, Operation};

/// The header by which a client that lost its connection tells what it was told last (HTML §9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// The entry of [`get_events`].
pub const GET_EVENTS: Operation =
    Operation::export("get_events", Caller::Reader).for_keys_as_visitors().without_time_limit();

/// Listen to changes
///
/// The feed of `GET /api/v1/changes` as server-sent events, as they happen: events `change`, each with the JSON of a line,
/// without the thing itself. The id of an event is a cursor. `EventSource` sends it back when it has lost the connection,
/// and is told what it missed; `GET /api/v1/changes?since=` takes it too. The event `reset` says that changes were left out:
/// the client was too slow, or away too long. Go on with `GET /api/v1/changes` from the last id before it, or with its snapshot. A comment every
/// 15 seconds shows that the connection lives. The stream of a member ends with the session.
#[utoipa::path(tag = "changes", params(EventParams), responses((status = 200, description = "A stream of events", body = String, content_type = "text/event-stream")))]
#[get("/events")]
pub async fn get_events(
    req: HttpRequest,
    app: web::Data<App>,
    feed: web::Data<LiveFeed>,
    reader: Reader,
    params: Query<EventParams>,
) -> Result<HttpResponse> {
    let Query(params) = params;
    let audience = Audience::of(&reader, None);
    let options = ListenerOptions {
        kinds: params.entity.as_deref().map_or_else(|| Kind::ALL.to_vec(), Kind::of_entities),
        audience,
        session: Session::of(&reader),
    };
    let (cursor, is_reset) = match find_cursor(&app, req.headers(), params.since.as_deref())? {
        Start::Now => (None, false),
        Start::Nowhere => (None, true),
        Start::After(cursor) => {
            let can_go_on = check_cursor(&app, &cursor, audience).is_ok();
            (Some(cursor).filter(|_| can_go_on), !can_go_on)
        }
    };
    let listener = Listener::begin(&app, &Arc::clone(&feed), options, cursor, is_reset).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(UNBUFFERED)
        .streaming(listener.stream().map(Ok::<_, std::convert::Infallible>)))
}

/// Where a listener begins.
enum Start {
    /// At the end of the log.
    Now,
    /// There, as what it knows cannot be found out.
    Nowhere,
    /// After what it knows.
    After(Cursor),
}

/// Where a listener begins. The header has the last word: a browser asks again with the address of the first time.
///
/// A header that is no cursor is no fault of the person at the browser, which would never come again after a refusal: the
/// keys of the site may have changed. A parameter was written by the client.
fn find_cursor(app: &App, headers: &HeaderMap, since: Option<&str>) -> Result<Start> {
    let last_id = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty());
    let cursor = match (last_id, since) {
        (None, None | Some(NOW)) => return Ok(Start::Now),
        (Some(id), _) => id.to_str().ok().and_then(|id| Cursor::open(id, &app.keys)),
        (None, Some(since)) => Some(open_since(app, since)?),
    };
    Ok(match cursor {
        // All that can be seen is too much for events.
        Some(Cursor { walk: Some(Walk::Everything(..)), .. }) | None => Start::Nowhere,
        // The events of a listener have the lines of all kinds behind them.
        Some(cursor) => Start::After(Cursor { kinds: Kind::ALL.to_vec(), ..cursor }),
    })
}
