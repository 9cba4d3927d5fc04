//! Verifying emails and resetting passwords, by tokens that are sent by mail.

pub mod handlers;
pub mod queries;
pub mod reply;
pub mod view;
pub mod writing;
