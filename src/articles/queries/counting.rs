//! The SQL that counts the articles of a list.

use super::branches::{Listing, TAGGED};
use crate::db::rows::{Conditions, Value};

/// The statement that counts the articles of `listing`, to `most` if that is given, and the values it binds.
pub fn count_statement(listing: Listing, most: Option<i64>) -> (Conditions, String) {
    let Listing { mut conditions, parts, categories, tags, author, source } = listing;
    let by_line = author.is_none() && source.is_none();
    conditions.and_if("articles.category_id = ANY(?)", categories.map(Value::Ids));
    conditions.and_if("articles.author = ?", author.map(Value::Text));
    conditions.and_if("articles.source_name = ?", source.map(Value::Text));
    let met = conditions.sql();
    let one_tag = tags.as_ref().and_then(|tags| match &tags[..] {
        [tag] => Some(conditions.bind(Value::Text(tag.clone()))),
        _ => None,
    });
    let tags = tags.map(|tags| conditions.bind(Value::Texts(tags)));
    let parts = parts.iter().map(|part| match (&tags, part.tagged, &one_tag) {
        // An article has one line of a tag, and several of several.
        (Some(_), Some(tagged), Some(tag)) if by_line => {
            format!("(SELECT 1 FROM {TAGGED} WHERE articles.tag = {tag} AND {tagged} AND {met})")
        }
        (Some(tags), Some(tagged), None) if by_line => format!(
            "(SELECT 1 FROM (SELECT DISTINCT articles.id FROM {TAGGED}
              WHERE articles.tag = ANY({tags}) AND {tagged} AND {met}) AS found)"
        ),
        (Some(tags), ..) => {
            format!("(SELECT 1 FROM articles WHERE articles.tags && {tags} AND {} AND {met})", part.condition)
        }
        (None, ..) => format!("(SELECT 1 FROM articles WHERE {} AND {met})", part.condition),
    });
    let parts: Vec<_> = parts.collect();
    let parts = if parts.is_empty() { "SELECT 1 WHERE false".to_owned() } else { parts.join(" UNION ALL ") };
    let limit = most.map_or_else(String::new, |most| format!("LIMIT {most}"));
    (conditions, format!("SELECT count(*) FROM (SELECT 1 FROM ({parts}) AS parts {limit}) AS counted"))
}
