//! Readers for exports of other systems and for saved pages. Each turns articles into import rows.

pub mod dates;
pub mod found;
mod ghost;
pub mod notes;
mod page;
pub mod reader;
pub mod reader_options;
mod row_builder;
#[cfg(test)]
mod tests;
mod wordpress;
