//! What changes mean for visitors: the events that receivers are told.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::{Event, EventType};
use super::queries::last_states::{LastState, load_last_states};
use crate::app::App;
use crate::categories::model::Tree;
use crate::categories::view::Category;
use crate::change_feed::model::{Kind, Position};
use crate::change_feed::queries::sight::{FormerPage, find_invisible, load_former_pages};
use crate::change_feed::view::{ArticleCopy, Changed, NoticeCopy, Op};
use crate::error::Result;
use crate::site::links::{Links, PageKind, Thing};
use crate::site::model::Row as Site;

/// The events that `lines` of the feed mean, and what is then told of each thing. What is told already is no event.
///
/// Things are told as they are when they are read, which may be later than the lines that name them. So what was told last
/// counts; for a thing of which that is not known, what visitors saw at `before`.
pub async fn find_events(
    app: &App,
    before: &Position,
    lines: &[Changed],
) -> Result<(Vec<Event>, Vec<LastState>)> {
    if lines.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let conn = app.long_reader().await?;
    let told = load_last_states(&conn, lines.iter().map(Changed::id).collect()).await?;
    let is_unknown = |line: &&Changed| !told.contains_key(&line.id()) && line.kind() != Kind::Category;
    let unknown = lines.iter().filter(is_unknown).map(Changed::id).collect();
    let gone = lines.iter().filter(|line| line.op() == Op::Delete).map(Changed::id).collect();
    let former = load_former_pages(&conn, before, gone).await?;
    let pages = Pages {
        links: Links::new(&*app.snapshot::<Site>().await?),
        tree: app.snapshot::<Tree>().await?,
        invisible: find_invisible(&conn, before, unknown).await?,
        former: former.into_iter().map(|page| (page.id, page)).collect(),
        told,
    };
    let events = lines.iter().filter_map(|line| pages.find_event(line)).collect();
    let told = lines.iter().map(|line| LastState {
        id: line.id(),
        is_visible: line.op() == Op::Upsert,
        version: line.version(),
    });
    Ok((events, told.collect()))
}

/// What is known of things, and what the addresses of their pages are made of.
struct Pages {
    links: Links,
    tree: Arc<Tree>,
    /// What was last told, as far as it is known.
    told: HashMap<Uuid, LastState>,
    /// Of the others, what visitors could not see before.
    invisible: HashSet<Uuid>,
    /// What has gone out of sight.
    former: HashMap<Uuid, FormerPage>,
}

/// The events of a kind of things.
struct EventKinds {
    page: PageKind,
    came: EventType,
    changed: EventType,
    withdrawn: EventType,
    deleted: EventType,
}

const OF_ARTICLES: EventKinds = EventKinds {
    page: PageKind::Article,
    came: EventType::ArticlePublished,
    changed: EventType::ArticleUpdated,
    withdrawn: EventType::ArticleUnpublished,
    deleted: EventType::ArticleDeleted,
};
const OF_NOTICES: EventKinds = EventKinds {
    page: PageKind::Notice,
    came: EventType::NoticePublished,
    changed: EventType::NoticeUpdated,
    withdrawn: EventType::NoticeUnpublished,
    deleted: EventType::NoticeDeleted,
};

impl Pages {
    fn find_event(&self, line: &Changed) -> Option<Event> {
        let (id, is_visible) = (line.id(), line.op() == Op::Upsert);
        let told = self.told.get(&id);
        if told.is_some_and(|told| told.is_visible == is_visible && told.version == line.version()) {
            return None;
        }
        let was_visible = told.map_or_else(|| !self.invisible.contains(&id), |told| told.is_visible);
        match line {
            Changed::Article(line) => {
                let at = (id, line.at, line.version);
                let address = line.data.as_ref().map(|copy| self.address_article(id, copy));
                self.find_content_event(&OF_ARTICLES, was_visible, at, address)
            }
            Changed::Notice(line) => {
                let at = (id, line.at, line.version);
                let address = line.data.as_ref().map(|copy| self.address_notice(id, copy));
                self.find_content_event(&OF_NOTICES, was_visible, at, address)
            }
            Changed::Category(line) => {
                let (slug, url) =
                    line.data.as_ref().map(|category| self.address_category(id, category)).unzip();
                Some(write_event(EventType::CategoryChanged, (id, line.at, line.version), slug, url))
            }
        }
    }

    /// The event of a thing that is at `address` now, or at none.
    fn find_content_event(
        &self,
        kinds: &EventKinds,
        was_visible: bool,
        at: (Uuid, DateTime<Utc>, Option<i32>),
        address: Option<(String, String)>,
    ) -> Option<Event> {
        match (was_visible, address) {
            (was_visible, Some((slug, url))) => {
                let kind = if was_visible { kinds.changed } else { kinds.came };
                Some(write_event(kind, at, Some(slug), Some(url)))
            }
            (true, None) => {
                let former = self.former.get(&at.0);
                let kind =
                    if former.is_some_and(|page| page.is_deleted) { kinds.deleted } else { kinds.withdrawn };
                let (slug, url) = former.map(|page| self.address_former(kinds.page, page)).unzip();
                Some(write_event(kind, at, slug, url))
            }
            (false, None) => None,
        }
    }

    fn address_article(&self, id: Uuid, copy: &ArticleCopy) -> (String, String) {
        let path = copy.card.category.iter().flat_map(|category| &category.path);
        let path: Vec<&str> = path.map(|crumb| crumb.slug.as_str()).collect();
        let published_at = copy.card.published_at;
        self.address(
            PageKind::Article,
            &Thing { id, slug: &copy.card.slug, category_path: &path, published_at, ..Thing::default() },
        )
    }

    fn address_notice(&self, id: Uuid, copy: &NoticeCopy) -> (String, String) {
        let (kind, published_at) = (copy.card.kind.as_str(), copy.card.published_at);
        self.address(
            PageKind::Notice,
            &Thing { id, slug: &copy.card.slug, kind, published_at, ..Thing::default() },
        )
    }

    fn address_category(&self, id: Uuid, category: &Category) -> (String, String) {
        let path: Vec<&str> = category.path.iter().map(|crumb| crumb.slug.as_str()).collect();
        let thing = Thing { id, slug: &category.slug, category_path: &path, ..Thing::default() };
        self.address(PageKind::Category, &thing)
    }

    /// The address that a page had.
    fn address_former(&self, kind: PageKind, page: &FormerPage) -> (String, String) {
        let path = page.category_id.map(|id| self.tree.path(id)).unwrap_or_default();
        let path: Vec<&str> = path.iter().map(|row| row.content.slug.as_str()).collect();
        let thing = Thing {
            id: page.id,
            slug: &page.slug,
            category_path: &path,
            published_at: Some(page.published_at),
            kind: page.notice_kind.as_deref().unwrap_or_default(),
            ..Thing::default()
        };
        self.address(kind, &thing)
    }

    /// The slug of a thing, and the address of its page.
    fn address(&self, page: PageKind, thing: &Thing<'_>) -> (String, String) {
        (thing.slug.to_owned(), self.links.page(page, thing))
    }
}

fn write_event(
    kind: EventType,
    (id, at, version): (Uuid, DateTime<Utc>, Option<i32>),
    slug: Option<String>,
    url: Option<String>,
) -> Event {
    let data: Value = json!({"id": id, "slug": slug, "version": version, "url": url});
    Event { kind, entity_id: Some(id), at, data }
}
