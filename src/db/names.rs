//! Things by what people call them: their ids or their slugs.

use std::collections::HashMap;

use uuid::Uuid;

use super::rows::{Conditions, Value};

/// Adds the condition that a row of `table` has one of `names` as its id or its slug.
pub fn add_names(conditions: &mut Conditions, table: &str, names: &[String]) {
    let ids = names.iter().filter_map(|name| Uuid::parse_str(name).ok()).collect();
    let (ids, slugs) = (conditions.bind(Value::Ids(ids)), conditions.bind(Value::Texts(names.to_vec())));
    conditions.and(format!("({table}.id = ANY({ids}) OR {table}.slug = ANY({slugs}))"));
}

/// The ids that `names` stand for, by these names, among the ids and slugs that were found.
pub fn match_names(names: Vec<String>, found: &[(Uuid, String)]) -> HashMap<String, Uuid> {
    let find = |name: &str| {
        let id = Uuid::parse_str(name).ok();
        found.iter().find(|(known, slug)| Some(*known) == id || slug == name).map(|(known, _)| *known)
    };
    names.into_iter().filter_map(|name| find(&name).map(|id| (name, id))).collect()
}
