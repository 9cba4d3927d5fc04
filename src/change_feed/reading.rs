//! Pages of the feed: what is new after a cursor, or that nothing is.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{Instant, sleep};

use super::cursor::Cursor;
use super::model::Head;
use super::resolving::Audience;
use super::walking::{WalkedPage, begin_with_changes, walk};
use crate::app::App;
use crate::error::{Code, Error, Fault, Result};

/// How often it is looked whether something is new. It costs no query.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Hours before the log forgets a change in which no cursor counts on it any more: transactions may have been open for so long.
const MARGIN_HOURS: i64 = 24;

/// What a reader of the feed asks for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// Who reads, and how much of each thing.
    pub audience: Audience,
    /// Lines of a page at most.
    pub limit: usize,
    /// How long to wait for something new.
    pub wait: Duration,
}

/// The cursor in the parameter `since`. Fails with 400 if it is none.
pub fn open_since(app: &App, text: &str) -> Result<Cursor> {
    let refusal = || Fault::parameter("since", Code::InvalidCursor, "is no cursor of the change feed");
    Ok(Cursor::open(text, &app.keys).ok_or_else(refusal)?)
}

/// Fails with 410 if a cursor cannot be gone on from: it is of other readers, or older than the log.
pub fn check_cursor(app: &App, cursor: &Cursor, audience: Audience) -> Result<()> {
    let is_kept = app.config.access.audit_retention_days.is_none_or(|days| {
        let hours = i64::from(days) * 24;
        app.now() - cursor.before.at < TimeDelta::hours(hours - MARGIN_HOURS.min(hours / 2))
    });
    if is_kept && cursor.for_members == audience.is_of_members() {
        return Ok(());
    }
    Err(gone())
}

fn gone() -> Error {
    let detail = "The cursor cannot be gone on from. Begin again with GET /api/v1/changes?snapshot=true, and remove \
         copies of what is not in it.";
    Error::Refused(Code::CursorExpired, detail.into())
}

/// The next page after `cursor`, and the end of the log that it was read by; `head` is the last that was seen.
pub async fn load_page(
    app: &App,
    mut cursor: Cursor,
    asked: PageRequest,
    mut head: Head,
) -> Result<(Head, WalkedPage)> {
    let end = Instant::now() + asked.wait;
    loop {
        if cursor.walk.is_none() && cursor.before != head.position {
            head = find_head_after(app, head, &cursor).await?;
            cursor.walk = Some(begin_with_changes(head.position_after(&cursor.before)));
        }
        let page = match cursor.walk {
            // Whoever stands at the end of the log learns so without a query.
            None => WalkedPage { lines: Vec::new(), next: cursor },
            Some(_) => walk(app, cursor, asked.audience, asked.limit).await?,
        };
        let is_news = !page.lines.is_empty() || page.next.walk.is_some();
        if is_news || Instant::now() >= end || app.is_leaving() {
            return Ok((head, page));
        }
        cursor = page.next;
        // There is a pause after each page without news, wherever the reader stands then.
        loop {
            sleep(LOOK_INTERVAL).await;
            head = Head::find(app).await?;
            if head.position != cursor.before || Instant::now() >= end || app.is_leaving() {
                break;
            }
        }
    }
}

/// The end of the log, no earlier than `cursor`: `head`, unless another process has gone on further than this one knows. Then
/// this process takes the newer one for all its readers, so that they come to stand at it, and ask nothing more.
async fn find_head_after(app: &App, head: Head, cursor: &Cursor) -> Result<Head> {
    if head.xmax >= cursor.before.xmax() && head.position.at >= cursor.before.at {
        return Ok(head);
    }
    let head = Head::find_anew(app).await?;
    if head.xmax < cursor.before.xmax() {
        // The log is that of another cluster, by way of a dump.
        return Err(gone());
    }
    Ok(head)
}
