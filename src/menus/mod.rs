//! Menus: trees of links that staff edit and frontends show, each under a name.
//!
//! A link leads to a category, an article, a notice, or an address. It names things by their ids, so it follows them when
//! they are renamed. Readers do not see links to what they may not see.

pub mod handlers;
pub mod model;
pub mod queries;
pub mod resolving;
pub mod view;
pub mod writing;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] =
    &[handlers::LIST_MENUS, handlers::GET_MENU, handlers::PUT_MENU, handlers::DELETE_MENU];

/// The routes under `/site/menus`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(handlers::list_menus)
        .service(handlers::get_menu)
        .service(handlers::put_menu)
        .service(handlers::delete_menu);
}
