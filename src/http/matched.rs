//! What a request was matched to: its operation, and its parameters.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::{HttpMessage, HttpRequest};

use super::pointer::MAX_FAULTS;
use super::query_string::{decode_pairs, join_lists};
use super::schema::find_nearest;
use crate::error::{Code, Error, Fault, Result};
use crate::operations::Operation;
use crate::operations::table::{Endpoint, Table, Target};

/// Characters of an unknown parameter that a fault shows.
const MAX_NAME_CHARS: usize = 64;

/// The operation of a request and its decoded parameters. Found once, before any handler runs.
#[derive(Clone, Debug)]
pub struct Matched {
    /// The operation, at its place in the API.
    pub endpoint: Arc<Endpoint>,
    /// The names and values of the query string, each name once, lists joined by commas.
    pub query: Arc<Vec<(String, String)>>,
}

impl Matched {
    /// Matches a request; `None` for a page beside the API.
    ///
    /// Refuses what no operation takes: 404 for an unknown path, 405 for another method, 406 if
    /// the client accepts none of the answers, 400 for unknown parameters.
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
        let query = match endpoint.operation.is_api {
            true => {
                let is_single =
                    |name: &str| endpoint.parameters.iter().any(|one| one.name == name && !one.is_list);
                let query = join_lists(decode_pairs(query)?, is_single)?;
                check_accept(&endpoint, headers)?;
                check_parameters(&endpoint, &query)?;
                query
            }
            // Monitors may add what they like.
            false => Vec::new(),
        };
        Ok(Some(Self { endpoint, query: Arc::new(query) }))
    }

    /// What this request was matched to.
    pub fn of(req: &HttpRequest) -> Result<Self> {
        let matched = req.extensions().get::<Self>().cloned();
        matched.ok_or_else(|| Error::Internal(anyhow::anyhow!("{} was not matched", req.path())))
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

fn check_parameters(endpoint: &Endpoint, query: &[(String, String)]) -> Result<()> {
    let known = || endpoint.parameters.iter().map(|parameter| parameter.name.as_str());
    let unknown = query.iter().filter(|(name, _)| known().all(|known| known != name));
    let faults = unknown.map(|(name, _)| {
        let nearest = find_nearest(name, known());
        let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
        Fault::parameter(shown, Code::UnknownParameter, "this operation has no such parameter")
            .suggest(nearest)
    });
    Error::parameters(faults.take(MAX_FAULTS).collect())
}
