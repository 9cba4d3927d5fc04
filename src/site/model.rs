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
