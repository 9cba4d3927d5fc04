//! Keeps reads fast while an import fills the tables that they read.

use super::job::Resource;
use crate::app::App;
use crate::db::planning::refresh_statistics;
use crate::error::Result;

/// Rows that are written before PostgreSQL looks at the tables for the first time. It then knows how the values of columns
/// are spread.
const FIRST_ROWS: u64 = 500;
/// How many times as many rows are written before it looks again.
const GROWTH: u64 = 10;
/// The tables that articles are read from.
const ARTICLES: &[&str] = &[
    "articles",
    "article_tags",
    "article_views",
    "article_slugs",
    "article_counts",
    "article_months",
    "tag_counts",
    "categories",
];
/// The same of notices.
const NOTICES: &[&str] = &["notices", "notice_slugs"];
/// The same of categories.
const CATEGORIES: &[&str] = &["categories"];

/// The rows that an import has written, and when PostgreSQL looks at the tables.
pub struct Statistics {
    tables: &'static [&'static str],
    written: u64,
    known: u64,
}

impl Statistics {
    /// Of an import of `resource`.
    pub fn new(resource: Resource) -> Self {
        let tables = match resource {
            Resource::Articles => ARTICLES,
            Resource::Notices => NOTICES,
            Resource::Categories => CATEGORIES,
        };
        Self { tables, written: 0, known: 0 }
    }

    /// Counts rows that were written.
    pub fn add(&mut self, rows: usize) {
        self.written += rows as u64;
    }

    /// Lets PostgreSQL look at the tables if there are many times as many rows as it knows.
    pub async fn refresh_after_growth(&mut self, app: &App) {
        if self.written >= FIRST_ROWS.max(self.known * GROWTH) {
            self.refresh(app).await;
        }
    }

    /// The same if there are many rows that it does not know.
    pub async fn refresh_at_end(&mut self, app: &App) {
        if self.written - self.known >= FIRST_ROWS {
            self.refresh(app).await;
        }
    }

    /// What was written stays, whether this succeeds or not.
    async fn refresh(&mut self, app: &App) {
        self.known = self.written;
        let refreshed: Result<()> =
            async { Ok(refresh_statistics(&*app.long_reader().await?, self.tables).await?) }.await;
        if let Err(cause) = refreshed {
            tracing::warn!(%cause, "The statistics of the tables of an import are not refreshed; reads may be slow until PostgreSQL does so");
        }
    }
}
