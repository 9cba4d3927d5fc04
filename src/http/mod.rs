//! What all endpoints share: bodies, parameters, paging, conditional requests, answers.

pub mod body;
pub mod client;
pub mod conditional;
pub mod json;
pub mod key;
pub mod paging;
pub mod patch;
pub mod prose;
pub mod query;
pub mod reply;
pub mod schema;
