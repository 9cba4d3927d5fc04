//! What is new in the feed becomes deliveries.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{Event, EventType, asks_for};
use super::queries;
use super::queries::position::{self, Subscriber};
use crate::app::App;
use crate::categories::model::Tree;
use crate::change_feed::cursor::Cursor;
use crate::change_feed::model::{Head, Position};
use crate::change_feed::queries::{FormerPage, find_appeared, load_former_pages};
use crate::change_feed::reading::{Asked, check_cursor, load_page};
use crate::change_feed::resolving::Audience;
use crate::change_feed::view::{Changed, Included, Op};
use crate::db::connection::Connection;
use crate::db::visibility::Notices;
use crate::error::{Code, Result};
use crate::follower::Snapshot;
use crate::site::links::{Links, PageKind, Thing};
use crate::site::model::Row as Site;
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
        let before = match self.known.take() {
            Some(known) => known,
            None => position::load_cursor(&*app.reader().await?).await?,
        };
        let Some(cursor) = open_cursor(app, &before) else {
            return self.begin_anew(app, before, head).await;
        };
        if cursor.walk.is_none() && cursor.before == head.position {
            self.known = Some(before);
            return Ok(false);
        }
        let from = cursor.before.clone();
        let asked = Asked { audience: AUDIENCE, limit: PAGE_LINES, wait: Duration::ZERO };
        let page = match load_page(app, cursor, asked, head.clone()).await {
            Ok((_, page)) => page,
            Err(error) if error.code() == Code::CursorExpired => {
                return self.begin_anew(app, before, head).await;
            }
            Err(error) => return Err(error),
        };
        let (after, goes_on) = (page.next.seal(&app.keys), page.next.walk.is_some());
        let events = Arc::new(find_events(app, &from, page.lines).await?);
        let next = after.clone();
        let is_moved = app.write(async move |tx| enqueue(tx, (&before, &next), &events).await).await?;
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
        app.write(async move |tx| Ok(position::move_cursor(tx, &before, &after).await?)).await?;
        Ok(false)
    }
}

fn open_cursor(app: &App, text: &str) -> Option<Cursor> {
    Cursor::open(text, &app.keys).filter(|cursor| check_cursor(app, cursor, AUDIENCE).is_ok())
}

/// Enqueues events for all who ask for them, and moves the position; returns whether it was where it was thought to be.
async fn enqueue(tx: &mut Tx, (before, after): (&str, &str), events: &[Event]) -> Result<bool> {
    if !position::move_cursor(tx, before, after).await? {
        return Ok(false);
    }
    if !events.is_empty() {
        enqueue_for_all(tx, events).await?;
    }
    Ok(true)
}

/// Enqueues events for all webhooks that ask for them.
pub async fn enqueue_for_all(tx: &mut Tx, events: &[Event]) -> Result<()> {
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

/// What the lines of the feed mean for visitors, who knew what was before `before`.
async fn find_events(app: &App, before: &Position, lines: Vec<Changed>) -> Result<Vec<Event>> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let conn = app.long_reader().await?;
    let ids =
        |op: Op| -> Vec<Uuid> { lines.iter().filter(|line| line.op() == op).map(Changed::id).collect() };
    let appeared = find_appeared(&conn, before, ids(Op::Upsert)).await?;
    let former = load_former_pages(&conn, before, ids(Op::Delete)).await?;
    let pages = Pages {
        links: Links::new(&*app.snapshot::<Site>().await?),
        tree: app.snapshot::<Tree>().await?,
        appeared,
        former: former.into_iter().map(|page| (page.id, page)).collect(),
    };
    Ok(lines.iter().map(|line| pages.find_event(line)).collect())
}

/// What the addresses of pages are made of.
struct Pages {
    links: Links,
    tree: Arc<Tree>,
    /// What has come into sight.
    appeared: HashSet<Uuid>,
    /// What has gone out of sight.
    former: HashMap<Uuid, FormerPage>,
}

impl Pages {
    fn find_event(&self, line: &Changed) -> Event {
        match line {
            Changed::Article(line) => {
                let kinds = (EventType::ArticlePublished, EventType::ArticleUpdated);
                let Some(copy) = &line.data else {
                    let kinds = (EventType::ArticleUnpublished, EventType::ArticleDeleted);
                    return self.find_loss(kinds, PageKind::Article, line.id, line.at);
                };
                let path = copy.card.category.iter().flat_map(|category| &category.path);
                let path: Vec<&str> = path.map(|crumb| crumb.slug.as_str()).collect();
                let thing = Thing {
                    id: line.id,
                    slug: &copy.card.slug,
                    category_path: &path,
                    published_at: copy.card.published_at,
                    ..Thing::default()
                };
                self.tell(
                    self.came_or_changed(kinds, line.id),
                    line.at,
                    PageKind::Article,
                    &thing,
                    line.version,
                )
            }
            Changed::Notice(line) => {
                let kinds = (EventType::NoticePublished, EventType::NoticeUpdated);
                let Some(copy) = &line.data else {
                    let kinds = (EventType::NoticeUnpublished, EventType::NoticeDeleted);
                    return self.find_loss(kinds, PageKind::Notice, line.id, line.at);
                };
                let thing = Thing {
                    id: line.id,
                    slug: &copy.card.slug,
                    kind: copy.card.kind.as_str(),
                    published_at: copy.card.published_at,
                    ..Thing::default()
                };
                self.tell(
                    self.came_or_changed(kinds, line.id),
                    line.at,
                    PageKind::Notice,
                    &thing,
                    line.version,
                )
            }
            Changed::Category(line) => {
                let kind = EventType::CategoryChanged;
                let Some(category) = &line.data else {
                    return write_event(
                        kind,
                        line.id,
                        line.at,
                        json!({"slug": null, "version": null, "url": null}),
                    );
                };
                let path: Vec<&str> = category.path.iter().map(|crumb| crumb.slug.as_str()).collect();
                let thing =
                    Thing { id: line.id, slug: &category.slug, category_path: &path, ..Thing::default() };
                self.tell(kind, line.at, PageKind::Category, &thing, line.version)
            }
        }
    }

    fn came_or_changed(&self, (came, changed): (EventType, EventType), id: Uuid) -> EventType {
        if self.appeared.contains(&id) { came } else { changed }
    }

    /// The event that a thing has gone out of sight, with the address of the page that it had.
    fn find_loss(
        &self,
        (withdrawn, deleted): (EventType, EventType),
        page: PageKind,
        id: Uuid,
        at: DateTime<Utc>,
    ) -> Event {
        let Some(former) = self.former.get(&id) else {
            return write_event(withdrawn, id, at, json!({"slug": null, "version": null, "url": null}));
        };
        let path = former.category_id.map(|id| self.tree.path(id)).unwrap_or_default();
        let path: Vec<&str> = path.iter().map(|row| row.content.slug.as_str()).collect();
        let thing = Thing {
            id,
            slug: &former.slug,
            category_path: &path,
            published_at: Some(former.published_at),
            kind: former.notice_kind.as_deref().unwrap_or_default(),
            ..Thing::default()
        };
        self.tell(if former.is_deleted { deleted } else { withdrawn }, at, page, &thing, None)
    }

    fn tell(
        &self,
        kind: EventType,
        at: DateTime<Utc>,
        page: PageKind,
        thing: &Thing<'_>,
        version: Option<i32>,
    ) -> Event {
        let url = self.links.page(page, thing);
        write_event(kind, thing.id, at, json!({"slug": thing.slug, "version": version, "url": url}))
    }
}

fn write_event(kind: EventType, id: Uuid, at: DateTime<Utc>, mut data: Value) -> Event {
    data["id"] = json!(id);
    Event { kind, entity_id: Some(id), at, data }
}
