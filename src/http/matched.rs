//! What a request was matched to: its operation, and its parameters.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::{HttpMessage, HttpRequest};

use super::parameters::{KnownParameters, Parameters};
use crate::error::{Code, Error, Result};
use crate::operations::Operation;
use crate::operations::table::{Endpoint, Table, Target};

/// The operation of a request and its parameters. Found once, before any handler runs.
#[derive(Clone, Debug)]
pub struct Matched {
    /// The operation, at its place in the API.
    pub endpoint: Arc<Endpoint>,
    /// The parameters of its query string.
    pub parameters: Arc<Parameters>,
}

impl Matched {
    /// Matches a request; `None` for a page beside the API.
    ///
    /// Refuses what no operation takes: 404 for an unknown path, 405 for another method, 406 if
    /// the client accepts none of the answers, 400 for a query string with faults.
    pub fn find(
        table: &Table,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Option<Self>> {
        let endpoint = match table.find(method, path)? {
            Target::Page => return Ok(None),
            Target::Endpoint(endpoint) => endpoint,
        };
        let parameters = match endpoint.operation.is_api {
            true => {
                if !endpoint.operation.is_file {
                    check_accept(&endpoint, headers)?;
                }
                KnownParameters::of_endpoint(&endpoint)?.read(query)?
            }
            // Monitors may add what they like.
            false => Parameters::default(),
        };
        Ok(Some(Self { endpoint, parameters: Arc::new(parameters) }))
    }

    /// What this request was matched to.
    pub fn of(req: &HttpRequest) -> Result<Self> {
        let matched = req.extensions().get::<Self>().cloned();
        matched.ok_or_else(|| Error::Internal(anyhow::anyhow!("{} was not matched", req.path())))
    }

    /// The place `path` with the query of this request.
    pub fn locate(&self, path: &str) -> String {
        match self.parameters.to_query() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// The entry of its operation.
    pub fn operation(&self) -> &Operation {
        &self.endpoint.operation
    }
}

fn check_accept(endpoint: &Endpoint, headers: &HeaderMap) -> Result<()> {
    let accept: Vec<&str> = headers.get_all(ACCEPT).filter_map(|accept| accept.to_str().ok()).collect();
    if accept.is_empty() || endpoint.suits(&accept.join(",")) {
        return Ok(());
    }
    Err(Error::Refused(Code::NotAcceptable, "The answer is application/json.".into()))
}
