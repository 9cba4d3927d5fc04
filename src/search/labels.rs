//! The labels by which documents are filtered and counted.

use std::fmt::Display;

use uuid::Uuid;

/// An article.
pub const ARTICLE: &str = "kind:article";
/// A notice.
pub const NOTICE: &str = "kind:notice";
/// A document in the trash.
pub const IN_TRASH: &str = "trash:yes";
/// A document that is not in the trash.
pub const NOT_IN_TRASH: &str = "trash:no";

/// How the labels of categories begin.
pub const CATEGORY: &str = "category:";
/// How the labels of tags begin.
pub const TAG: &str = "tag:";
/// How the labels of years begin.
pub const YEAR: &str = "year:";
/// How the labels of kinds begin.
pub const KIND: &str = "kind:";

/// Documents in a state.
pub fn status(status: &str) -> String {
    format!("status:{status}")
}

/// Articles directly in a category.
pub fn category(id: Uuid) -> String {
    format!("{CATEGORY}{id}")
}

/// Articles with a tag.
pub fn tag(tag: &str) -> String {
    format!("{TAG}{tag}")
}

/// Articles with a byline.
pub fn author(author: &str) -> String {
    format!("author:{author}")
}

/// Articles from a source.
pub fn source(source: &str) -> String {
    format!("source:{source}")
}

/// What a member has made.
pub fn owner(id: Uuid) -> String {
    format!("owner:{id}")
}

/// Notices of a kind.
pub fn notice_kind(kind: &str) -> String {
    format!("notice_kind:{kind}")
}

/// Notices for an audience.
pub fn audience(audience: &str) -> String {
    format!("audience:{audience}")
}

/// What is published in a year.
pub fn year(year: impl Display) -> String {
    format!("{YEAR}{year}")
}
