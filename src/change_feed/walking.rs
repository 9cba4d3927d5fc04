//! Walks through the feed, a page at a time.

use std::collections::HashMap;

use chrono::DateTime;
use uuid::Uuid;

use super::cursor::{Cursor, Step, Walk};
use super::model::{Candidate, Kind, Position, Window};
use super::queries::{self, windows};
use super::resolving::{Audience, resolve};
use super::view::{Changed, Included};
use crate::app::App;
use crate::db::connection::Connection;
use crate::db::rows::MAX_PAGE_BYTES;
use crate::error::Result;

/// How often a page asks for more candidates, when few of them are for the reader. It then ends early.
const MAX_ROUNDS: usize = 8;
/// The kinds in the order in which all that can be seen is told: articles name their category.
const ORDER: [Kind; 3] = [Kind::Category, Kind::Notice, Kind::Article];

/// A page of a walk, and where it goes on.
pub struct WalkedPage {
    /// Its lines.
    pub lines: Vec<Changed>,
    /// Where the reader stands then. Without a walk in it, there is no more now.
    pub next: Cursor,
}

/// A walk through all that can be seen at `position` and later, for these kinds. `None` if there are none.
pub fn begin_with_everything(kinds: &[Kind]) -> Option<Walk> {
    ORDER.into_iter().find(|kind| kinds.contains(kind)).map(|kind| Walk::Everything(kind, None))
}

/// A walk through what has changed until `until`.
pub const fn begin_with_changes(until: Position) -> Walk {
    Walk::Changes(until, Step::Articles(None))
}

/// The next page of at most `limit` lines of the walk that `cursor` is in.
pub async fn walk(app: &App, cursor: Cursor, audience: Audience, limit: usize) -> Result<WalkedPage> {
    let conn = app.costly_reader().await?;
    let page = WalkedPage { lines: Vec::new(), next: cursor };
    let mut walker = Walker { app, conn: &conn, audience, limit, bytes_left: MAX_PAGE_BYTES, page };
    for _ in 0..MAX_ROUNDS {
        match walker.page.next.walk.clone().filter(|_| walker.room() > 0) {
            None => break,
            Some(Walk::Everything(kind, after)) => walker.tell_everything(kind, after).await?,
            Some(Walk::Changes(until, step)) => walker.tell_changes(until, step).await?,
        }
    }
    Ok(walker.page)
}

/// Fills a page.
struct Walker<'w> {
    app: &'w App,
    conn: &'w Connection,
    audience: Audience,
    limit: usize,
    /// Bytes of bodies for which there is room.
    bytes_left: i64,
    page: WalkedPage,
}

/// Things that were found, and how many were looked at for them.
struct Found {
    candidates: Vec<Candidate>,
    /// The last of those that were looked at, if there may be more after it.
    last_of_cut: Option<Candidate>,
}

impl Found {
    /// All of `candidates`, among which there was room for so many.
    fn all(candidates: Vec<Candidate>, room: usize) -> Self {
        let last_of_cut = candidates.last().filter(|_| candidates.len() >= room).cloned();
        Self { candidates, last_of_cut }
    }
}

impl Walker<'_> {
    /// Lines for which there is room.
    fn room(&self) -> usize {
        if self.bytes_left > 0 { self.limit.saturating_sub(self.page.lines.len()) } else { 0 }
    }

    /// Adds things of `kind` that can be seen.
    async fn tell_everything(&mut self, kind: Kind, after: Option<Uuid>) -> Result<()> {
        let (visible, room) = (self.audience.notices, self.room());
        let visible = queries::list_visible(self.conn, kind, visible, after, count(room)).await?;
        let Some(found) = self.fit(Found::all(visible, room)).await? else { return Ok(()) };
        let before = self.page.next.before.clone();
        self.tell(&before, &found).await?;
        let next_kind = || {
            let rest = ORDER.into_iter().skip_while(|one| *one != kind).skip(1);
            rest.into_iter().find(|kind| self.page.next.kinds.contains(kind))
        };
        self.page.next.walk = match &found.last_of_cut {
            Some(last) => Some(Walk::Everything(kind, Some(last.id))),
            None => next_kind().map(|kind| Walk::Everything(kind, None)),
        };
        Ok(())
    }

    /// Adds what has become of things that may have changed until `until`.
    async fn tell_changes(&mut self, until: Position, step: Step) -> Result<()> {
        let window = Window { before: self.page.next.before.clone(), until };
        let room = self.room();
        let found = find_changes(self.conn, &window, &self.page.next.kinds, step, room).await?;
        let Some(found) = self.fit(found).await? else { return Ok(()) };
        self.tell(&window.before, &found).await?;
        self.page.next.walk = match go_on(step, found.last_of_cut.as_ref()) {
            Some(step) => Some(Walk::Changes(window.until, step)),
            None => {
                self.page.next.before = window.until;
                None
            }
        };
        Ok(())
    }

    async fn tell(&mut self, before: &Position, found: &Found) -> Result<()> {
        let lines = resolve(self.app, self.conn, self.audience, before, &found.candidates).await?;
        self.page.lines.extend(lines);
        Ok(())
    }

    /// The first of what was found whose bodies there is room for. `None` if there is room for none of them: the page is full.
    /// An empty page takes one, however large.
    async fn fit(&mut self, mut found: Found) -> Result<Option<Found>> {
        if self.audience.included != Some(Included::Body) || found.candidates.is_empty() {
            return Ok(Some(found));
        }
        let ids = found.candidates.iter().map(|one| one.id).collect();
        let sizes = queries::load_body_sizes(self.conn, ids).await?;
        let sizes: HashMap<Uuid, i64> = sizes.into_iter().map(|one| (one.id, one.bytes)).collect();
        let mut kept = 0;
        for one in &found.candidates {
            let bytes = sizes.get(&one.id).copied().unwrap_or_default();
            if bytes > self.bytes_left && (kept > 0 || !self.page.lines.is_empty()) {
                self.bytes_left = 0;
                break;
            }
            self.bytes_left -= bytes;
            kept += 1;
        }
        if kept < found.candidates.len() {
            found.candidates.truncate(kept);
            found.last_of_cut = found.candidates.last().cloned();
        }
        Ok((kept > 0).then_some(found))
    }
}

fn count(room: usize) -> i64 {
    i64::try_from(room).unwrap_or(i64::MAX)
}

/// Things that may have changed in the window, each at its last line.
async fn find_changes(
    conn: &Connection,
    window: &Window,
    kinds: &[Kind],
    step: Step,
    room: usize,
) -> Result<Found> {
    let most = count(room);
    let found = match step {
        Step::Articles(after) if kinds.contains(&Kind::Article) => {
            let after = after.and_then(|(hour, id)| Some((DateTime::from_timestamp_micros(hour)?, id)));
            windows::load_timed_articles(conn, window, after, most).await?
        }
        Step::Notices(after) if kinds.contains(&Kind::Notice) => {
            windows::load_timed_notices(conn, window, after, most).await?
        }
        Step::Articles(_) | Step::Notices(_) => Vec::new(),
        Step::Log(transaction, seq) => {
            windows::load_lines(conn, window, kinds, (transaction, seq), most).await?
        }
    };
    let mut found = Found::all(found, room);
    if !found.candidates.is_empty() {
        let ids = found.candidates.iter().map(|one| one.id).collect();
        let last = windows::load_last_keys(conn, window, ids).await?;
        // What time has changed, and somebody besides, is told at its last line.
        let own_place =
            |one: &Candidate| matches!(step, Step::Log(..)).then_some((one.transaction_id, one.seq));
        found.candidates.retain(|one| last.get(&one.id).copied() == own_place(one));
    }
    Ok(found)
}

/// The step after this one, which goes on after `last`, or is at its end. `None` after the last step.
fn go_on(step: Step, last: Option<&Candidate>) -> Option<Step> {
    match (step, last) {
        (Step::Articles(_), Some(last)) => Some(Step::Articles(Some((last.at.timestamp_micros(), last.id)))),
        (Step::Articles(_), None) => Some(Step::Notices(None)),
        (Step::Notices(_), Some(last)) => Some(Step::Notices(Some(last.id))),
        (Step::Notices(_), None) => Some(Step::Log(0, 0)),
        (Step::Log(..), Some(last)) => Some(Step::Log(last.transaction_id, last.seq)),
        (Step::Log(..), None) => None,
    }
}
