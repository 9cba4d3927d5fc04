//! Confirming addresses and recovering passwords, by tokens that come by mail.

pub mod handlers;
pub mod queries;
pub mod reply;
pub mod view;
pub mod writing;
