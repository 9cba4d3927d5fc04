//! The keys of a row that the body of a new article does not have, or has in another form: `category` as a
//! breadcrumb, `created_at`, `former_external_id`, and `former_slugs`, of which an unusable one is left out.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::slug_repair::{RefusedSlug, repair_slug};
use crate::articles::former_slugs::{self, MAX_FORMER_SLUGS};
use crate::db::types::as_stored;
use crate::error::{Code, Fault};
use crate::imports::category_ref::CategoryRef;
use crate::imports::params::SlugConflicts;

/// What the extra keys of a row say.
#[derive(Default)]
pub struct ExtraKeys {
    /// Its category.
    pub category_ref: Option<CategoryRef>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// Slugs that lead to it besides its own, with the one that cannot be its own.
    pub former_slugs: Vec<String>,
    /// Its slug, if it cannot be used. The row has another one then, or none.
    pub refused_slug: Option<RefusedSlug>,
}

/// Removes the extra keys from a row and parses them. Adds their faults to `faults`, and what was changed of them
/// to `warnings`.
pub fn take_extra_keys(
    row: &mut Value,
    conflicts: SlugConflicts,
    faults: &mut Vec<Fault>,
    warnings: &mut Vec<Fault>,
) -> ExtraKeys {
    let refused_slug = match conflicts {
        SlugConflicts::Suffix => repair_slug(row),
        SlugConflicts::Refuse => None,
    };
    let Some(row) = row.as_object_mut() else { return ExtraKeys::default() };
    let category = row.shift_remove("category").unwrap_or_default();
    let category_ref = CategoryRef::parse(&category, conflicts).map(|(category_ref, changes)| {
        warnings.extend(changes);
        category_ref
    });
    let created_at = match row.shift_remove("created_at") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => parse_created_at(&value).map(Some),
    };
    let former_slugs = match row.shift_remove("former_slugs") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => parse_former_slugs(&value, warnings),
    };
    // The identity of the row has it already.
    if row.shift_remove("former_external_id").is_some_and(|id| !(id.is_null() || id.is_string())) {
        faults.push(Fault::body("/former_external_id", Code::WrongType, "must be a string"));
    }
    let mut add_fault = |fault| faults.push(fault);
    let mut former_slugs: Vec<String> = former_slugs.map_err(&mut add_fault).unwrap_or_default();
    let refused = refused_slug.as_ref().and_then(RefusedSlug::to_former_slug);
    former_slugs.extend(refused.filter(|slug| !former_slugs.contains(slug)));
    ExtraKeys {
        category_ref: category_ref.map_err(&mut add_fault).unwrap_or_default(),
        created_at: created_at.map_err(&mut add_fault).unwrap_or_default(),
        former_slugs,
        refused_slug,
    }
}

/// Parses former slugs. Leaves out those that cannot be any, with a warning.
fn parse_former_slugs(value: &Value, warnings: &mut Vec<Fault>) -> Result<Vec<String>, Fault> {
    let wrong_type = || Fault::body("/former_slugs", Code::WrongType, "must be an array of strings");
    let items = value.as_array().ok_or_else(wrong_type)?;
    let mut slugs: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let slug = former_slugs::normalize(item.as_str().ok_or_else(wrong_type)?);
        match former_slugs::refusal(&slug, &format!("/former_slugs/{index}")) {
            Some(refusal) => warnings.push(Fault { code: Code::FormerSlugDropped, ..refusal }),
            None if slugs.contains(&slug) => {}
            None => slugs.push(slug),
        }
    }
    if slugs.len() > MAX_FORMER_SLUGS {
        let detail = "has more than {max}; the last {count} were left out";
        let warning =
            Fault::body("/former_slugs", Code::FormerSlugDropped, detail).with("max", MAX_FORMER_SLUGS);
        warnings.push(warning.with("count", slugs.len() - MAX_FORMER_SLUGS));
        slugs.truncate(MAX_FORMER_SLUGS);
    }
    Ok(slugs)
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
