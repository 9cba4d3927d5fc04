//! API keys: credentials of scripts.
//!
//! A key has scopes and no role. It belongs to the admin who created it, and
//! stops working when that member is no longer an active admin.

pub mod handlers;
pub mod queries;
pub mod secret;
pub mod view;
pub mod writing;
