//! What is new in the feed becomes deliveries.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use uuid::Uuid;

use super::events::{Event, EventType, asks_for};
use super::queries;
use super::queries::last_states::{self, LastState};
use super::queries::position::{self, Subscriber};
use super::telling::find_events;
use crate::app::App;
use crate::change_feed::cursor::Cursor;
use crate::change_feed::model::Head;
use crate::change_feed::reading::{PageRequest, check_cursor, load_page};
use crate::change_feed::resolving::Audience;
use crate::change_feed::view::Included;
use crate::change_feed::walking::WalkedPage;
use crate::db::connection::Connection;
use crate::db::visibility::Notices;
use crate::error::{Code, Result};
use crate::follower::Snapshot;
use crate::tx::Tx;

/// Webhooks are told what visitors see.
const AUDIENCE: Audience = Audience { notices: Notices::Public, included: Some(Included::Card) };
/// Lines of the feed that become deliveries in one transaction.
const PAGE_LINES: usize = 500;

/// Whether anybody is to be told anything.
pub struct Demand {
    /// Whether a webhook is enabled.
    pub has_enabled: bool,
    /// Whether there is a webhook at all, which may be tested.
    pub has_any: bool,
}

impl Snapshot for Demand {
    const ENTITIES: &'static [&'static str] = &["webhook"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        let has_any = queries::count(conn).await? > 0;
        Ok(Self {
            has_any,
            has_enabled: has_any && queries::count_other_enabled(conn, Uuid::nil()).await? > 0,
        })
    }
}

/// Where this process has read the feed to, as it last saw it.
#[derive(Default)]
pub struct Enqueuer {
    known: Option<String>,
}

impl Enqueuer {
    /// Makes deliveries of the next page of what is new; returns whether there may be more.
    pub async fn enqueue_page(&mut self, app: &App) -> Result<bool> {
        if !app.snapshot::<Demand>().await?.has_enabled {
            self.known = None;
            return Ok(false);
        }
        let head = Head::find(app).await?;
        let known = self.known.take();
        let is_known = known.is_some();
        let before = match known {
            Some(known) => known,
            None => position::load_cursor(&*app.reader().await?).await?,
        };
        let Some(cursor) = open_cursor(app, &before) else {
            return self.begin_anew(app, before, head).await;
        };
        // What another process has stored is checked once: it may be of another cluster.
        if is_known && cursor.walk.is_none() && head.is_reached_at(&cursor.before) {
            self.known = Some(before);
            return Ok(false);
        }
        let from = cursor.before.clone();
        let asked = PageRequest { audience: AUDIENCE, limit: PAGE_LINES, wait: Duration::ZERO };
        let page = match load_page(app, cursor, asked, head.clone()).await {
            Ok((_, page)) => page,
            Err(error) if error.code() == Code::CursorExpired => {
                return self.begin_anew(app, before, head).await;
            }
            Err(error) => return Err(error),
        };
        let (events, told) = find_events(app, &from, &page.lines).await?;
        let news = Arc::new(NextDeliveries::gather(app, before, &page, events, told).await?);
        let (after, goes_on) = (news.after.clone(), page.next.walk.is_some());
        let is_moved = app.write(async move |tx| news.enqueue(tx).await).await?;
        // Otherwise another process was quicker.
        self.known = is_moved.then_some(after);
        Ok(goes_on || !is_moved)
    }

    /// Begins at the end of the log, as the feed cannot be gone on from: the database came by way of a dump, or no process has
    /// run for as long as the log is kept.
    async fn begin_anew(&mut self, app: &App, before: String, head: Head) -> Result<bool> {
        tracing::error!(
            "What has happened since webhooks were last told cannot be found out; they are told from now on"
        );
        let after = Cursor::at(head.position, false).seal(&app.keys);
        app.write(async move |tx| {
            if position::move_cursor(tx, &before, &after).await? {
                last_states::delete_all(tx).await?;
            }
            Ok(())
        })
        .await?;
        Ok(false)
    }
}

fn open_cursor(app: &App, text: &str) -> Option<Cursor> {
    Cursor::open(text, &app.keys).filter(|cursor| check_cursor(app, cursor, AUDIENCE).is_ok())
}

/// What a page of the feed becomes.
struct NextDeliveries {
    /// The cursors before and after the page.
    before: String,
    after: String,
    /// The time of the position that the cursor has left behind.
    position_at: DateTime<Utc>,
    events: Vec<Event>,
    told: Vec<LastState>,
    announced: Vec<i64>,
}

impl NextDeliveries {
    /// Adds what was announced to the last page of what is new.
    async fn gather(
        app: &App,
        before: String,
        page: &WalkedPage,
        mut events: Vec<Event>,
        told: Vec<LastState>,
    ) -> Result<Self> {
        let position = &page.next.before;
        let announcements = match page.next.walk {
            Some(_) => Vec::new(),
            None => last_states::load_announcements(&*app.reader().await?, &position.snapshot).await?,
        };
        let announced = announcements.iter().map(|one| one.id).collect();
        events.extend(announcements.into_iter().map(|one| Event {
            kind: one.event,
            entity_id: None,
            at: one.created_at,
            data: one.data,
        }));
        let after = page.next.seal(&app.keys);
        Ok(Self { before, after, position_at: position.at, events, told, announced })
    }

    /// Enqueues the events for all who ask for them, and moves the position; returns whether it was where it was thought to be.
    async fn enqueue(&self, tx: &mut Tx) -> Result<bool> {
        if !position::move_cursor(tx, &self.before, &self.after).await? {
            return Ok(false);
        }
        last_states::delete_old_states(tx, self.position_at).await?;
        if !self.told.is_empty() {
            last_states::store_last_states(tx, &self.told).await?;
        }
        if !self.announced.is_empty() {
            last_states::delete_announcements(tx, self.announced.clone()).await?;
        }
        if !self.events.is_empty() {
            enqueue_for_all(tx, &self.events).await?;
        }
        Ok(true)
    }
}

/// Enqueues events for all webhooks that ask for them.
async fn enqueue_for_all(tx: &mut Tx, events: &[Event]) -> Result<()> {
    for Subscriber { id, events: filters } in position::lock_subscribers(tx).await? {
        let asked_for: Vec<&Event> = events.iter().filter(|event| asks_for(&filters, event.kind)).collect();
        if !asked_for.is_empty() {
            position::insert_deliveries(tx, id, &asked_for).await?;
        }
        let articles = events.iter().filter(|event| event.kind.is_of_article()).count();
        if articles == 0 || !asks_for(&filters, EventType::ArticlesChanged) {
            continue;
        }
        if !position::add_to_waiting(tx, id, i32::try_from(articles).unwrap_or(i32::MAX)).await? {
            let event = Event::of_articles(articles, tx.now().await?);
            position::insert_coalesced(tx, id, &event).await?;
        }
    }
    Ok(())
}
