//! What all endpoints share: bodies, parameters, paging, conditional requests, answers.

pub mod accept;
pub mod body;
pub mod cached;
pub mod client;
pub mod conditional;
pub mod cross_origin;
pub mod encoding;
pub mod forms;
pub mod head;
pub mod id_or_slug;
pub mod json;
pub mod matched;
pub mod modified;
pub mod page_headers;
pub mod paging;
pub mod parameters;
pub mod patch;
pub mod pointer;
pub mod query;
pub mod query_string;
pub mod ready;
pub mod render_body;
pub mod reply;
pub mod schema;
pub mod tagged_body;
pub mod target;
