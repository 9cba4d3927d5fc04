//! Checks values against the schemas that the OpenAPI document publishes.
//!
//! One source for both: what is documented is what is enforced, and every
//! fault of a body is found at once, each with its place.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use anyhow::{Context, anyhow};
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, JsonTypeSet, ValidationError, Validator};
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::forms::{NOT_BLANK, describe_format, describe_pattern};
use super::pointer::{MAX_FAULTS, escape, truncate_key};
use crate::error::{At, Code, Error, Fault, Result, Sentence};
use crate::text::{self, PLAIN_TEXT};

/// What is compiled once for a key, and kept.
pub type Compiled<K, V> = LazyLock<RwLock<HashMap<K, Arc<V>>>>;

/// What `store` keeps for `key`, made on first use.
pub fn compiled<K: Eq + Hash, V>(
    store: &Compiled<K, V>,
    key: K,
    make: impl FnOnce() -> Result<V>,
) -> Result<Arc<V>> {
    if let Some(found) = store.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(found.clone());
    }
    let made = Arc::new(make()?);
    store.write().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
    Ok(made)
}

/// A compiled schema.
pub struct Checker {
    schema: Value,
    validator: Validator,
}

impl Checker {
    /// The checker of a body type.
    pub fn of<T: ToSchema>() -> Result<Self> {
        let mut referenced = Vec::new();
        <T as ToSchema>::schemas(&mut referenced);
        let components: serde_json::Map<String, Value> = referenced
            .into_iter()
            .map(|(name, schema)| Ok((name, serde_json::to_value(schema)?)))
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|cause| Error::Internal(cause.into()))?;
        let schema = serde_json::to_value(<T as PartialSchema>::schema());
        Self::new(schema.map_err(|cause| Error::Internal(cause.into()))?, components)
    }

    /// The checker of one schema that refers to `components`.
    pub fn new(mut schema: Value, components: serde_json::Map<String, Value>) -> Result<Self> {
        let build = || {
            let object = schema.as_object_mut().context("a schema is an object")?;
            object.insert("components".to_owned(), json!({"schemas": components}));
            let validator = jsonschema::options()
                .should_validate_formats(true)
                // Whatever holds a NUL character was refused for that already.
                .with_format(PLAIN_TEXT, |text: &str| text.contains('\0') || text::is_plain(text))
                .build(&schema)
                .map_err(|cause| anyhow!("a schema does not compile: {cause}"))?;
            Ok(Self { schema, validator })
        };
        build().map_err(Error::Internal)
    }

    /// The JSON types the schema names at its top.
    pub fn types(&self) -> Vec<&str> {
        match &self.schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the schema is that of a list.
    pub fn is_list(&self) -> bool {
        self.types().contains(&"array")
    }

    /// The faults of `value`, up to [`MAX_FAULTS`].
    pub fn faults(&self, value: &Value) -> Vec<Fault> {
        let mut faults = Vec::new();
        for error in self.validator.iter_errors(value).take(MAX_FAULTS) {
            self.collect(&error, &mut faults);
        }
        faults.truncate(MAX_FAULTS);
        faults
    }

    /// `value`, an object, without the fields that have `faults`. Required ones have the value of the schema's example
    /// instead. `None` if that is not possible.
    pub fn mend(&self, value: &Value, faults: &[Fault]) -> Option<Value> {
        let known = self.schema["properties"].as_object()?;
        let mut object = value.as_object()?.clone();
        object.retain(|key, _| known.contains_key(key) && !faults.iter().any(|fault| lies_in(fault, key)));
        for name in self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.schema["example"].get(name)?.clone());
            }
        }
        Some(Value::Object(object))
    }

    fn collect(&self, error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
        let pointer = &pointer_of(error);
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                let parent = error.schema_path().as_str();
                let known = self.properties(parent);
                faults.extend(unexpected.iter().take(MAX_FAULTS).map(|name| {
                    let at = format!("{pointer}/{}", escape(&truncate_key(name)));
                    let nearest = find_nearest(name, known.iter().map(String::as_str));
                    Fault::body(at, Code::UnknownField, "unknown field").suggest(nearest)
                }));
            }
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                faults.push(Fault::body(
                    format!("{pointer}/{}", escape(name)),
                    Code::MissingField,
                    "is required",
                ));
            }
            // A nullable reference is `null` or the thing: tell what is wrong with the thing.
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                let thing = context.iter().rev().find(|branch| !branch.iter().any(wants_null));
                for nested in thing.into_iter().flatten() {
                    self.collect(nested, faults);
                }
            }
            // That it is empty is told already.
            Kind::Pattern { .. } | Kind::Format { .. }
                if is_empty_text(error) && has_fault(faults, pointer) => {}
            kind => {
                let (code, detail) = describe(kind, error.instance());
                let fault = Fault::body(pointer, code, detail);
                if !faults.iter().any(|known| known.at == fault.at && known.code == fault.code) {
                    faults.push(fault);
                }
            }
        }
    }

    /// The property names of the schema whose keyword is at `path`.
    fn properties(&self, path: &str) -> Vec<String> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let object = self.schema.pointer(parent).and_then(|schema| schema["properties"].as_object());
        object.map(|object| object.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Where an error lies, its keys cut to a length that may be shown.
fn pointer_of(error: &ValidationError<'_>) -> String {
    let segments = error.instance_path().as_str().split('/').map(truncate_key);
    segments.collect::<Vec<_>>().join("/")
}

/// Whether a fault is of the field `key` of a body, or of a part of it.
fn lies_in(fault: &Fault, key: &str) -> bool {
    let At::Pointer(pointer) = &fault.at else { return false };
    let rest = pointer.strip_prefix('/').and_then(|pointer| pointer.strip_prefix(escape(key).as_str()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn wants_null(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Type { kind } if types_of(kind).contains(JsonType::Null))
}

fn is_empty_text(error: &ValidationError<'_>) -> bool {
    error.instance().as_str().is_some_and(str::is_empty)
}

/// Whether a fault of this place was found.
fn has_fault(faults: &[Fault], pointer: &str) -> bool {
    faults.iter().any(|fault| matches!(&fault.at, At::Pointer(known) if known == pointer))
}

/// A fault in words. Never repeats the value: it may be long, or a secret.
fn describe(kind: &Kind, value: &Value) -> (Code, Sentence) {
    let with = |code, detail: &str, name, limit: Value| (code, Sentence::from(detail).with(name, limit));
    let max = |code, detail, limit: Value| with(code, detail, "max", limit);
    let min = |code, detail, limit: Value| with(code, detail, "min", limit);
    match kind {
        Kind::Type { kind } => {
            let sentence = Sentence::from("must be {expected}, not {found}");
            (Code::WrongType, sentence.with("expected", list_types(kind)).with("found", type_of(value)))
        }
        Kind::MaxLength { limit } => {
            max(Code::TooLong, "must have at most {max} characters", (*limit).into())
        }
        Kind::MaxItems { limit } => max(Code::TooLong, "must have at most {max} items", (*limit).into()),
        Kind::MaxProperties { limit } => max(Code::TooLong, "must have at most {max} keys", (*limit).into()),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } => {
            (Code::TooShort, Sentence::from("must not be empty").with("min", 1))
        }
        Kind::MinLength { limit } => {
            min(Code::TooShort, "must have at least {min} characters", (*limit).into())
        }
        Kind::MinItems { limit } => min(Code::TooShort, "must have at least {min} items", (*limit).into()),
        Kind::MinProperties { limit } => {
            min(Code::TooShort, "must have at least {min} keys", (*limit).into())
        }
        Kind::Minimum { limit } => min(Code::OutOfRange, "must be at least {min}", limit.clone()),
        Kind::Maximum { limit } => max(Code::OutOfRange, "must be at most {max}", limit.clone()),
        Kind::Enum { options } => describe_enum(options, value),
        Kind::Pattern { pattern } if pattern == NOT_BLANK => (Code::TooShort, "must not be blank".into()),
        Kind::Pattern { pattern } => (Code::InvalidFormat, describe_pattern(pattern).into()),
        Kind::Format { format } => (Code::InvalidFormat, describe_format(format).into()),
        _ => (Code::InvalidFormat, "is not valid".into()),
    }
}

fn describe_enum(options: &Value, value: &Value) -> (Code, Sentence) {
    let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let nearest = value.as_str().and_then(|given| find_nearest(given, options.iter().copied()));
    let sentence = Sentence::from("must be one of {options}").with("options", options.clone());
    (Code::UnknownValue, sentence.suggest(nearest))
}

/// The types that a schema allows.
fn types_of(kind: &TypeKind) -> JsonTypeSet {
    match kind {
        TypeKind::Single(one) => (*one).into(),
        TypeKind::Multiple(many) => *many,
    }
}

/// The types that a schema allows, in words.
fn list_types(kind: &TypeKind) -> String {
    let mut names: Vec<&str> = types_of(kind).iter().map(|one| one.as_str()).collect();
    names.sort_unstable();
    names.join(" or ")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The one of `known` that is near to `given`, if there is one.
pub fn find_nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let given: String = given.chars().take(64).collect();
    known
        .map(|name| (strsim::jaro_winkler(&given, name), name))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code and the words of the faults of `value` under `schema`.
    fn faults(schema: Value, value: &Value) -> Vec<(Code, String)> {
        let checker = Checker::new(schema, serde_json::Map::new()).unwrap();
        checker.faults(value).into_iter().map(|fault| (fault.code, fault.sentence())).collect()
    }

    #[test]
    fn a_wrong_type_is_told_by_the_types_that_are_allowed() {
        for (types, value, words) in [
            (json!("string"), json!(7), "must be string, not number"),
            (json!("integer"), json!("7"), "must be integer, not string"),
            (json!(["string", "null"]), json!([]), "must be null or string, not array"),
            (
                json!(["integer", "boolean", "array"]),
                json!({}),
                "must be array or boolean or integer, not object",
            ),
            (json!("object"), json!(null), "must be object, not null"),
        ] {
            assert_eq!(faults(json!({"type": types}), &value), [(Code::WrongType, words.to_owned())]);
        }
    }

    #[test]
    fn a_mended_body_has_no_faulty_field_and_all_required_ones() {
        let text = json!({"type": "string"});
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["a", "b"],
            "properties": {"a": text, "b": text, "c/d": {"type": "array", "items": text}, "e": text},
            "example": {"a": "example", "b": "example", "e": "example"}});
        let checker = Checker::new(schema, serde_json::Map::new()).unwrap();
        let value = json!({"a": 1, "c/d": ["x", 2], "e": "kept", "f": "unknown"});
        let faults = checker.faults(&value);
        assert_eq!(faults.len(), 4, "{faults:?}");
        let mended = checker.mend(&value, &faults).unwrap();
        assert_eq!(mended, json!({"a": "example", "b": "example", "e": "kept"}));
        assert_eq!(checker.mend(&json!([]), &[]), None);
    }

    #[test]
    fn of_null_or_a_thing_the_faults_of_the_thing_are_told() {
        let thing =
            json!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
        for schema in
            [json!({"oneOf": [{"type": "null"}, thing]}), json!({"oneOf": [thing, {"type": "null"}]})]
        {
            assert_eq!(faults(schema, &json!({})), [(Code::MissingField, "is required".to_owned())]);
        }
    }
}
