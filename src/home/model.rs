//! The home page as it is stored.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::articles::listing::Popular;
use crate::categories::model::Tree;
use crate::db::schema::home_page;
use crate::markup::SANITIZER;
use crate::notices::model::NoticeKind;

/// Blocks of a home page at most.
pub const MAX_BLOCKS: usize = 30;
/// Items of a block where no other number is given.
pub const DEFAULT_SIZE: i64 = 5;
/// Root categories that get a block on a home page that nobody has composed.
const MAX_DEFAULT_CATEGORIES: usize = 10;
/// Newest articles on such a page.
const DEFAULT_LATEST: i64 = 10;

/// The home page.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = home_page, check_for_backend(Pg))]
pub struct Row {
    /// For the change log.
    pub id: Uuid,
    /// Its blocks: a list of [`Block`].
    pub blocks: Value,
    /// The version of the sanitiser that has made the HTML in it safe.
    pub sanitizer: i16,
    /// For `If-Match`.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a block shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// The newest articles, of a category and those below it if one is given.
    Latest,
    /// The articles that were viewed most in the last days.
    Popular,
    /// Articles that staff have picked.
    Articles,
    /// Notices, pinned first.
    Notices,
    /// A piece of HTML.
    Html,
    /// The items of a menu.
    Links,
}

/// A block as it is stored, and as the staff get it to edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// What it shows.
    pub kind: BlockKind,
    /// Its heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub title: Option<String>,
    /// The category (`latest`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<Uuid>,
    /// The days (`popular`): 1, 7 or 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub days: Option<i64>,
    /// The articles (`articles`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 50)]
    pub ids: Vec<Uuid>,
    /// The kind of the notices (`notices`). Absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notice_kind: Option<NoticeKind>,
    /// How many items (`latest`, `popular`, `notices`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size: Option<i64>,
    /// Safe HTML (`html`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<String>,
    /// The name of the menu (`links`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub menu: Option<String>,
}

impl Block {
    /// A block without anything but its kind.
    pub const fn of_kind(kind: BlockKind) -> Self {
        Self {
            kind,
            title: None,
            category: None,
            days: None,
            ids: Vec::new(),
            notice_kind: None,
            size: None,
            body: None,
            menu: None,
        }
    }

    /// How many items it has at most.
    pub fn size(&self) -> i64 {
        self.size.unwrap_or(DEFAULT_SIZE)
    }

    /// For how long the views of popular articles count.
    pub fn popular(&self) -> Popular {
        match self.days {
            Some(1) => Popular::Day,
            Some(30) => Popular::Month,
            _ => Popular::Week,
        }
    }
}

/// The home page, composed or not.
#[derive(Clone, Debug)]
pub struct Composition {
    /// Its blocks.
    pub blocks: Vec<Block>,
    /// For `If-Match`; 0 for one that nobody has composed.
    pub version: i32,
    /// When it was last composed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Whether an earlier sanitiser has made the HTML in it safe.
    pub has_old_html: bool,
}

impl Composition {
    /// The page in `row`; without one, that of a site with the categories of `tree`.
    pub fn of(row: Option<Row>, tree: &Tree) -> Result<Self, serde_json::Error> {
        let Some(row) = row else {
            return Ok(Self {
                blocks: default_blocks(tree),
                version: 0,
                updated_at: None,
                has_old_html: false,
            });
        };
        let blocks = Vec::<Block>::deserialize(&row.blocks)?;
        let has_old_html = row.sanitizer != SANITIZER;
        Ok(Self { blocks, version: row.version, updated_at: Some(row.updated_at), has_old_html })
    }
}

fn default_blocks(tree: &Tree) -> Vec<Block> {
    let latest = Block { size: Some(DEFAULT_LATEST), ..Block::of_kind(BlockKind::Latest) };
    let of_category = |id: Uuid| Block { category: Some(id), ..Block::of_kind(BlockKind::Latest) };
    let roots = tree.children(None).take(MAX_DEFAULT_CATEGORIES).map(|row| of_category(row.id));
    [latest, Block::of_kind(BlockKind::Notices)].into_iter().chain(roots).collect()
}
