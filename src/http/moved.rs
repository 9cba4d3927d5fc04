//! Answers that lead to another address.

use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::reply::{Keeping, MAX_LIFETIME, SURROGATE_KEY, cache_control};
use crate::cache::tags::{Tag, write_surrogate_keys};

/// 301: the thing is at another path.
pub struct Moved {
    /// Its path, with the query.
    pub location: String,
    /// What the thing is kept under: a change of it makes the answer stale.
    pub tag: Tag,
    /// Whether a visitor gets the same.
    pub is_as_visitors_get: bool,
    /// For how long it stays right, if nothing changes. `None`: it is not kept.
    pub lifetime: Option<Duration>,
}

impl Responder for Moved {
    type Body = BoxBody;

    fn respond_to(self, req: &HttpRequest) -> HttpResponse {
        let keys = write_surrogate_keys(std::slice::from_ref(&self.tag));
        let mut response = HttpResponse::MovedPermanently()
            .insert_header((header::CACHE_CONTROL, cache_control(req, true, self.is_as_visitors_get)))
            .insert_header((header::LOCATION, self.location))
            .insert_header((SURROGATE_KEY, keys))
            .finish();
        if let Some(lifetime) = self.lifetime {
            response
                .extensions_mut()
                .insert(Keeping { tags: vec![self.tag], lifetime: lifetime.min(MAX_LIFETIME) });
        }
        response
    }
}
