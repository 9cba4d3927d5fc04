//! Throttles: attempts are counted in the database, so that all processes count together.
//!
//! A rule gives some attempts for free within its window. After these, each
//! attempt must wait twice as long as the one before, up to a limit. Nobody is
//! locked out for good: a window without attempts resets the count.

pub mod headers;
pub mod model;
pub mod queries;
pub mod writing;
