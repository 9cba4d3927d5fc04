//! The events that webhooks are told of, and what a webhook asks for.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::types::text_enum;

text_enum! {
    /// What happened.
    EventType {
        /// An article came into the sight of visitors: it was published, or its hour came.
        #[serde(rename = "article.published")]
        ArticlePublished => "article.published",
        /// An article that visitors see was changed.
        #[serde(rename = "article.updated")]
        ArticleUpdated => "article.updated",
        /// An article went out of the sight of visitors, and is kept.
        #[serde(rename = "article.unpublished")]
        ArticleUnpublished => "article.unpublished",
        /// An article that visitors saw was deleted.
        #[serde(rename = "article.deleted")]
        ArticleDeleted => "article.deleted",
        /// A notice came into the sight of visitors.
        #[serde(rename = "notice.published")]
        NoticePublished => "notice.published",
        /// A notice that visitors see was changed.
        #[serde(rename = "notice.updated")]
        NoticeUpdated => "notice.updated",
        /// A notice went out of the sight of visitors: it was withdrawn, has expired, or is for members now.
        #[serde(rename = "notice.unpublished")]
        NoticeUnpublished => "notice.unpublished",
        /// A notice that visitors saw was deleted.
        #[serde(rename = "notice.deleted")]
        NoticeDeleted => "notice.deleted",
        /// A category was made, changed, moved or deleted.
        #[serde(rename = "category.changed")]
        CategoryChanged => "category.changed",
        /// An import has ended.
        #[serde(rename = "import.finished")]
        ImportFinished => "import.finished",
        /// Articles were published, updated, unpublished or deleted, in place of an event for each.
        #[serde(rename = "articles.changed")]
        ArticlesChanged => "articles.changed",
        /// An admin asked for a test.
        #[serde(rename = "webhook.test")]
        WebhookTest => "webhook.test",
    }
}

text_enum! {
    /// Events that a webhook asks for.
    EventFilter {
        /// All but `articles.changed`.
        #[serde(rename = "*")]
        All => "*",
        /// All of single articles.
        #[serde(rename = "article.*")]
        AllOfArticles => "article.*",
        /// An article came into the sight of visitors.
        #[serde(rename = "article.published")]
        ArticlePublished => "article.published",
        /// An article that visitors see was changed.
        #[serde(rename = "article.updated")]
        ArticleUpdated => "article.updated",
        /// An article went out of the sight of visitors, and is kept.
        #[serde(rename = "article.unpublished")]
        ArticleUnpublished => "article.unpublished",
        /// An article that visitors saw was deleted.
        #[serde(rename = "article.deleted")]
        ArticleDeleted => "article.deleted",
        /// All of notices.
        #[serde(rename = "notice.*")]
        AllOfNotices => "notice.*",
        /// A notice came into the sight of visitors.
        #[serde(rename = "notice.published")]
        NoticePublished => "notice.published",
        /// A notice that visitors see was changed.
        #[serde(rename = "notice.updated")]
        NoticeUpdated => "notice.updated",
        /// A notice went out of the sight of visitors.
        #[serde(rename = "notice.unpublished")]
        NoticeUnpublished => "notice.unpublished",
        /// A notice that visitors saw was deleted.
        #[serde(rename = "notice.deleted")]
        NoticeDeleted => "notice.deleted",
        /// All of categories.
        #[serde(rename = "category.*")]
        AllOfCategories => "category.*",
        /// A category was made, changed, moved or deleted.
        #[serde(rename = "category.changed")]
        CategoryChanged => "category.changed",
        /// All of imports.
        #[serde(rename = "import.*")]
        AllOfImports => "import.*",
        /// An import has ended.
        #[serde(rename = "import.finished")]
        ImportFinished => "import.finished",
        /// Any articles were changed, at most once in `coalesce_seconds`.
        #[serde(rename = "articles.changed")]
        ArticlesChanged => "articles.changed",
    }
}

impl EventType {
    /// Whether it is one of those that `articles.changed` stands for.
    pub fn is_of_article(self) -> bool {
        self.as_str().starts_with("article.")
    }
}

/// Whether one of `filters`, which are texts of [`EventFilter`], asks for `event`.
pub fn asks_for(filters: &[String], event: EventType) -> bool {
    let name = event.as_str();
    filters.iter().any(|filter| match filter.strip_suffix('*') {
        Some("") => event != EventType::ArticlesChanged,
        Some(beginning) => name.starts_with(beginning),
        None => filter == name,
    })
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub kind: EventType,
    /// To which thing.
    pub entity_id: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// What a receiver is told of it.
    pub data: Value,
}

impl Event {
    /// The body of a delivery.
    pub fn body(&self) -> Value {
        json!({"type": self.kind, "timestamp": self.at, "data": self.data})
    }

    /// So many events of articles as one.
    pub fn of_articles(count: usize, at: DateTime<Utc>) -> Self {
        Self { kind: EventType::ArticlesChanged, entity_id: None, at, data: json!({"count": count}) }
    }

    /// A test that an admin asked for.
    pub fn test(at: DateTime<Utc>) -> Self {
        Self { kind: EventType::WebhookTest, entity_id: None, at, data: json!({}) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(filters: &[&str], event: EventType) -> bool {
        asks_for(&filters.iter().map(|filter| (*filter).to_owned()).collect::<Vec<_>>(), event)
    }

    #[test]
    fn filters_ask_for_what_they_name() {
        use EventType::{
            ArticleDeleted, ArticlePublished, ArticlesChanged, CategoryChanged, NoticePublished,
        };
        assert!(asks(&["*"], ArticlePublished) && asks(&["*"], CategoryChanged));
        assert!(!asks(&["*"], ArticlesChanged), "it would tell all twice");
        assert!(asks(&["article.*"], ArticleDeleted) && !asks(&["article.*"], NoticePublished));
        assert!(!asks(&["article.*"], ArticlesChanged));
        assert!(asks(&["notice.published", "articles.changed"], ArticlesChanged));
        assert!(!asks(&["notice.published"], EventType::NoticeUpdated));
        assert!(!asks(&[], ArticlePublished));
    }
}
