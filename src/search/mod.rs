//! How articles and notices are found by their words.
//!
//! A follower of the change log keeps an index of both in this process ([`follower`]). Lists take `q`, and ask the index
//! which articles or notices have the words ([`finding`]); the rows come from the database, under the same conditions as
//! any other list. So an index that lags behind can hide a hit for a moment, and never shows what may not be seen.

pub mod documents;
pub mod filters;
pub mod finding;
mod folder;
pub mod follower;
pub mod highlights;
pub mod labels;
pub mod queries;
pub mod shown;

use crate::error::{Code, Fault};
use crate::index::{Query, QueryFault};

/// The tag of answers that the index had a part in.
pub const SEARCH_TAG: &str = "search";

/// Parses what is searched for.
pub fn parse_query(text: &str) -> Result<Query, Fault> {
    Query::parse(text).map_err(|fault| {
        let (detail, most) = match fault {
            QueryFault::Nothing => ("has nothing to search for", None),
            QueryFault::OnlyExclusions => ("has only excluded words; add one to search for", None),
            QueryFault::TooManyWords => ("has more than {max} words", Some(crate::index::query::MAX_WORDS)),
            QueryFault::TooLong => ("is longer than {max} characters", Some(crate::index::query::MAX_CHARS)),
        };
        let fault = Fault::parameter("q", Code::InvalidParameter, detail);
        match most {
            Some(most) => fault.with("max", most),
            None => fault,
        }
    })
}
