//! How Inkstone reaches other people's servers: only public ones, politely, and never for longer than it was told to.
//! It knows no feature and no database.
//!
//! An address that somebody else chose (a picture in an imported body, a webhook) could lead into the network of the
//! machine itself. [`guard`] decides which URLs and which IP addresses may be reached. [`client`] connects to exactly
//! those IP addresses that were judged, so that a name that changes its answer gains nothing. [`download`] reads a body
//! with bounds on its size, time and speed. [`polite`] does that for many addresses without being a burden to a host.

pub mod client;
pub mod download;
pub mod error;
pub mod guard;
pub mod lookup;
pub mod networks;
pub mod polite;

mod causes;
mod hosts;
#[cfg(test)]
mod tests;
