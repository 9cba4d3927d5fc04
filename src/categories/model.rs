//! Categories as rows, and as a tree.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::db::schema::categories;
use crate::http::id_or_slug::IdOrSlug;

/// What can be changed about a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Insertable, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = categories, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Content {
    /// The category it is in.
    #[serde(rename = "parent")]
    pub parent_id: Option<Uuid>,
    /// The slug, used in URLs.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// A few words.
    pub description: String,
    /// Its place among its siblings, smallest first.
    pub position: i32,
}

/// A category.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = categories, check_for_backend(Pg))]
pub struct Row {
    /// Never changes.
    pub id: Uuid,
    /// What can be changed.
    #[diesel(embed)]
    pub content: Content,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// All categories, with their places.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    rows: Vec<Row>,
    by_id: HashMap<Uuid, usize>,
    by_slug: HashMap<String, usize>,
    /// The categories that have had other slugs.
    by_former_slug: HashMap<String, Uuid>,
    children: HashMap<Option<Uuid>, Vec<usize>>,
}

impl Tree {
    /// The tree of `rows`; siblings by position, then name.
    pub fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| {
            let key = |row: &Row| (row.content.position, row.content.name.clone(), row.id);
            key(a).cmp(&key(b))
        });
        let mut tree = Self::default();
        for (at, row) in rows.iter().enumerate() {
            tree.by_id.insert(row.id, at);
            tree.by_slug.insert(row.content.slug.clone(), at);
            tree.children.entry(row.content.parent_id).or_default().push(at);
        }
        tree.rows = rows;
        tree
    }

    /// The tree with `row` added, or in the place of the category with its id.
    pub fn with(&self, row: Row) -> Self {
        let mut rows = self.rows.clone();
        rows.retain(|known| known.id != row.id);
        rows.push(row);
        Self::new(rows).with_former_slugs(self.by_former_slug.clone())
    }

    /// The tree with slugs that its categories have had.
    pub fn with_former_slugs(self, former: impl IntoIterator<Item = (String, Uuid)>) -> Self {
        Self { by_former_slug: former.into_iter().collect(), ..self }
    }

    /// The category with this id, or that has or has had this slug.
    pub fn find(&self, key: &IdOrSlug) -> Option<&Row> {
        let at = match key {
            IdOrSlug::Id(id) => self.by_id.get(id),
            IdOrSlug::Slug(slug) => {
                let former = || self.by_id.get(self.by_former_slug.get(slug)?);
                self.by_slug.get(slug).or_else(former)
            }
        };
        at.map(|at| &self.rows[*at])
    }

    /// How many categories there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no category.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The categories directly in `parent`; the roots for `None`.
    pub fn children(&self, parent: Option<Uuid>) -> impl Iterator<Item = &Row> {
        self.children.get(&parent).into_iter().flatten().map(|at| &self.rows[*at])
    }

    /// The way from the root to the category `id`, both included.
    pub fn path(&self, id: Uuid) -> Vec<&Row> {
        let mut path = Vec::new();
        let mut next = Some(id);
        while let Some(row) = next.and_then(|id| self.by_id.get(&id)).map(|at| &self.rows[*at]) {
            // A tree is never deeper than it is large: even a damaged table ends the walk.
            if path.len() == self.rows.len() {
                break;
            }
            path.push(row);
            next = row.content.parent_id;
        }
        path.reverse();
        path
    }

    /// The category `id` and all below it, parents before children.
    pub fn subtree(&self, id: Uuid) -> Vec<Uuid> {
        let mut found = vec![id];
        let mut at = 0;
        while at < found.len() && found.len() <= self.rows.len() {
            found.extend(self.children(Some(found[at])).map(|row| row.id));
            at += 1;
        }
        found
    }

    /// How many levels the category `id` and those below it span; 1 for a category that holds none.
    pub fn height(&self, id: Uuid) -> usize {
        let above = self.path(id).len();
        let depths = self.subtree(id).into_iter().map(|below| self.path(below).len());
        depths.max().unwrap_or(above).saturating_sub(above) + 1
    }

    /// Every category, each before those in it.
    pub fn in_order(&self) -> Vec<&Row> {
        let mut ordered = Vec::with_capacity(self.rows.len());
        let mut open: Vec<&Row> = self.children(None).collect();
        open.reverse();
        while let Some(row) = open.pop() {
            ordered.push(row);
            let below = open.len();
            open.extend(self.children(Some(row.id)));
            open[below..].reverse();
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u128, parent: Option<u128>, position: i32) -> Row {
        let content = Content {
            parent_id: parent.map(Uuid::from_u128),
            slug: format!("s{id}"),
            name: format!("n{id}"),
            description: String::new(),
            position,
        };
        let now = DateTime::UNIX_EPOCH;
        Row { id: Uuid::from_u128(id), content, version: 1, created_at: now, updated_at: now }
    }

    fn ids(rows: &[&Row]) -> Vec<u128> {
        rows.iter().map(|row| row.id.as_u128()).collect()
    }

    #[test]
    fn places_follow_from_parents_and_positions() {
        let tree = Tree::new(vec![
            row(3, Some(2), 0),
            row(1, None, 5),
            row(2, None, 1),
            row(4, Some(2), 0),
            row(5, Some(4), 0),
        ]);
        assert_eq!(ids(&tree.in_order()), [2, 3, 4, 5, 1]);
        assert_eq!(ids(&tree.path(Uuid::from_u128(5))), [2, 4, 5]);
        assert_eq!(tree.subtree(Uuid::from_u128(2)).len(), 4);
        assert_eq!([1, 2, 4, 5].map(|id| tree.height(Uuid::from_u128(id))), [1, 3, 2, 1]);
        assert_eq!(tree.find(&IdOrSlug::parse("s4")).unwrap().id.as_u128(), 4);
    }

    #[test]
    fn a_category_is_found_by_slugs_that_it_has_had() {
        let former =
            [("old", 1), ("gone", 9), ("s2", 1)].map(|(slug, id)| (slug.to_owned(), Uuid::from_u128(id)));
        let tree = Tree::new(vec![row(1, None, 0)]).with_former_slugs(former).with(row(2, None, 0));
        let find = |slug: &str| tree.find(&IdOrSlug::parse(slug)).map(|row| row.id.as_u128());
        assert_eq!(["s1", "old", "s2", "gone"].map(find), [Some(1), Some(1), Some(2), None]);
    }

    #[test]
    fn a_damaged_table_still_ends_every_walk() {
        let tree = Tree::new(vec![row(1, Some(2), 0), row(2, Some(1), 0)]);
        assert!(tree.path(Uuid::from_u128(1)).len() <= 2);
        assert!(tree.subtree(Uuid::from_u128(1)).len() <= 4);
        assert!(tree.in_order().is_empty());
    }
}
