//! The row format of articles, in imports and exports.

use serde_json::json;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::articles::input::NewArticle;

/// The keys of an exported row, in the column order of CSV.
pub const EXPORTED_KEYS: &[&str] = ARTICLE_KEYS.split_at(ARTICLE_KEYS.len() - 2).0;

/// The keys that a row can have. An export has all but the last two.
pub const ARTICLE_KEYS: &[&str] = &[
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
    "former_slugs",
    "cover",
    "former_external_id",
];

/// The longest breadcrumb as a text: 16 names of 100 characters, with what is between them.
const MAX_BREADCRUMB_CHARS: usize = 2000;

/// The schema of a row: a new article, with `created_at`, and with a category that can be a breadcrumb.
pub struct ArticleRow;

impl PartialSchema for ArticleRow {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut row)) = NewArticle::schema() else { return NewArticle::schema() };
        let category = OneOfBuilder::new()
            .item(text().max_length(Some(MAX_BREADCRUMB_CHARS)))
            .item(Ref::from_schema_name("CategoryPath"))
            .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)))
            .description(Some(
                "Its category: slug, id, or breadcrumb (`新闻/地方动态`, or an array from the root on).",
            ));
        let created_at = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .max_length(Some(64))
            .description(Some("When it was made; the present when absent."));
        row.properties.insert("category".to_owned(), RefOr::T(category.into()));
        let former_id = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::String, Type::Null]))
            .max_length(Some(200))
            .description(Some(
                "The external id that an earlier import gave it. Its article gets the present one, if no article has that \
                 and both have a `source_url` on the same host.",
            ));
        row.properties.insert("created_at".to_owned(), RefOr::T(created_at.into()));
        row.properties.insert("former_external_id".to_owned(), RefOr::T(former_id.into()));
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
        // Of a union of a text and an object, generators make code that does not compile.
        let step = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(
            "A category of a breadcrumb: its name, or an object with its `name`, its `slug`, and the `description` that it \
             gets if the import creates it.",
        ));
        let path = ArrayBuilder::new()
            .items(Ref::from_schema_name("CategoryStep"))
            .max_items(Some(16))
            .description(Some("The breadcrumb of a category, from the root on."));
        schemas.push(("CategoryStep".to_owned(), step.into()));
        schemas.push(("CategoryPath".to_owned(), path.into()));
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_the_schema() {
        let schema = serde_json::to_value(ArticleRow::schema()).unwrap();
        let mut documented: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let mut known = ARTICLE_KEYS.to_vec();
        documented.sort();
        known.sort_unstable();
        assert_eq!(documented, known);
    }
}
