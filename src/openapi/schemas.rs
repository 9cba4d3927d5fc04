//! What generators of clients need of schemas: a name for each type, open objects that say so, examples.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::error::Code;
use crate::language::Language;

/// Where the schemas of a document are.
pub const SCHEMAS: &str = "#/components/schemas/";

/// Completes the schemas of the document.
pub fn complete_schemas(document: &mut Value) {
    name_envelopes(document);
    describe_picked_body(document);
    name_alternatives(document);
    name_enumerations(document);
    name_error_codes(document);
    visit(document, &mut open_object);
}

/// References to the envelopes of one thing that has a version.
pub fn list_versioned_schemas(document: &Value) -> BTreeSet<String> {
    let schemas = &document["components"]["schemas"];
    let names = schemas.as_object().into_iter().flatten().map(|(name, _)| name);
    let thing_of = |name: &str| {
        let thing = name.strip_prefix("Data_").or_else(|| name.strip_prefix("Written_"));
        // An answer that says more beside the thing has it as `data`.
        thing.map_or_else(|| schemas[name].pointer("/properties/data"), |thing| schemas.get(thing))
    };
    names
        .filter(|name| thing_of(name).is_some_and(|thing| has_version(thing, schemas)))
        .map(|name| format!("{SCHEMAS}{name}"))
        .collect()
}

fn has_version(schema: &Value, schemas: &Value) -> bool {
    let name = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix(SCHEMAS));
    let schema = name.map_or(schema, |name| &schemas[name]);
    let mut parts = schema["allOf"].as_array().into_iter().flatten();
    schema.pointer("/properties/version").is_some() || parts.any(|part| has_version(part, schemas))
}

fn reference_to(name: &str) -> Value {
    json!({"$ref": format!("{SCHEMAS}{name}")})
}

/// Calls `change` on `value` and all in it, but for examples, which are no schemas.
pub fn visit(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    change(value);
    match value {
        Value::Object(map) => {
            let parts = map.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "example" | "examples"));
            parts.for_each(|(_, part)| visit(part, change));
        }
        Value::Array(list) => list.iter_mut().for_each(|part| visit(part, change)),
        _ => {}
    }
}

/// Lets envelopes refer to what they hold, instead of repeating it.
fn name_envelopes(document: &mut Value) {
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if let Some(held) = name.strip_prefix("Data_").or_else(|| name.strip_prefix("Written_")) {
            schema["properties"]["data"] = reference_to(held);
        } else if let Some(held) = name.strip_prefix("List_") {
            schema["properties"]["data"]["items"] = reference_to(held);
        }
    }
}

/// Tells of the body that `fields=body` adds to the articles and notices of a list.
///
/// A list has it only then, so the handler's own type has no such key.
fn describe_picked_body(document: &mut Value) {
    for card in ["ArticleCard", "NoticeCard"] {
        document["components"]["schemas"][card]["properties"]["body"] = json!({
            "type": "string",
            "description": "Safe HTML. A list has it only with `fields=body`.",
        });
    }
}

/// Names the alternatives of tagged unions by their tags, `ProgressEvent` and so on, and says which key is the tag.
///
/// A generator would number alternatives that have no name of their own.
fn name_alternatives(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let mut named = Map::new();
    for (union, schema) in schemas.iter_mut() {
        let (mut mapping, mut key_of_tag) = (Map::new(), "type");
        for alternative in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some((key, tag)) = tag_of(alternative) else { continue };
            key_of_tag = key;
            let name = format!("{}{union}", in_pascal_case(&tag));
            mapping.insert(tag, format!("{SCHEMAS}{name}").into());
            let reference = reference_to(&name);
            named.insert(name, std::mem::replace(alternative, reference));
        }
        if !mapping.is_empty() {
            schema["discriminator"] = json!({"propertyName": key_of_tag, "mapping": mapping});
        }
    }
    schemas.extend(named);
}

/// The key of the tag of a tagged alternative, and its value.
fn tag_of(alternative: &Value) -> Option<(&'static str, String)> {
    let parts = || alternative["allOf"].as_array().into_iter().flatten().chain([alternative]);
    let find = |key| match parts().find_map(|part| part["properties"][key]["enum"].as_array())?.as_slice() {
        [Value::String(tag)] => Some((key, tag.clone())),
        _ => None,
    };
    ["type", "kind"].into_iter().find_map(find)
}

fn in_pascal_case(tag: &str) -> String {
    let mut starts_word = true;
    let mut name = String::new();
    for letter in tag.chars() {
        match letter {
            '_' => starts_word = true,
            letter if std::mem::take(&mut starts_word) => name.extend(letter.to_uppercase()),
            letter => name.push(letter),
        }
    }
    name
}

/// Lets parameters refer to the enumerations that are components.
///
/// The parameters of handlers hold them inline, to be checked without the document.
fn name_enumerations(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let enumerations: Vec<_> = schemas.iter().filter(|(_, schema)| schema.get("enum").is_some()).collect();
    visit(&mut document["paths"], &mut |schema| {
        if schema.get("enum").is_some()
            && let Some((name, _)) = enumerations.iter().find(|(_, known)| *known == schema)
        {
            *schema = reference_to(name);
        }
    });
}

/// Lets every `code` be an `ErrorCode`: a text, of which the values known today are told.
///
/// An enumeration would make generated clients fail on a code that a later version adds.
fn name_error_codes(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (_, schema) in schemas.iter_mut() {
        visit(schema, &mut |part| {
            if let Some(code) = part.pointer_mut("/properties/code") {
                let description = code.get("description").cloned();
                *code = reference_to("ErrorCode");
                if let Some(description) = description {
                    code["description"] = description;
                }
            }
        });
    }
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let told: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("- `{}`: {}", code.as_str(), code.title(Language::English)))
        .collect();
    let description = format!(
        "The stable name of a kind of problem. Later versions may add others: treat one that you do not know \
         by its status.\n\n{}",
        told.join("\n")
    );
    schemas.insert(
        "ErrorCode".to_owned(),
        json!({
            "type": "string",
            "description": description,
            "example": Code::UnknownParameter.as_str(),
            "x-extensible-enum": known,
        }),
    );
}

/// Says of an object without known keys that it has any. Generators take it for an empty one otherwise.
fn open_object(schema: &mut Value) {
    let kind = &schema["type"];
    let is_object =
        kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&Value::from("object")));
    if is_object && schema.get("properties").is_none() && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = true.into();
    }
}

/// The example of a schema, which may be a reference or a list.
pub fn example_of(schema: &Value, document: &Value) -> Option<Value> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix(SCHEMAS)) {
        return example_of(&document["components"]["schemas"][name], document);
    }
    if schema["type"] == "array" {
        return example_of(&schema["items"], document).map(|item| json!([item]));
    }
    schema.get("example").or_else(|| schema["examples"].get(0)).cloned()
}
