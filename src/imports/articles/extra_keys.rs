//! The keys of a row that the body of a new article does not have: `category` as a breadcrumb,
//! and `created_at`.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::db::types::as_stored;
use crate::error::{Code, Fault};
use crate::imports::category_ref::CategoryRef;

/// Removes `category` and `created_at` from a row and parses them. Adds their faults to `faults`.
pub fn take_extra_keys(
    row: &mut Value,
    faults: &mut Vec<Fault>,
) -> (Option<CategoryRef>, Option<DateTime<Utc>>) {
    let Some(row) = row.as_object_mut() else { return (None, None) };
    let category_ref = row.shift_remove("category").map_or(Ok(None), |value| CategoryRef::parse(&value));
    let created_at = match row.shift_remove("created_at") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => parse_created_at(&value).map(Some),
    };
    let mut add_fault = |fault| faults.push(fault);
    (category_ref.map_err(&mut add_fault).unwrap_or(None), created_at.map_err(&mut add_fault).unwrap_or(None))
}

/// Parses a time in the years 1000 to 2999.
fn parse_created_at(value: &Value) -> Result<DateTime<Utc>, Fault> {
    let text = value.as_str().unwrap_or_default();
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.starts_with(['1', '2']));
    time.map(|time| as_stored(time.to_utc())).ok_or_else(|| {
        let detail = "must be a time as in RFC 3339, like 2019-09-20T08:00:00Z";
        Fault::body("/created_at", Code::InvalidFormat, detail)
    })
}
