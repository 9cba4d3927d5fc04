//! The parameters of an import.

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::csv_columns::{ColumnMapping, parse_delimiter};
use crate::config::charsets::EncodingErrors;
use crate::config::timezones::{DEFAULT_TIMEZONE, find_timezone};
use crate::db::types::Status;
use crate::error::{Code, Error, Fault, Result};
use crate::interchange::cell_dates::DateStyle;
use crate::interchange::text_filters::TextFilter;

/// Rows in a row that may fail before an import ends, where the request names no other number.
const DEFAULT_MAX_FAILURES: u64 = 10_000;

/// A column and its key, as `header:key`.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 300)]
pub struct Column(
    /// Its text.
    pub String,
);

/// The parameters of an import.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportParams {
    /// How to treat rows whose resource exists, and rows whose resource does not.
    #[param(inline, nullable = false)]
    pub mode: Option<Mode>,
    /// Whether to continue after a row that fails.
    #[param(inline, nullable = false)]
    pub on_error: Option<OnError>,
    /// Write all rows or none, in one transaction.
    #[param(default = false, nullable = false)]
    pub atomic: Option<bool>,
    /// Do everything but commit.
    #[param(default = false, nullable = false)]
    pub dry_run: Option<bool>,
    /// Create missing categories that rows refer to (articles only). An API key needs the scope categories:write besides.
    #[param(default = false, nullable = false)]
    pub create_categories: Option<bool>,
    /// Filters to apply to texts, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 2, nullable = false)]
    pub clean: Option<Vec<TextFilter>>,
    /// Take what is in the trash out of it if a row describes it. Otherwise it stays there, with a warning.
    #[param(default = false, nullable = false)]
    pub restore: Option<bool>,
    /// Leave articles as they are that were edited since they were imported. Otherwise they are replaced, with a warning.
    #[param(default = false, nullable = false)]
    pub keep_edited: Option<bool>,
    /// Warn of each article that gets another title (articles only): where ids are weak, the row may be about another one.
    #[param(default = false, nullable = false)]
    pub tell_titles: Option<bool>,
    /// What becomes of a row whose slugs, its own or those of its category, cannot be used (articles only).
    #[param(inline, nullable = false)]
    pub slug_conflicts: Option<SlugConflicts>,
    /// What becomes of a row that would create an article whose text another one has nearly, in the database or in the import, of those that the caller may read (articles only). The search index is asked: the answer is 503 while it is not ready.
    #[param(inline, nullable = false)]
    pub duplicates: Option<Duplicates>,
    /// Send an event for each row (in the live stream only).
    #[param(default = false, nullable = false)]
    pub outcomes: Option<bool>,
    /// The status of rows that have none (articles and notices); `draft` by default.
    #[param(inline, nullable = false)]
    pub status: Option<Status>,
    /// CSV: keys of columns, as `header:key`, comma-separated. `header:` leaves a column out. Any other header is used as the key.
    #[param(inline, value_type = Option<Vec<Column>>, style = Form, explode = false, min_items = 1, max_items = 100, nullable = false, example = json!(["标题:title", "正文:body"]))]
    pub columns: Option<Vec<String>>,
    /// CSV: the character between cells, or `tab`. Found out from the header if absent, among `,`, `;`, tab and `|`.
    #[param(min_length = 1, max_length = 9, nullable = false)]
    pub delimiter: Option<String>,
    /// The time zone of dates without one, like `Asia/Shanghai`; in CSV the site's by default. JSON rows may have such dates only if it is given.
    #[param(min_length = 1, max_length = 64, nullable = false)]
    pub timezone: Option<String>,
    /// `excel` reads numbers as days of a spreadsheet where rows hold dates.
    #[param(inline, nullable = false)]
    pub dates: Option<NumberDates>,
    /// The time zone of the site. It is no parameter.
    #[serde(skip)]
    #[param(ignore)]
    pub site_timezone: Option<Tz>,
    /// The character set of the body, like `gbk`. If absent, that of the `charset` of the content type, or of a byte-order mark, or UTF-8.
    #[param(max_length = 40, nullable = false)]
    pub encoding: Option<String>,
    /// Whether a row with bytes that are no characters of the character set fails, or gets U+FFFD in their place.
    #[param(inline, nullable = false)]
    pub encoding_errors: Option<EncodingErrors>,
    /// Rows in a row that may fail before the import ends; 10,000 by default. The problem names the first row that was not read.
    #[param(minimum = 1, maximum = 1_000_000, nullable = false)]
    pub max_failures: Option<u64>,
    /// Rows to skip at the beginning, unchecked: those that an earlier import has done.
    #[param(minimum = 0, maximum = 1_000_000_000_000i64, nullable = false)]
    pub skip: Option<u64>,
}

/// How to treat rows whose resource exists, and rows whose resource does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportMode, default = "upsert")]
pub enum Mode {
    /// Create missing resources and replace existing ones.
    #[default]
    Upsert,
    /// Create only. A row fails if its resource exists.
    Create,
    /// Replace only. A row fails if its resource does not exist.
    Update,
}

/// Whether to continue after a row that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(default = "continue")]
pub enum OnError {
    /// Leave the row out and continue.
    #[default]
    Continue,
    /// Stop. The batch with the row is not written; the batches before it are.
    Abort,
}

/// What numbers mean where rows hold dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberDates {
    /// Days of a spreadsheet, counted from the beginning of 1900.
    Excel,
}

/// What becomes of a row whose slugs cannot be used: reserved, taken, too long or malformed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "refuse")]
pub enum SlugConflicts {
    /// The row fails.
    #[default]
    Refuse,
    /// The slug is cut, made anew or gets a suffix, with a warning. Names of categories are cut too.
    Suffix,
}

/// What becomes of a row that would create an article whose text another one has nearly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(default = "off")]
pub enum Duplicates {
    /// It creates its article; nothing is compared.
    #[default]
    Off,
    /// It creates its article, with a warning that names the other.
    Warn,
    /// It is left out, with a warning that names the other.
    Skip,
}

impl ImportParams {
    /// The mode; `upsert` by default.
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or_default()
    }

    /// Whether the first failed row ends the import.
    pub fn aborts_on_failure(&self) -> bool {
        self.is_atomic() || self.on_error == Some(OnError::Abort)
    }

    /// What becomes of a row that cannot be decoded; `fail` by default.
    pub fn encoding_errors(&self) -> EncodingErrors {
        self.encoding_errors.unwrap_or_default()
    }

    /// Rows in a row that may fail before the import ends.
    pub fn max_failures(&self) -> u64 {
        self.max_failures.unwrap_or(DEFAULT_MAX_FAILURES)
    }

    /// Whether all rows are written in one transaction.
    pub fn is_atomic(&self) -> bool {
        self.atomic == Some(true)
    }

    /// Whether nothing is committed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run == Some(true)
    }

    /// Whether all batches are written in one transaction.
    pub fn is_one_transaction(&self) -> bool {
        self.is_atomic() || self.is_dry_run()
    }

    /// Whether missing categories are created.
    pub fn creates_categories(&self) -> bool {
        self.create_categories == Some(true)
    }

    /// Whether a row takes its resource out of the trash.
    pub fn restores(&self) -> bool {
        self.restore == Some(true)
    }

    /// Whether edited articles stay as they are.
    pub fn keeps_edited(&self) -> bool {
        self.keep_edited == Some(true)
    }

    /// Whether an article that gets another title is told.
    pub fn tells_titles(&self) -> bool {
        self.tell_titles == Some(true)
    }

    /// What becomes of slugs that cannot be used.
    pub fn slug_conflicts(&self) -> SlugConflicts {
        self.slug_conflicts.unwrap_or_default()
    }

    /// What becomes of rows that are nearly copies.
    pub fn duplicates(&self) -> Duplicates {
        self.duplicates.unwrap_or_default()
    }

    /// Whether the live stream has an event for each row.
    pub fn sends_outcomes(&self) -> bool {
        self.outcomes == Some(true)
    }

    /// The filters for texts.
    pub fn text_filters(&self) -> &[TextFilter] {
        self.clean.as_deref().unwrap_or_default()
    }

    /// Sets the status of a row that has none to the `status` parameter.
    pub fn set_default_status(&self, row: &mut Value) {
        if let (Some(status), Some(row)) = (self.status, row.as_object_mut()) {
            row.entry("status").or_insert_with(|| status.as_str().into());
        }
    }

    /// How dates in cells of CSV are read.
    fn cell_dates(&self) -> Result<DateStyle> {
        let named = self.timezone.as_deref().map(|name| {
            let detail = "must be the name of a time zone, like Asia/Shanghai";
            let unknown = || Fault::parameter("timezone", Code::InvalidParameter, detail);
            find_timezone(name).ok_or_else(unknown)
        });
        let timezone = named.transpose()?.or(self.site_timezone).unwrap_or(DEFAULT_TIMEZONE);
        Ok(DateStyle { timezone, has_serials: self.dates.is_some() })
    }

    /// How dates in JSON rows are read. `None` if they are RFC 3339 only.
    pub fn json_dates(&self) -> Option<DateStyle> {
        let is_asked_for = self.timezone.is_some() || self.dates.is_some();
        self.cell_dates().ok().filter(|_| is_asked_for)
    }

    /// Parses the mapping of CSV columns, with the delimiter and the style of dates.
    pub fn parse_columns(&self) -> Result<ColumnMapping> {
        let pairs = self.columns.iter().flatten();
        let mapping = pairs.map(|pair| {
            let (header, key) = pair.rsplit_once(':')?;
            Some((header.trim().to_owned(), key.trim().to_owned()))
        });
        let mapping: Option<Vec<_>> = mapping.collect();
        let invalid = |name: &'static str, detail: &'static str| {
            Error::from(Fault::parameter(name, Code::InvalidParameter, detail))
        };
        let mapping = mapping.ok_or_else(|| invalid("columns", "must be pairs like `header:key`"))?;
        let delimiter = self.delimiter.as_deref().map(|text| {
            parse_delimiter(text)
                .ok_or_else(|| invalid("delimiter", "must be one sign like `;` or `|`, or `tab`"))
        });
        let columns = ColumnMapping::new(mapping).with_delimiter(delimiter.transpose()?);
        Ok(columns.with_dates(self.cell_dates()?))
    }
}
