//! The keys of a row that new articles do not have.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::db::types::as_stored;
use crate::error::{Code, Fault};
use crate::imports::category_ref::CategoryRef;

/// Takes the keys out of a row that new articles do not have: where it belongs,
/// and when it was made.
pub fn beside(row: &mut Value, faults: &mut Vec<Fault>) -> (Option<CategoryRef>, Option<DateTime<Utc>>) {
    let Some(row) = row.as_object_mut() else { return (None, None) };
    let place = row.shift_remove("category").map_or(Ok(None), |value| CategoryRef::read(&value));
    let made = match row.shift_remove("created_at") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => time(&value).map(Some),
    };
    let mut or_fault = |fault| faults.push(fault);
    (place.map_err(&mut or_fault).unwrap_or(None), made.map_err(&mut or_fault).unwrap_or(None))
}

/// A time from the years that an article can be from.
fn time(value: &Value) -> Result<DateTime<Utc>, Fault> {
    let text = value.as_str().unwrap_or_default();
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.starts_with(['1', '2']));
    time.map(|time| as_stored(time.to_utc())).ok_or_else(|| {
        let detail = "must be a time as in RFC 3339, like 2019-09-20T08:00:00Z";
        Fault::body("/created_at", Code::InvalidFormat, detail)
    })
}
