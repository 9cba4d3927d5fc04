//! Bounds of the texts and lists in schemas.
//!
//! The bounds of requests are attributes of their types, and are enforced. Most fields of answers were written by a
//! field of a request, so they have its bound; the others are named here.

use serde_json::{Map, Value};

use super::headers::MAX_REQUEST_ID_CHARS;
use super::schemas::SCHEMAS;
use crate::operations::table::{Endpoint, Table};

/// Schemas of answers, and the schema of the request that writes the fields of the same names.
const WRITTEN_BY: &[(&str, &str)] = &[
    ("ArticleCard", "NewArticle"),
    ("Neighbor", "NewArticle"),
    ("Category", "NewCategory"),
    ("CategorySummary", "NewCategory"),
    ("Crumb", "NewCategory"),
    ("CategoryCount", "NewCategory"),
    ("FoundNotice", "NewNotice"),
    ("LinkedArticle", "NewArticle"),
    ("LinkedNotice", "NewNotice"),
    ("MenuItem", "NewMenuItem"),
    ("StoredItem", "NewMenuItem"),
    ("Block", "NewBlock"),
    ("LatestBlock", "NewBlock"),
    ("PopularBlock", "NewBlock"),
    ("ArticlesBlock", "NewBlock"),
    ("NoticesBlock", "NewBlock"),
    ("HtmlBlock", "NewBlock"),
    ("LinksBlock", "NewBlock"),
    ("Notice", "NewNotice"),
    ("NoticeCard", "NewNotice"),
    ("NoticeNeighbor", "NewNotice"),
    ("Member", "ProfilePatch"),
    ("Member", "Registration"),
    ("SignedInMember", "Registration"),
    ("Site", "SitePatch"),
    ("ApiKey", "NewApiKey"),
    ("Session", "RefreshRequest"),
];

/// Fields that answers may tell at greater length than they were written: HTML is escaped, addresses become absolute.
const LENGTHENED: &[&str] = &["body", "cover_url"];

/// The bounds of other fields: the schema, the field, or the items of a field, and the most characters or items.
const OTHERS: &[(&str, &str, u64)] = &[
    ("Accepted", "status", 40),
    ("Address", "url", 2500),
    ("Activity", "action", 40),
    ("Activity", "entity", 40),
    ("ApiKey", "prefix", 20),
    ("Article", "body_source", 1_000_000),
    // The site's address before a path.
    ("ArchiveMonth", "month", 7),
    ("ArticleCard", "cover", 2200),
    ("ArticleCard", "cover_url", 2500),
    ("Change", "action", 40),
    ("Change", "entity", 40),
    ("Change", "fields", 100),
    ("Change", "fields/items", 100),
    ("Change", "request_id", MAX_REQUEST_ID_CHARS),
    ("CreatedKey", "key", 200),
    ("Health", "status", 40),
    // Escaped, and with marks around single characters.
    ("Highlight", "title", 8000),
    ("Highlight", "snippets/items", 8000),
    ("Image", "alt", 2000),
    ("Image", "caption", 2000),
    ("Image", "credit", 2000),
    ("Image", "dominant_color", 7),
    ("Image", "src", 2500),
    // An address for each preset.
    ("Image", "srcset", 80_000),
    ("Image", "thumbhash", 64),
    ("ImportSummary", "errors", 1000),
    ("ImportSummary", "warnings", 1000),
    ("Media", "alt", 2000),
    ("Media", "caption", 2000),
    ("Media", "credit", 2000),
    ("Media", "dominant_color", 7),
    ("Media", "mime", 100),
    ("Media", "name", 200),
    ("Media", "sha256", 64),
    ("Media", "source_url", 2000),
    ("Media", "tags", 50),
    ("Media", "tags/items", 64),
    ("Media", "thumbhash", 64),
    ("Media", "url", 2500),
    ("Media", "used_by", 20),
    ("Media", "variants/additionalProperties", 2500),
    ("Menu", "name", 60),
    ("Notice", "body_source", 200_000),
    ("OpenSession", "device", 200),
    ("OwnData", "activity", 10_000),
    ("OwnProfile", "profile_missing", 20),
    // As the parameter `cursor`.
    ("PageInfo", "next_cursor", 8000),
    ("PageInfo", "prev_cursor", 8000),
    ("PasswordRequired", "status", 40),
    ("Problem", "type", 200),
    ("Problem", "title", 200),
    // A hundred of the text, a hundred of the schema, and those that only a look-up finds.
    ("Problem", "errors", 300),
    ("Problem", "request_id", MAX_REQUEST_ID_CHARS),
    ("ImportRow", "external_id", 200),
    ("ImportRow", "slug", 120),
    ("RowProblem", "external_id", 200),
    ("RowProblem", "more", 300),
    ("Readiness", "status", 40),
    ("SearchReadiness", "position", 100_000),
    ("SearchResults", "data", 100),
    ("SearchResults", "did_you_mean", 1000),
    ("Session", "access_token", 2000),
    ("Session", "token_type", 10),
    ("Suggestion", "text", 500),
    ("TagCount", "tag", 64),
    ("TagDetail", "tag", 64),
    ("Use", "title", 300),
    ("ViewBatchResult", "unknown", 100),
];

/// The most characters of a time (RFC 3339).
const MAX_TIME_CHARS: u64 = 64;
/// The characters of a UUID.
const UUID_CHARS: u64 = 36;
/// The most rows of a page, as of the parameter `page_size`.
const MAX_PAGE_ROWS: u64 = 100;
/// The most rows of a list that is answered whole.
const MAX_WHOLE_ROWS: u64 = i32::MAX as u64;
/// The most characters of an error code.
const MAX_CODE_CHARS: u64 = 100;

/// Tells the bounds of what answers hold.
pub fn bound_answers(document: &mut Value, table: &Table) {
    let Some(schemas) = document["components"]["schemas"].as_object() else { return };
    let known = schemas.clone();
    let paged: Vec<String> = table.endpoints().iter().filter_map(|one| list_of(one, document)).collect();
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (answer, request) in WRITTEN_BY {
        let written = known[*request]["properties"].as_object().into_iter().flatten();
        for (name, bounded) in written.filter(|(name, _)| !LENGTHENED.contains(&name.as_str())) {
            for field in fields_of(schemas, answer, name) {
                copy_bounds(bounded, field, &known);
            }
        }
    }
    for (schema, path, max) in OTHERS {
        let (name, part) = path.split_at(path.find('/').unwrap_or(path.len()));
        for field in fields_of(schemas, schema, name) {
            if let Some(bounded) = field.pointer_mut(part) {
                bound(bounded, *max);
            }
        }
    }
    for list in paged {
        schemas[&list]["properties"]["data"]["maxItems"] = MAX_PAGE_ROWS.into();
    }
    schemas["PageInfo"]["properties"]["size"]["maximum"] = MAX_WHOLE_ROWS.into();
    schemas["ErrorCode"]["maxLength"] = MAX_CODE_CHARS.into();
    schemas.values_mut().for_each(bound_formats);
}

/// The schema of the page that an operation answers.
fn list_of(endpoint: &Endpoint, document: &Value) -> Option<String> {
    let method = endpoint.method.as_str().to_lowercase();
    let answer = &document["paths"][&endpoint.pattern][method]["responses"]["200"];
    let list = answer.pointer("/content/application~1json/schema/$ref")?.as_str()?;
    let list = list.strip_prefix(SCHEMAS).filter(|_| endpoint.operation.is_paged)?;
    Some(list.to_owned())
}

/// The property `name` of a schema, wherever its parts have one.
fn fields_of<'s>(schemas: &'s mut Map<String, Value>, schema: &str, name: &str) -> Vec<&'s mut Value> {
    let Some(schema) = schemas.get_mut(schema) else { return Vec::new() };
    let parts: Vec<&mut Value> = match schema.get("allOf").is_some() {
        true => schema["allOf"].as_array_mut().into_iter().flatten().collect(),
        false => vec![schema],
    };
    parts.into_iter().filter_map(|part| part.get_mut("properties")?.get_mut(name)).collect()
}

/// Gives `field` and its items the bounds of `bounded` and its items.
fn copy_bounds(bounded: &Value, field: &mut Value, schemas: &Map<String, Value>) {
    let reference = bounded["$ref"].as_str().and_then(|reference| reference.strip_prefix(SCHEMAS));
    let bounded = reference.and_then(|name| schemas.get(name)).unwrap_or(bounded);
    for key in ["maxLength", "maxItems"] {
        if let Some(max) = bounded.get(key).and_then(Value::as_u64) {
            bound(field, max);
        }
    }
    if let (Some(bounded), Some(items)) = (bounded.get("items"), field.get_mut("items")) {
        copy_bounds(bounded, items, schemas);
    }
}

/// Bounds the characters of a text, or the items of a list, unless it has a bound.
fn bound(schema: &mut Value, max: u64) {
    let key = if schema.get("items").is_some() { "maxItems" } else { "maxLength" };
    let is_open = schema.get("$ref").is_none() && schema.get(key).is_none();
    if let Some(schema) = schema.as_object_mut().filter(|_| is_open) {
        schema.insert(key.to_owned(), max.into());
    }
}

/// Bounds the texts whose format does.
fn bound_formats(schema: &mut Value) {
    super::schemas::visit(schema, &mut |part| {
        let max = match part["format"].as_str() {
            Some("date-time") => MAX_TIME_CHARS,
            Some("uuid") => UUID_CHARS,
            _ => return,
        };
        bound(part, max);
    });
}
