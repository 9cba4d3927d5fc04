//! Character sets: which one a text is in, and its conversion to UTF-8.

pub mod choice;
pub mod declared;
pub mod decoder;
pub mod guess;
pub mod marks;
pub mod page;
mod utf8_scan;
