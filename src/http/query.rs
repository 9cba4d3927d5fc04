//! Query strings, checked against the parameters that the OpenAPI document publishes.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, dev};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use super::schema::{Checker, Compiled, compiled};
use crate::error::{Code, Error, Fault, Result};

/// The parameters `T` of a request's query string.
///
/// Lists are comma-separated. Names that no parameter of the operation has are
/// refused before routing (`server`), since an operation may take several `Query`s.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + IntoParams + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(read(req.query_string()).map(Self))
    }
}

/// The parameters `T` of a query string; 400 for what they cannot be.
pub fn read<T: DeserializeOwned + IntoParams + 'static>(query: &str) -> Result<T> {
    parse(&pairs(query)?)
}

/// Parameters a query string may have; no operation knows half as many.
const MOST_PARAMETERS: usize = 64;

/// The decoded names and values of a query string, in order.
///
/// Fails with 400 on percent-encoding that is not UTF-8, on NUL, and on a name given twice.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>> {
    if query.split('&').nth(MOST_PARAMETERS).is_some() {
        let detail = format!("A query string may have at most {MOST_PARAMETERS} parameters.");
        return Err(Error::Refused(Code::BadRequest, detail));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        let value = decode(value)?;
        if pairs.iter().any(|(known, _)| *known == name) {
            let fault = Fault::parameter(
                name,
                Code::RepeatedParameter,
                "is given more than once; separate values by commas",
            );
            return Err(Error::Faults(Code::RepeatedParameter, vec![fault]));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn decode(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) if !decoded.contains('\0') => Ok(decoded.into_owned()),
        _ => Err(Error::Refused(
            Code::BadRequest,
            "The query string is not percent-encoded UTF-8 without NUL.".to_owned(),
        )),
    }
}

fn parse<T: DeserializeOwned + IntoParams + 'static>(pairs: &[(String, String)]) -> Result<T> {
    let known = checkers::<T>()?;
    let mut object = Map::new();
    let mut faults = Vec::new();
    for (name, text) in pairs {
        let Some((_, checker)) = known.iter().find(|(known, _)| known == name) else { continue };
        let value = coerce(checker, text);
        let wrong = checker.faults(&value).into_iter();
        faults.extend(wrong.map(|fault| Fault::parameter(name, Code::InvalidParameter, fault.detail)));
        object.insert(name.clone(), value);
    }
    Error::parameters(faults)?;
    serde_json::from_value(Value::Object(object)).map_err(|cause| {
        Error::Refused(Code::InvalidParameter, format!("A parameter is not valid: {cause}."))
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
        _ if types.contains(&"array") => text.split(',').map(str::to_owned).collect(),
        _ => Value::String(text.to_owned()),
    }
}
