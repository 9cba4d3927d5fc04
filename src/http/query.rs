//! Query strings, checked against the parameters that the OpenAPI document publishes.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, dev};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use super::matched::Matched;
use super::query_string::{decode_pairs, join_lists};
use super::schema::{Checker, Compiled, compiled};
use crate::error::{At, Code, Error, Fault, Result, Sentence};

/// The parameters `T` of a request's query string.
///
/// Lists are comma-separated, as [`join_lists`] has made them. Unknown names were refused when the request was matched: an
/// operation may take several `Query`s, each of which knows its own.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + IntoParams + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Matched::of(req).and_then(|matched| parse(&matched.query)).map(Self))
    }
}

/// The parameters `T` of a query string; 400 for what they cannot be.
pub fn read<T: DeserializeOwned + IntoParams + 'static>(query: &str) -> Result<T> {
    let known = checkers::<T>()?;
    let is_single = |name: &str| known.iter().any(|(known, checker)| known == name && !checker.is_list());
    parse(&join_lists(decode_pairs(query)?, is_single)?)
}

fn parse<T: DeserializeOwned + IntoParams + 'static>(pairs: &[(String, String)]) -> Result<T> {
    let known = checkers::<T>()?;
    let mut object = Map::new();
    let mut faults = Vec::new();
    for (name, text) in pairs {
        let Some((_, checker)) = known.iter().find(|(known, _)| known == name) else { continue };
        let value = coerce(checker, text);
        let wrong = checker.faults(&value).into_iter();
        let (at, code) = (At::Parameter(name.clone()), Code::InvalidParameter);
        faults.extend(wrong.map(|fault| Fault { at: at.clone(), code, ..fault }));
        object.insert(name.clone(), value);
    }
    Error::parameters(faults)?;
    serde_json::from_value(Value::Object(object)).map_err(|cause| {
        let detail = Sentence::from("A parameter is not valid: {reason}.");
        Error::Refused(Code::InvalidParameter, detail.with("reason", cause.to_string()))
    })
}

/// The parameters of `T`, each with its checker.
fn checkers<T: IntoParams + 'static>() -> Result<Arc<Vec<(String, Checker)>>> {
    static CHECKERS: Compiled<Vec<(String, Checker)>> = Compiled::new(Default::default);
    compiled::<T, _>(&CHECKERS, || {
        let parameters = T::into_params(|| Some(ParameterIn::Query)).into_iter();
        let with_schema = parameters.filter_map(|parameter| Some((parameter.name, parameter.schema?)));
        with_schema.map(|(name, schema)| Ok((name, Checker::new(&schema, Map::new())?))).collect()
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
