//! Webhooks: servers that are told what has changed, by Standard Webhooks 1.0.0 (<https://www.standardwebhooks.com>).
//!
//! The feed as visitors see it is read page by page ([`enqueuing`]). In one transaction, a page becomes deliveries, and the
//! position moves: each event is enqueued once. Each webhook has a lane ([`lanes`]): one process at a time holds it, and
//! sends one delivery after another. A delivery that fails is tried again ([`schedule`]), and holds up those behind it for
//! half an hour at most. What a try comes to is logged for 30 days. A webhook's secrets follow from the secret of the site
//! ([`signing`]), so that none is stored.

pub mod changing;
pub mod deliveries;
pub mod enqueuing;
pub mod events;
pub mod handlers;
mod input;
pub mod lanes;
pub mod model;
pub mod queries;
pub mod schedule;
pub mod sending;
pub mod signing;
mod telling;
pub mod view;
pub mod worker;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    handlers::LIST_WEBHOOKS,
    handlers::CREATE_WEBHOOK,
    handlers::GET_WEBHOOK,
    handlers::UPDATE_WEBHOOK,
    handlers::DELETE_WEBHOOK,
    handlers::ROTATE_WEBHOOK_SECRET,
    deliveries::LIST_DELIVERIES,
    deliveries::TEST_WEBHOOK,
    deliveries::REPLAY_DELIVERIES,
];

/// The routes under `/webhooks`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::list_webhooks)
        .service(handlers::create_webhook)
        .service(handlers::get_webhook)
        .service(handlers::update_webhook)
        .service(handlers::delete_webhook)
        .service(handlers::rotate_webhook_secret)
        .service(deliveries::list_deliveries)
        .service(deliveries::test_webhook)
        .service(deliveries::replay_deliveries);
}
