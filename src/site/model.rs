//! The site as a row.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::config::timezones::{DEFAULT_TIMEZONE, find_timezone};
use crate::db::schema::site;
use crate::db::types::text_enum;

/// What can be changed about the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = site, check_for_backend(Pg))]
pub struct Content {
    /// Its name.
    pub name: String,
    /// A line below the name.
    pub tagline: String,
    /// Its public address, without a slash at the end.
    pub base_url: String,
    /// Its language, as a BCP 47 tag.
    pub locale: String,
    /// Where readers may share to.
    pub share_targets: Value,
    /// The IANA name of the time zone of dates without one.
    pub timezone: String,
    /// The template of the addresses of articles; empty for the default.
    pub article_url: String,
    /// The same of categories.
    pub category_url: String,
    /// The same of notices.
    pub notice_url: String,
    /// The same of the articles of a tag.
    pub tag_url: String,
    /// How much of an article feeds hold.
    pub feed_content: FeedContent,
    /// The address of the hub that tells readers of feeds what is new; empty for none.
    pub websub_hub: String,
}

text_enum! {
    /// How much of an article feeds hold.
    FeedContent {
        /// The whole body.
        Full => "full",
        /// The summary.
        Summary => "summary",
    }
}

/// The site.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = site, check_for_backend(Pg))]
pub struct Row {
    /// For the change log.
    pub id: Uuid,
    /// What can be changed.
    #[diesel(embed)]
    pub content: Content,
    /// For `If-Match`.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Row {
    /// The time zone of dates without one. That of new sites, if a later version has stored a name that this one
    /// does not know.
    pub fn timezone(&self) -> Tz {
        find_timezone(&self.content.timezone).unwrap_or(DEFAULT_TIMEZONE)
    }
}
