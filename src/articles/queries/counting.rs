//! The SQL that counts the articles of a list.

use super::branches::TAGGED;
use super::listing::{Listing, Names};
use crate::db::rows::{Conditions, Value};

/// The statement that counts the articles of `listing`, to `most` if that is given, and the values it binds.
pub fn count_statement(listing: Listing, most: Option<i64>) -> (Conditions, String) {
    let mut conditions = listing.conditions.clone();
    conditions.and_if("articles.category_id = ANY(?)", listing.categories.clone().map(Value::Ids));
    let names = Names::new(&mut conditions, &listing);
    let met = conditions.sql();
    let named = names.conditions().map(|one| format!(" AND {one}")).collect::<String>();
    let traits = names.traits.iter().map(|one| format!(" AND {}", one.of_line)).collect::<String>();
    let has_lines = names.bylines.is_empty() && !names.lines.is_empty();
    let parts =
        listing.parts.iter().map(|part| match (part.tagged.filter(|_| has_lines), &names.lines[..]) {
            (None, _) => format!("(SELECT 1 FROM articles WHERE {} AND {met}{named})", part.condition),
            // An article has one line of a tag, and several of several.
            (Some(tagged), [line]) => {
                format!("(SELECT 1 FROM {TAGGED} WHERE {line} AND {tagged} AND {met}{traits})")
            }
            (Some(tagged), _) => format!(
                "(SELECT 1 FROM (SELECT DISTINCT articles.id FROM {TAGGED}
              WHERE {} AND {tagged} AND {met}{traits}) AS found)",
                names.all_lines
            ),
        });
    let parts: Vec<_> = parts.collect();
    let parts = if parts.is_empty() { "SELECT 1 WHERE false".to_owned() } else { parts.join(" UNION ALL ") };
    let limit = most.map_or_else(String::new, |most| format!("LIMIT {most}"));
    (conditions, format!("SELECT count(*) FROM (SELECT 1 FROM ({parts}) AS parts {limit}) AS counted"))
}
