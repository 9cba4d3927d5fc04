//! Parameters of query strings, checked against the schemas that the OpenAPI document publishes.

use std::any::TypeId;
use std::sync::Arc;

use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use super::pointer::MAX_FAULTS;
use super::query_string::{decode_pairs, encode, join_lists};
use super::schema::{Checker, Compiled, compiled, find_nearest};
use crate::error::{At, Code, Error, Fault, Result};
use crate::operations::table::Endpoint;

/// Rows that page numbers reach.
pub const MAX_NUMBERED_ROWS: i64 = 10_000;
/// Rows of a page that names no size.
pub const DEFAULT_PAGE_SIZE: i64 = 20;
/// Characters of an unknown parameter that a fault shows.
const MAX_NAME_CHARS: usize = 64;

/// A query string that has no fault.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// The names and values, each name once, in the order of the names, lists joined by commas.
    pub pairs: Vec<(String, String)>,
    /// The values by the types that the schemas name.
    pub values: Map<String, Value>,
}

impl Parameters {
    /// Writes them as a query string: one way for all ways in which they can be sent.
    pub fn to_query(&self) -> String {
        let pair = |(name, value): &(String, String)| format!("{}={}", encode(name), encode(value));
        self.pairs.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}

/// The parameters that a query string may have, each with its checker.
pub struct KnownParameters {
    checkers: Vec<(String, Checker)>,
    /// Whether they choose a page of a list.
    are_of_pages: bool,
}

impl KnownParameters {
    /// The parameters of an operation.
    pub fn of_endpoint(endpoint: &Endpoint) -> Result<Arc<Self>> {
        static KNOWN: Compiled<&'static str, KnownParameters> = Compiled::new(Default::default);
        compiled(&KNOWN, endpoint.operation.id, || {
            let schemas = endpoint.parameters.iter().map(|one| (one.name.clone(), one.schema.clone()));
            Self::new(schemas, endpoint.operation.is_paged)
        })
    }

    /// The parameters that a type names.
    pub fn of_type<T: IntoParams + 'static>() -> Result<Arc<Self>> {
        static KNOWN: Compiled<TypeId, KnownParameters> = Compiled::new(Default::default);
        compiled(&KNOWN, TypeId::of::<T>(), || {
            let parameters = T::into_params(|| Some(ParameterIn::Query)).into_iter();
            let schemas = parameters.filter_map(|one| Some((one.name, serde_json::to_value(one.schema?))));
            let schemas: Result<Vec<_>, _> = schemas.map(|(name, schema)| Ok((name, schema?))).collect();
            Self::new(schemas.map_err(|cause: serde_json::Error| Error::Internal(cause.into()))?, false)
        })
    }

    fn new(schemas: impl IntoIterator<Item = (String, Value)>, are_of_pages: bool) -> Result<Self> {
        let checkers =
            schemas.into_iter().map(|(name, schema)| Ok((name, Checker::new(schema, Map::new())?)));
        Ok(Self { checkers: checkers.collect::<Result<_>>()?, are_of_pages })
    }

    /// Reads a query string. Tells all its faults at once: unknown and repeated parameters, values that
    /// their schemas refuse, and pages that there cannot be. A repeated parameter has no other fault.
    pub fn read(&self, query: &str) -> Result<Parameters> {
        let is_single = |name: &str| self.find(name).is_some_and(|checker| !checker.is_list());
        let (mut pairs, mut faults) = join_lists(decode_pairs(query)?, is_single);
        let mut values = Map::new();
        for (name, text) in &pairs {
            let Some(checker) = self.find(name) else {
                faults.push(self.unknown(name));
                continue;
            };
            if faults.iter().any(|fault| fault.at == At::Parameter(name.clone())) {
                continue;
            }
            let value = coerce(checker, text);
            let wrong = checker.faults(&value);
            if wrong.is_empty() {
                values.insert(name.clone(), value);
            }
            let (at, code) = (At::Parameter(name.clone()), Code::InvalidParameter);
            faults.extend(wrong.into_iter().map(|fault| Fault { at: at.clone(), code, ..fault }));
        }
        if self.are_of_pages {
            let is_size_known =
                values.contains_key("page_size") || pairs.iter().all(|(name, _)| name != "page_size");
            faults.extend(check_page(&values, is_size_known));
        }
        faults.truncate(MAX_FAULTS);
        Error::parameters(faults)?;
        pairs.sort_unstable();
        Ok(Parameters { pairs, values })
    }

    fn find(&self, name: &str) -> Option<&Checker> {
        self.checkers.iter().find(|(known, _)| known == name).map(|(_, checker)| checker)
    }

    fn unknown(&self, name: &str) -> Fault {
        let nearest = find_nearest(name, self.checkers.iter().map(|(known, _)| known.as_str()));
        let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
        Fault::parameter(shown, Code::UnknownParameter, "this operation has no such parameter")
            .suggest(nearest)
    }
}

/// What is wrong with a page that is named both by number and by cursor, or by a number that is too high. Where the size
/// of a page is not known, it is taken as the smallest.
fn check_page(values: &Map<String, Value>, is_size_known: bool) -> Option<Fault> {
    let page = values.get("page").and_then(Value::as_i64)?;
    if values.contains_key("cursor") {
        return Some(Fault::parameter("page", Code::InvalidParameter, "cannot go together with cursor"));
    }
    let default = if is_size_known { DEFAULT_PAGE_SIZE } else { 1 };
    let size = values.get("page_size").and_then(Value::as_i64).unwrap_or(default);
    let is_too_deep = page.checked_mul(size).is_none_or(|last| last > MAX_NUMBERED_ROWS);
    is_too_deep.then(|| {
        let detail = "page numbers reach the first {max} rows; use `page.next_cursor` to go on";
        Fault::parameter("page", Code::PageTooDeep, detail).with("max", MAX_NUMBERED_ROWS)
    })
}

/// The text as the type its schema names; text that is not of that type stays text and fails the check.
fn coerce(checker: &Checker, text: &str) -> Value {
    let types = checker.types();
    if types.contains(&"integer")
        && let Ok(number) = text.parse::<i64>()
        && !text.starts_with('+')
    {
        return number.into();
    }
    match text {
        "true" if types.contains(&"boolean") => Value::Bool(true),
        "false" if types.contains(&"boolean") => Value::Bool(false),
        _ if checker.is_list() => text.split(',').map(str::to_owned).collect(),
        _ => Value::String(text.to_owned()),
    }
}
