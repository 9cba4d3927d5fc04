//! What has become of the things that may have changed: they are told as they are now.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::model::{Candidate, Kind, Position};
use super::queries::{self, sight::find_withdrawn};
use super::view::{ArticleCopy, ChangeOf, Changed, Included, NoticeCopy, Op};
use crate::app::App;
use crate::articles::model::Row;
use crate::articles::queries::found;
use crate::articles::view_context::ViewContext;
use crate::categories::model::Tree;
use crate::categories::queries::load_tree;
use crate::categories::view::Category;
use crate::db::connection::Connection;
use crate::db::visibility::{Articles, Notices};
use crate::error::Result;
use crate::http::id_or_slug::IdOrSlug;
use crate::media::addresses::AddressesByAudience;
use crate::members::guard::Reader;
use crate::notices::queries::lists;
use crate::notices::view::{Notice, NoticeCard};

/// Who reads the feed, and how much of each thing they want.
#[derive(Clone, Copy, Debug)]
pub struct Audience {
    /// Which notices they see. Articles and categories are the same for all.
    pub notices: Notices,
    /// What comes along.
    pub included: Option<Included>,
}

impl Audience {
    /// The audience that a reader belongs to. Staff get what members get.
    pub fn of(reader: &Reader, included: Option<Included>) -> Self {
        let notices = if reader.0.is_some() { Notices::ForMembers } else { Notices::Public };
        Self { notices, included }
    }

    /// Whether what members see is told.
    pub fn is_of_members(self) -> bool {
        self.notices != Notices::Public
    }
}

/// What readers see of some things of a kind.
type VisibleById<T> = HashMap<Uuid, (i32, Option<T>)>;

/// The things among candidates that can be seen, and those that could.
struct Resolved {
    articles: VisibleById<ArticleCopy>,
    notices: VisibleById<NoticeCopy>,
    categories: VisibleById<Category>,
    withdrawn: HashSet<Uuid>,
}

/// The lines of the feed for `candidates`, in their order. What could not be seen `before` and cannot be seen now has none.
///
/// `conn` reads later than the candidates were read: what is new besides is told once more by the next window.
pub async fn resolve(
    app: &App,
    conn: &Connection,
    audience: Audience,
    before: &Position,
    candidates: &[Candidate],
) -> Result<Vec<Changed>> {
    let ids = |kind: Kind| -> Vec<Uuid> {
        candidates.iter().filter(|one| one.kind == kind).map(|one| one.id).collect()
    };
    // The tree in memory may be a moment behind the candidates, which nothing would tell again.
    let tree = match audience.included.is_some() || candidates.iter().any(|one| one.kind == Kind::Category) {
        true => Arc::new(load_tree(conn).await?),
        false => Arc::new(Tree::new(Vec::new())),
    };
    let mut resolved = Resolved {
        articles: load_visible_articles(app, conn, audience, &tree, ids(Kind::Article)).await?,
        notices: load_visible_notices(app, conn, audience, ids(Kind::Notice)).await?,
        categories: find_visible_categories(audience, &tree, &ids(Kind::Category)),
        withdrawn: HashSet::new(),
    };
    let hidden: Vec<Uuid> = candidates.iter().filter(|one| !resolved.has(one)).map(|one| one.id).collect();
    if !hidden.is_empty() {
        let found = find_withdrawn(conn, before, hidden, audience.notices).await?;
        resolved.withdrawn.extend(found);
    }
    Ok(candidates.iter().filter_map(|one| resolved.tell(one)).collect())
}

async fn load_visible_articles(
    app: &App,
    conn: &Connection,
    audience: Audience,
    tree: &Arc<Tree>,
    ids: Vec<Uuid>,
) -> Result<VisibleById<ArticleCopy>> {
    if ids.is_empty() {
        return Ok(VisibleById::new());
    }
    let Some(included) = audience.included else {
        let visible = queries::find_articles(conn, ids).await?;
        return Ok(visible.into_iter().map(|one| (one.id, (one.version, None))).collect());
    };
    let context = ViewContext::new(app, tree.clone(), app.snapshot().await?);
    let conditions = Articles::Public.conditions();
    let (rows, view): (_, fn(&ViewContext, Row) -> ArticleCopy) = match included {
        Included::Card => {
            (found::load_cards(conn, conditions, ids, None).await?, |context, row| context.card(row).into())
        }
        Included::Body => {
            (found::load_full(conn, conditions, ids).await?, |context, row| context.view(row, false).into())
        }
    };
    Ok(rows.into_iter().map(|row| (row.id, (row.version, Some(view(&context, row))))).collect())
}

async fn load_visible_notices(
    app: &App,
    conn: &Connection,
    audience: Audience,
    ids: Vec<Uuid>,
) -> Result<VisibleById<NoticeCopy>> {
    if ids.is_empty() {
        return Ok(VisibleById::new());
    }
    let Some(included) = audience.included else {
        let visible = queries::find_notices(conn, ids, audience.notices).await?;
        return Ok(visible.into_iter().map(|one| (one.id, (one.version, None))).collect());
    };
    let with_body = included == Included::Body;
    let addresses = AddressesByAudience::load(app).await?;
    let rows = lists::load_all(conn, queries::notices_with_ids(ids, audience.notices), with_body).await?;
    let seen = rows.into_iter().map(|row| {
        let (id, version) = (row.id, row.version);
        let copy = match with_body {
            true => Notice::new(row, false, &addresses).into(),
            false => NoticeCard::from(row).into(),
        };
        (id, (version, Some(copy)))
    });
    Ok(seen.collect())
}

fn find_visible_categories(audience: Audience, tree: &Tree, ids: &[Uuid]) -> VisibleById<Category> {
    let seen = ids.iter().filter_map(|id| tree.find(&IdOrSlug::Id(*id))).map(|row| {
        let card = audience.included.map(|_| Category::flat(tree, row));
        (row.id, (row.version, card))
    });
    seen.collect()
}

impl Resolved {
    fn has(&self, one: &Candidate) -> bool {
        match one.kind {
            Kind::Article => self.articles.contains_key(&one.id),
            Kind::Notice => self.notices.contains_key(&one.id),
            // Everybody could see each of them.
            Kind::Category => true,
        }
    }

    fn tell(&mut self, one: &Candidate) -> Option<Changed> {
        let was_seen = self.withdrawn.contains(&one.id) || one.kind == Kind::Category;
        match one.kind {
            Kind::Article => tell(one, self.articles.remove(&one.id), was_seen).map(Changed::Article),
            Kind::Notice => tell(one, self.notices.remove(&one.id), was_seen).map(Changed::Notice),
            Kind::Category => tell(one, self.categories.remove(&one.id), was_seen).map(Changed::Category),
        }
    }
}

fn tell<T, C: ChangeOf<T>>(
    one: &Candidate,
    seen: Option<(i32, Option<T>)>,
    was_seen: bool,
) -> Option<Box<C>> {
    let (op, version, data) = match seen {
        Some((version, data)) => (Op::Upsert, Some(version), data),
        None if was_seen => (Op::Delete, None, None),
        None => return None,
    };
    Some(Box::new(C::new(one.id, op, version, one.at, data)))
}
