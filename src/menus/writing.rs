//! What a change of a menu does.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::model::{MAX_DEPTH, MAX_ITEMS, MAX_MENUS, Row, StoredItem};
use super::queries;
use super::view::{MenuContent, NewMenuItem};
use crate::app::App;
use crate::articles;
use crate::categories::model::Tree;
use crate::changes::model::{Actor, Change};
use crate::db::visibility::{Articles, Notices};
use crate::error::{Code, Error, Fault, Result, Sentence};
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::IdOrSlug;
use crate::notices;
use crate::tx::Tx;

/// Faults of one menu that are told.
const MAX_FAULTS: usize = 100;

/// What became of a menu that was put.
pub enum Put {
    /// There was none of this name.
    Created(Row),
    /// It has these items now.
    Replaced(Row),
}

/// The items that `content` means, with the ids of what they lead to. Fails with all faults. Ids in the `known` items may be
/// those of things that are gone: what was read can be sent again.
pub async fn prepare_items(app: &App, content: MenuContent, known: &[StoredItem]) -> Result<Vec<StoredItem>> {
    let tree = app.snapshot::<Tree>().await?;
    let mut names = Names::default();
    names.collect(&content.items);
    let articles =
        articles::queries::found::find_ids_by_names(&*app.reader().await?, names.articles, Articles::All)
            .await?;
    let notices =
        notices::queries::links::find_ids_by_names(&*app.reader().await?, names.notices, Notices::All)
            .await?;
    let mut ids = HashSet::new();
    StoredItem::visit_all(known, &mut |item| ids.extend([item.category, item.article, item.notice]));
    let mut checker = Checker { tree: &tree, articles, notices, known: ids, faults: Vec::new(), items: 0 };
    let items = checker.check_all(content.items, "/items", 1);
    Error::body(checker.faults)?;
    Ok(items)
}

/// What items name.
#[derive(Default)]
struct Names {
    articles: Vec<String>,
    notices: Vec<String>,
}

impl Names {
    fn collect(&mut self, items: &[NewMenuItem]) {
        for item in items {
            self.articles.extend(item.article.clone());
            self.notices.extend(item.notice.clone());
            self.collect(item.items.as_deref().unwrap_or_default());
        }
    }
}

struct Checker<'t> {
    tree: &'t Tree,
    /// The ids of the articles that are there, by the names that were sent.
    articles: HashMap<String, Uuid>,
    /// The same of notices.
    notices: HashMap<String, Uuid>,
    known: HashSet<Option<Uuid>>,
    faults: Vec<Fault>,
    items: usize,
}

impl Checker<'_> {
    fn check_all(&mut self, items: Vec<NewMenuItem>, pointer: &str, depth: usize) -> Vec<StoredItem> {
        self.items += items.len();
        if self.items > MAX_ITEMS {
            let detail = "a menu has at most {max} items, all levels together";
            self.tell(Fault::body(pointer, Code::TooLong, detail).with("max", MAX_ITEMS));
            return Vec::new();
        }
        if depth > MAX_DEPTH && !items.is_empty() {
            let detail = "a menu has at most {max} levels";
            self.tell(Fault::body(pointer, Code::TooLong, detail).with("max", MAX_DEPTH));
            return Vec::new();
        }
        let items = items.into_iter().enumerate();
        items.map(|(at, item)| self.check_item(item, &format!("{pointer}/{at}"), depth)).collect()
    }

    fn check_item(&mut self, item: NewMenuItem, pointer: &str, depth: usize) -> StoredItem {
        let NewMenuItem { title, category, article, notice, url, items } = item;
        let targets = [&category, &article, &notice, &url].into_iter().flatten().count();
        if targets > 1 {
            self.refuse(
                pointer,
                Code::InvalidFormat,
                "leads to one thing: name a category, an article, a notice or an address",
            );
        }
        if title.is_none() && category.is_none() && article.is_none() && notice.is_none() {
            self.refuse(
                &format!("{pointer}/title"),
                Code::MissingField,
                "is required without a category, an article or a notice",
            );
        }
        let is_known = |name: &str| Uuid::parse_str(name).ok().filter(|id| self.known.contains(&Some(*id)));
        let find_category = |name: &str| self.tree.find(&IdOrSlug::parse(name)).map(|row| row.id);
        let category_found = category.map(|name| find_category(&name).or_else(|| is_known(&name)));
        let article_found = article.map(|name| self.articles.get(&name).copied().or_else(|| is_known(&name)));
        let notice_found = notice.map(|name| self.notices.get(&name).copied().or_else(|| is_known(&name)));
        let category = self.take(category_found, pointer, "category", "unknown category");
        let article = self.take(article_found, pointer, "article", "unknown article");
        let notice = self.take(notice_found, pointer, "notice", "unknown notice");
        let items = self.check_all(items.unwrap_or_default(), &format!("{pointer}/items"), depth + 1);
        StoredItem { title, category, article, notice, url, items }
    }

    /// What was found of what was named.
    fn take(
        &mut self,
        found: Option<Option<Uuid>>,
        pointer: &str,
        key: &str,
        detail: &'static str,
    ) -> Option<Uuid> {
        if found == Some(None) {
            self.refuse(&format!("{pointer}/{key}"), Code::UnknownReference, detail);
        }
        found.flatten()
    }

    fn refuse(&mut self, pointer: &str, code: Code, detail: &'static str) {
        self.tell(Fault::body(pointer, code, Sentence::from(detail)));
    }

    /// Notes a fault. A problem names a bounded number of them.
    fn tell(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// Gives the menu `name` these items, and records it unless it changes nothing. `creates_only` refuses one that is there.
pub async fn put_menu(
    tx: &mut Tx,
    actor: Actor,
    name: &str,
    items: &[StoredItem],
    if_match: &IfMatch,
    creates_only: bool,
) -> Result<Put> {
    let items: Value = serde_json::to_value(items).map_err(|cause| Error::Internal(cause.into()))?;
    let Some(row) = queries::lock(tx, name).await? else {
        if !matches!(if_match, IfMatch::Absent) {
            return Err(Error::Refused(Code::VersionMismatch, "There is no such menu to match.".into()));
        }
        if queries::count(tx).await? >= MAX_MENUS {
            let detail = Sentence::from("The site has {max} menus, which is as many as it can have.");
            return Err(Error::Refused(Code::TooManyMenus, detail.with("max", MAX_MENUS)));
        }
        let row = queries::insert(tx, name, &items).await?;
        tx.record(actor, Change::new("create", "menu", row.id));
        return Ok(Put::Created(row));
    };
    if creates_only {
        return Err(Error::Refused(Code::AlreadyExists, "A menu of this name exists.".into()));
    }
    if_match.check(row.version)?;
    if row.items == items {
        return Ok(Put::Replaced(row));
    }
    let row = queries::update(tx, row.id, &items).await?;
    tx.record(actor, Change::new("update", "menu", row.id).of_fields(vec!["items".to_owned()]));
    Ok(Put::Replaced(row))
}

/// Removes the menu `name` and records it.
pub async fn delete_menu(tx: &mut Tx, actor: Actor, name: &str, if_match: &IfMatch) -> Result<()> {
    let row = queries::lock(tx, name).await?.ok_or_else(Error::not_found)?;
    if_match.check(row.version)?;
    queries::delete(tx, row.id).await?;
    tx.record(actor, Change::new("delete", "menu", row.id));
    Ok(())
}
