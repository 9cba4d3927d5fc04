//! Menus as rows.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::menus;

/// Menus of a site at most.
pub const MAX_MENUS: i64 = 50;
/// Items of a menu at most, all levels together.
pub const MAX_ITEMS: usize = 500;
/// Levels of a menu at most.
pub const MAX_DEPTH: usize = 5;
/// Characters of a menu's name at most.
const MAX_NAME: usize = 60;

/// A menu.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = menus, check_for_backend(Pg))]
pub struct Row {
    /// For the change log.
    pub id: Uuid,
    /// The name that frontends know it by.
    pub name: String,
    /// Its items: a list of [`StoredItem`].
    pub items: Value,
    /// For `If-Match`.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Row {
    /// Its items.
    pub fn items(&self) -> Result<Vec<StoredItem>, serde_json::Error> {
        Vec::<StoredItem>::deserialize(&self.items)
    }
}

/// An item as it is stored, and as the staff get it to edit. It has one target at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredItem {
    /// Its title. Absent: the name or title of the target, as it is then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub title: Option<String>,
    /// The category it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<Uuid>,
    /// The article it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub article: Option<Uuid>,
    /// The notice it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notice: Option<Uuid>,
    /// The address it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// The items below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion, required = false, max_items = 500)]
    pub items: Vec<StoredItem>,
}

impl StoredItem {
    /// Calls `visit` for each item of `items`, on all levels.
    pub fn visit_all<'i>(items: &'i [Self], visit: &mut impl FnMut(&'i Self)) {
        for item in items {
            visit(item);
            Self::visit_all(&item.items, visit);
        }
    }
}

/// Whether a menu can have this name: words of Latin letters and digits with hyphens between them.
pub fn is_name(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= MAX_NAME && text.split('-').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_with_hyphens() {
        for name in ["main", "footer-2", "a", &"x".repeat(MAX_NAME)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "a--b", "Main", "a b", "主菜单", "a/b", &"x".repeat(MAX_NAME + 1)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
