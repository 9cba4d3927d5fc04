//! Notices (通知) and announcements (公告).
//!
//! A notice is up from `published_at` to `expires_at`, for everybody or for
//! members only. Pinned ones come first.

pub mod answer_tags;
pub mod handlers;
pub mod input;
pub mod model;
pub mod queries;
pub mod reading;
pub mod searching;
pub mod view;
pub mod writing;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    reading::LIST_NOTICES,
    reading::GET_NOTICE,
    handlers::CREATE_NOTICE,
    handlers::UPDATE_NOTICE,
    handlers::DELETE_NOTICE,
    handlers::RESTORE_NOTICE,
];

/// The routes under `/notices`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/notices")
            .service(reading::list_notices)
            .service(handlers::create_notice)
            .service(reading::get_notice)
            .service(handlers::update_notice)
            .service(handlers::delete_notice)
            .service(handlers::restore_notice),
    );
}
