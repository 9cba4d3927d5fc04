//! The parameters of a request, as a type.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::matched::Matched;
use super::parameters::KnownParameters;
use crate::error::{Code, Error, Result, Sentence};

/// The parameters `T` of a request's query string.
///
/// The whole query string was checked when the request was matched. An operation may take several `Query`s, each of
/// which takes its own parameters from it.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Matched::of(req).and_then(|matched| to_type(&matched.parameters.values)).map(Self))
    }
}

/// The parameters `T` of a query string; 400 for what they cannot be.
pub fn read<T: DeserializeOwned + IntoParams + 'static>(query: &str) -> Result<T> {
    to_type(&KnownParameters::of_type::<T>()?.read(query)?.values)
}

fn to_type<T: DeserializeOwned>(values: &Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(values.clone())).map_err(|cause| {
        // The schema let through what the type does not take: our fault, yet the client must know.
        tracing::warn!(parameters = std::any::type_name::<T>(), %cause, "A schema is wider than its type");
        Error::Refused(Code::InvalidParameter, Sentence::from("A parameter is not valid."))
    })
}
