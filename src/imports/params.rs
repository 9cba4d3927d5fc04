//! What an import is told.

use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::rows::Columns;
use crate::db::types::Status;
use crate::error::{Code, Error, Fault, Result};
use crate::interchange::text_filters::Cleaning;

/// How to import.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportParams {
    /// What becomes of rows that are there already, and of those that are not.
    #[param(inline, nullable = false)]
    pub mode: Option<Mode>,
    /// Whether to go on after a row that fails.
    #[param(inline, nullable = false)]
    pub on_error: Option<OnError>,
    /// All rows or none, in one transaction.
    #[param(default = false, nullable = false)]
    pub atomic: Option<bool>,
    /// Do everything but commit.
    #[param(default = false, nullable = false)]
    pub dry_run: Option<bool>,
    /// Create the categories that rows name and that do not exist (articles only).
    #[param(default = false, nullable = false)]
    pub create_categories: Option<bool>,
    /// What to clean texts of, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 2, nullable = false)]
    pub clean: Option<Vec<Cleaning>>,
    /// The status of rows that say none (articles and notices); `draft` by default.
    #[param(inline, nullable = false)]
    pub status: Option<Status>,
    /// CSV: which key the columns are, as `header:key`, comma-separated. `header:` leaves a column out. Other headers are keys themselves.
    #[param(style = Form, explode = false, min_items = 1, max_items = 100, nullable = false, example = json!(["标题:title", "正文:body"]))]
    pub columns: Option<Vec<String>>,
    /// The character set of the body, like `gbk`; found out when absent.
    #[param(max_length = 40, nullable = false)]
    pub encoding: Option<String>,
    /// Rows to pass over at the beginning, unread: those that an earlier import has done.
    #[param(minimum = 0, nullable = false)]
    pub skip: Option<u64>,
}

/// What becomes of rows that are there already, and of those that are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(default = "upsert")]
pub enum Mode {
    /// Create what is not there, replace what is.
    #[default]
    Upsert,
    /// Create only; a row that is there fails.
    Create,
    /// Replace only; a row that is not there fails.
    Update,
}

/// Whether to go on after a row that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(default = "continue")]
pub enum OnError {
    /// Leave the row out and go on.
    #[default]
    Continue,
    /// Stop; the batch with the row is not written, those before it are.
    Abort,
}

impl ImportParams {
    /// What becomes of rows that are there already.
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or_default()
    }

    /// Whether the first row that fails ends the import.
    pub fn aborts(&self) -> bool {
        self.is_atomic() || self.on_error == Some(OnError::Abort)
    }

    /// Whether all rows are one transaction that a failure undoes.
    pub fn is_atomic(&self) -> bool {
        self.atomic == Some(true)
    }

    /// Whether nothing is to be committed.
    pub fn is_dry(&self) -> bool {
        self.dry_run == Some(true)
    }

    /// Whether categories are created.
    pub fn creates_categories(&self) -> bool {
        self.create_categories == Some(true)
    }

    /// What texts are cleaned of.
    pub fn cleanings(&self) -> &[Cleaning] {
        self.clean.as_deref().unwrap_or_default()
    }

    /// Gives a row that says no status the one that is asked for.
    pub fn give_status(&self, row: &mut Value) {
        if let (Some(status), Some(row)) = (self.status, row.as_object_mut()) {
            row.entry("status").or_insert_with(|| status.as_str().into());
        }
    }

    /// The mapping of CSV columns.
    pub fn columns(&self) -> Result<Columns> {
        let pairs = self.columns.iter().flatten();
        let mapping = pairs.map(|pair| {
            let (header, key) = pair.rsplit_once(':')?;
            Some((header.trim().to_owned(), key.trim().to_owned()))
        });
        let mapping: Option<Vec<_>> = mapping.collect();
        mapping.map(Columns::new).ok_or_else(|| {
            let fault = Fault::parameter("columns", Code::InvalidParameter, "takes pairs like header:key");
            Error::Faults(fault.code, vec![fault])
        })
    }
}
