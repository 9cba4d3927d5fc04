//! Readers for exports of other systems and for saved pages. Each turns articles into import rows.

mod dates;
mod ghost;
mod page;
pub mod reader;
mod row_builder;
#[cfg(test)]
mod tests;
mod wordpress;
