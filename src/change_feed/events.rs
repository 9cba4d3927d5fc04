//! Listening to the feed.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::StreamExt;

use super::cursor::Cursor;
use super::listener::{Listener, ListenerOptions, Session};
use super::live::LiveFeed;
use super::model::Kind;
use super::reading::check_cursor;
use super::resolving::Audience;
use super::view::EventParams;
use crate::app::App;
use crate::error::{Code, Fault, Result};
use crate::http::query::Query;
use crate::members::guard::Reader;
use crate::operations::{Caller, Operation};

/// The header by which a client that lost its connection tells what it was told last (HTML §9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";
/// Tells nginx to pass on each event at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The entry of [`get_events`].
pub const GET_EVENTS: Operation =
    Operation::export("get_events", Caller::Reader).for_keys_as_visitors().without_time_limit();

/// Listen to changes
///
/// The feed of `GET /api/v1/changes` as server-sent events, as they happen: events `change`, each with the JSON of a line,
/// without the thing itself. The id of an event is a cursor. `EventSource` sends it back when it has lost the connection,
/// and is told what it missed; `GET /api/v1/changes?since=` takes it too. The event `reset` says that changes were left out:
/// the client was too slow, or away too long. Go on with `GET /api/v1/changes` from the last id, or with its snapshot. A comment every
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
        session: reader.0.map(|member| Session { member: member.id, id: member.session }),
    };
    let cursor =
        read_last_id(req.headers(), params.since)?.map(|text| open_cursor(&app, &text)).transpose()?;
    let (cursor, is_reset) = match cursor {
        Some(cursor) if check_cursor(&app, &cursor, audience).is_ok() => (Some(cursor), false),
        other => (None, other.is_some()),
    };
    let listener = Listener::begin(&app, &Arc::clone(&feed), options, cursor, is_reset).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_ACCEL_BUFFERING, "no"))
        .streaming(listener.stream().map(Ok::<_, std::convert::Infallible>)))
}

/// What the client was told last. The header has the last word: a browser asks again with the address of the first time.
fn read_last_id(headers: &HeaderMap, since: Option<String>) -> Result<Option<String>> {
    let Some(id) = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) else { return Ok(since) };
    match HeaderValue::to_str(id) {
        Ok(id) => Ok(Some(id.to_owned())),
        Err(_) => Err(refuse("Last-Event-ID")),
    }
}

fn open_cursor(app: &App, text: &str) -> Result<Cursor> {
    let cursor = Cursor::open(text, &app.keys).ok_or_else(|| refuse("Last-Event-ID"))?;
    // The events of a listener have the lines of all kinds behind them.
    Ok(Cursor { kinds: Kind::ALL.to_vec(), ..cursor })
}

fn refuse(name: &str) -> crate::error::Error {
    Fault::parameter(name, Code::InvalidCursor, "is no cursor of the change feed").into()
}
