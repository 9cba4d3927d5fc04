//! Tags as clients see and send them.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Error, Result};

/// The most characters of a tag.
const MAX_TAG_CHARS: usize = 64;

/// A tag, and how many articles have it.
#[derive(Clone, Debug, Serialize, ToSchema, QueryableByName)]
pub struct TagCount {
    /// The tag.
    #[schema(example = "质量")]
    #[diesel(sql_type = Text)]
    pub tag: String,
    /// How many.
    #[schema(minimum = 0, example = 14)]
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// A tag.
#[derive(Clone, Debug, Serialize, ToSchema, QueryableByName)]
pub struct TagDetail {
    /// The tag.
    #[schema(example = "质量")]
    #[diesel(sql_type = Text)]
    pub tag: String,
    /// How many articles that everybody may read have it.
    #[schema(minimum = 0, example = 14)]
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// When the newest of them came out; null if there is none.
    #[schema(required)]
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_published_at: Option<DateTime<Utc>>,
}

/// Which tags to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TagFilter {
    /// Only tags that begin with exactly this.
    #[param(min_length = 1, max_length = 64, nullable = false, example = "质")]
    pub prefix: Option<String>,
    /// The order: most articles first by default, or by the characters of the tags.
    #[param(inline, nullable = false)]
    pub sort: Option<TagSort>,
}

/// What tags can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(default = "-count")]
pub enum TagSort {
    /// Most articles first.
    #[default]
    #[serde(rename = "-count")]
    CountDown,
    /// By the characters of the tags.
    #[serde(rename = "tag")]
    Tag,
}

/// A change to a tag.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tag": "质量提升"}))]
pub struct TagPatch {
    /// Its new name. If articles have that as a tag, both become one.
    #[schema(format = "plain-text", min_length = 1, max_length = 64, pattern = r"^[^,]*[^,\s][^,]*$")]
    pub tag: String,
}

/// The `{tag}` of a path; what no tag can be is a 404.
pub struct TagName(pub String);

impl FromRequest for TagName {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        // The router leaves `%`, `/` and `+` encoded.
        let text = percent_decode_str(req.match_info().query("tag")).decode_utf8();
        let name = text.ok().map(|text| text.into_owned()).filter(|text| is_tag(text));
        ready(name.map(Self).ok_or_else(Error::not_found))
    }
}

fn is_tag(text: &str) -> bool {
    let is_short = text.chars().nth(MAX_TAG_CHARS).is_none();
    is_short && !text.trim().is_empty() && !text.contains([',', '\0'])
}
