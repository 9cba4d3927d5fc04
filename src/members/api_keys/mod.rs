//! API keys: credentials of scripts. A key has scopes and no role, belongs to
//! the admin who made it, and dies with that admin's rights.

pub mod handlers;
pub mod queries;
pub mod scope;
pub mod secret;
pub mod view;
pub mod writing;
