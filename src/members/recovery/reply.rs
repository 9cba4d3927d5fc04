//! The reply to requests whose result comes by mail.

use actix_web::http::StatusCode;

use super::view::Accepted;
use crate::http::reply::{Data, Reply};

/// Returns 202 with one body for all cases, so that it does not tell whether the account exists.
pub fn accepted_response() -> Reply<Data<Accepted>> {
    Reply::new(StatusCode::ACCEPTED, Data { data: Accepted { status: "accepted" } })
}
