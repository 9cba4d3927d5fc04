//! Walks through the feed, a page at a time.

use uuid::Uuid;

use super::cursor::{Cursor, Step, Walk};
use super::model::{Candidate, Kind, Position, Window};
use super::queries;
use super::resolving::{Audience, resolve};
use super::view::Changed;
use crate::app::App;
use crate::db::connection::Connection;
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
    let mut page = WalkedPage { lines: Vec::new(), next: cursor };
    for _ in 0..MAX_ROUNDS {
        let room = limit.saturating_sub(page.lines.len());
        match page.next.walk.clone().filter(|_| room > 0) {
            None => break,
            Some(Walk::Everything(kind, after)) => {
                page.tell_everything(app, &conn, audience, (kind, after), room).await?;
            }
            Some(Walk::Changes(until, step)) => {
                page.tell_changes(app, &conn, audience, (until, step), room).await?;
            }
        }
    }
    Ok(page)
}

impl WalkedPage {
    /// Adds at most `room` things of `kind` that can be seen.
    async fn tell_everything(
        &mut self,
        app: &App,
        conn: &Connection,
        audience: Audience,
        (kind, after): (Kind, Option<Uuid>),
        room: usize,
    ) -> Result<()> {
        let found = queries::list_visible(conn, kind, audience.notices, after, count(room)).await?;
        self.lines.extend(resolve(app, conn, audience, &self.next.before, &found).await?);
        let next_kind = || {
            let rest = ORDER.into_iter().skip_while(|one| *one != kind).skip(1);
            rest.into_iter().find(|kind| self.next.kinds.contains(kind))
        };
        self.next.walk = match last_of_full(&found, room) {
            Some(last) => Some(Walk::Everything(kind, Some(last.id))),
            None => next_kind().map(|kind| Walk::Everything(kind, None)),
        };
        Ok(())
    }

    /// Adds what has become of at most `room` things that may have changed until `until`.
    async fn tell_changes(
        &mut self,
        app: &App,
        conn: &Connection,
        audience: Audience,
        (until, step): (Position, Step),
        room: usize,
    ) -> Result<()> {
        let window = Window { before: self.next.before.clone(), until };
        let found = find_changes(conn, &window, &self.next.kinds, step, count(room)).await?;
        self.lines.extend(resolve(app, conn, audience, &window.before, &found).await?);
        self.next.walk = match go_on(step, last_of_full(&found, room)) {
            Some(step) => Some(Walk::Changes(window.until, step)),
            None => {
                self.next.before = window.until;
                None
            }
        };
        Ok(())
    }
}

fn count(room: usize) -> i64 {
    i64::try_from(room).unwrap_or(i64::MAX)
}

/// The last of `found`, if there may be more.
fn last_of_full(found: &[Candidate], room: usize) -> Option<&Candidate> {
    found.last().filter(|_| found.len() >= room)
}

async fn find_changes(
    conn: &Connection,
    window: &Window,
    kinds: &[Kind],
    step: Step,
    most: i64,
) -> Result<Vec<Candidate>> {
    Ok(match step {
        Step::Articles(after) if kinds.contains(&Kind::Article) => {
            queries::load_timed_articles(conn, window, after, most).await?
        }
        Step::Notices(after) if kinds.contains(&Kind::Notice) => {
            queries::load_timed_notices(conn, window, after, most).await?
        }
        Step::Articles(_) | Step::Notices(_) => Vec::new(),
        Step::Log(transaction, seq) => {
            queries::load_lines(conn, window, kinds, (transaction, seq), most).await?
        }
    })
}

/// The step after this one, which goes on after `last`, or is at its end. `None` after the last step.
fn go_on(step: Step, last: Option<&Candidate>) -> Option<Step> {
    match (step, last) {
        (Step::Articles(_), Some(last)) => Some(Step::Articles(Some(last.id))),
        (Step::Articles(_), None) => Some(Step::Notices(None)),
        (Step::Notices(_), Some(last)) => Some(Step::Notices(Some(last.id))),
        (Step::Notices(_), None) => Some(Step::Log(0, 0)),
        (Step::Log(..), Some(last)) => Some(Step::Log(last.transaction_id, last.seq)),
        (Step::Log(..), None) => None,
    }
}
