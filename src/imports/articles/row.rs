//! An article as imports take it and exports give it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::articles::input::NewArticle;
use crate::db::types::as_stored;
use crate::error::{Code, Fault};
use crate::imports::category_ref::CategoryRef;

/// The keys of a row, in the order of exports.
pub const KEYS: &[&str] = &[
    "external_id",
    "slug",
    "title",
    "summary",
    "body",
    "body_format",
    "category",
    "tags",
    "author",
    "source_name",
    "source_url",
    "cover_url",
    "extra",
    "status",
    "published_at",
    "views",
    "created_at",
];

/// A row: a new article, whose category may be a breadcrumb, with the time it was made.
pub struct ArticleRow;

impl PartialSchema for ArticleRow {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut row)) = NewArticle::schema() else { return NewArticle::schema() };
        let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let step = ObjectBuilder::new().property("name", text()).property("slug", text()).required("name");
        let steps = OneOfBuilder::new().item(text()).item(step);
        let category = OneOfBuilder::new()
            .item(text())
            .item(ArrayBuilder::new().items(steps).max_items(Some(16)))
            .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)))
            .description(Some(
                "Its category: slug, id, or breadcrumb (`新闻/地方动态`, or an array from the root on).",
            ));
        let created_at = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("When it was made; the present when absent."));
        row.properties.insert("category".to_owned(), RefOr::T(category.into()));
        row.properties.insert("created_at".to_owned(), RefOr::T(created_at.into()));
        let id = "Its name in the system it comes from. A row without one is known by its slug, or else by all that it says.";
        if let Some(RefOr::T(Schema::Object(external_id))) = row.properties.get_mut("external_id") {
            external_id.description = Some(id.to_owned());
        }
        row.description = Some("An article as a row of an import or an export.".to_owned());
        row.examples = vec![
            json!({"external_id": "old-4711", "title": "质量提升行动取得新进展", "body": "<p>全省抽查合格率稳步提高。</p>", "category": "新闻/地方动态", "status": "published", "published_at": "2019-09-20T00:00:00Z", "views": 2600}),
        ];
        row.example = None;
        RefOr::T(Schema::Object(row))
    }
}

impl ToSchema for ArticleRow {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        NewArticle::schemas(schemas);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_the_schema() {
        let schema = serde_json::to_value(ArticleRow::schema()).unwrap();
        let mut documented: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let mut known = KEYS.to_vec();
        documented.sort();
        known.sort_unstable();
        assert_eq!(documented, known);
    }
}
