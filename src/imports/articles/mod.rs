//! Articles in bulk: rows are prepared on all cores, then written a batch at a time.

pub mod identity;
pub mod prepare;
pub mod queries;
pub mod row;
pub mod writing;
