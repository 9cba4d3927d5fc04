//! Members: accounts, sessions, tokens, passwords, and the guards that check rights.
//!
//! A member is `active` or `suspended`, and has one of four roles. Each role
//! includes the rights of the roles before it: a member reads, an author writes
//! own drafts, an editor writes and publishes all content, an admin manages
//! members and the site. Role and status are read with the session on every
//! request, so a change takes effect at once.

pub mod api_keys;
pub mod attempts;
pub mod auth;
pub mod bootstrap;
pub mod credentials;
pub mod email;
pub mod guard;
pub mod handlers;
pub mod me;
pub mod model;
pub mod outbox;
pub mod passwords;
pub mod queries;
pub mod recovery;
pub mod secrets;
pub mod sessions;
pub mod tokens;
pub mod view;
pub mod writing;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::operations::Operation;

/// The entries of its operations.
pub const OPERATIONS: &[Operation] = &[
    auth::REGISTER_MEMBER,
    auth::LOGIN_MEMBER,
    auth::CHANGE_PASSWORD,
    auth::GET_JWKS,
    sessions::handlers::REFRESH_SESSION,
    sessions::handlers::LOGOUT_MEMBER,
    sessions::handlers::LIST_OWN_SESSIONS,
    sessions::handlers::END_OWN_SESSIONS,
    sessions::handlers::END_OWN_SESSION,
    sessions::handlers::LIST_MEMBER_SESSIONS,
    sessions::handlers::END_MEMBER_SESSIONS,
    recovery::handlers::REQUEST_PASSWORD_RESET,
    recovery::handlers::REQUEST_CONFIRMATION,
    recovery::handlers::RESET_PASSWORD,
    recovery::handlers::VERIFY_EMAIL,
    recovery::handlers::CHANGE_EMAIL,
    api_keys::handlers::LIST_API_KEYS,
    api_keys::handlers::CREATE_API_KEY,
    api_keys::handlers::DELETE_API_KEY,
    handlers::LIST_MEMBERS,
    handlers::CREATE_MEMBER,
    handlers::GET_MEMBER,
    handlers::UPDATE_MEMBER,
    handlers::DELETE_MEMBER,
    me::GET_OWN_PROFILE,
    me::UPDATE_OWN_PROFILE,
    me::DELETE_OWN_ACCOUNT,
    me::GET_OWN_DATA,
];

/// The routes under `/members` and `/auth`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        scope("/auth")
            .service(auth::register_member)
            .service(auth::login_member)
            .service(sessions::handlers::refresh_session)
            .service(sessions::handlers::logout_member)
            .service(auth::change_password)
            .service(recovery::handlers::request_password_reset)
            .service(recovery::handlers::reset_password)
            .service(recovery::handlers::verify_email)
            .service(recovery::handlers::request_confirmation)
            .service(recovery::handlers::change_email),
    );
    cfg.service(api_keys::handlers::list_api_keys)
        .service(api_keys::handlers::create_api_key)
        .service(api_keys::handlers::delete_api_key);
    cfg.service(
        scope("/members")
            .service(me::get_own_profile)
            .service(me::update_own_profile)
            .service(me::delete_own_account)
            .service(me::get_own_data)
            .service(sessions::handlers::list_own_sessions)
            .service(sessions::handlers::end_own_sessions)
            .service(sessions::handlers::end_own_session)
            .service(handlers::list_members)
            .service(handlers::create_member)
            .service(handlers::get_member)
            .service(handlers::update_member)
            .service(handlers::delete_member)
            .service(sessions::handlers::list_member_sessions)
            .service(sessions::handlers::end_member_sessions),
    );
}
