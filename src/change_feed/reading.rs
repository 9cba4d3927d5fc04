//! Pages of the feed: what is new after a cursor, or that nothing is.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{Instant, sleep};

use super::cursor::Cursor;
use super::model::Head;
use super::queries;
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
    check_cluster(app, &cursor, &head).await?;
    loop {
        if cursor.walk.is_none() && !head.is_reached_at(&cursor.before) {
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
        // There is a pause after each page without news, wherever the reader stands.
        loop {
            sleep(LOOK_INTERVAL).await;
            head = Head::find(app).await?;
            if !head.is_reached_at(&cursor.before) || Instant::now() >= end || app.is_leaving() {
                break;
            }
        }
    }
}

/// Fails with 410 if the cursor is of another cluster, by way of a dump. Only a cursor beyond `head` can be; it may also be of another
/// process, which has read the end of the log later.
async fn check_cluster(app: &App, cursor: &Cursor, head: &Head) -> Result<()> {
    let xmax = cursor.before.xmax();
    if xmax <= head.xmax || xmax <= queries::load_xmax(&*app.reader().await?).await? {
        return Ok(());
    }
    Err(gone())
}

/// The end of the log, no earlier than `cursor`: `head`, or the one that the database has now.
async fn find_head_after(app: &App, head: Head, cursor: &Cursor) -> Result<Head> {
    let is_later = head.xmax >= cursor.before.xmax() && head.position.at >= cursor.before.at;
    if is_later { Ok(head) } else { Head::find_anew(app).await }
}
