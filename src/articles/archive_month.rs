//! A month of the archive, as a row and as clients see it.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use serde::Serialize;
use utoipa::ToSchema;

/// A month in which articles came out.
#[derive(Clone, Debug, Serialize, ToSchema, QueryableByName)]
pub struct ArchiveMonth {
    /// The month, in the time zone of the site.
    #[schema(example = "2019-09")]
    #[diesel(sql_type = Text)]
    pub month: String,
    /// How many articles everybody may read that came out in it.
    #[schema(minimum = 1, example = 12)]
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Its beginning: `published_from` of the list of its articles.
    #[diesel(sql_type = Timestamptz)]
    pub from: DateTime<Utc>,
    /// Its end: `published_to` of the list of its articles.
    #[diesel(sql_type = Timestamptz)]
    pub to: DateTime<Utc>,
}
