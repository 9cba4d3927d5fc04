//! What other systems export, and saved pages, read as rows.

mod dates;
mod ghost;
mod page;
pub mod reader;
mod row;
#[cfg(test)]
mod tests;
mod wordpress;
