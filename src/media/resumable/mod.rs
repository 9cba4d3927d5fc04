//! Uploads that arrive in parts and survive a lost connection: tus 1.0 (<https://tus.io/protocols/resumable-upload>).
//!
//! What has arrived of an upload is kept in the store as parts of some megabytes, so that any process can go on with it.
//! When all has arrived, the parts become a file like any other, and the upload says which media it has become.

pub mod checksum;
pub mod handlers;
pub mod headers;
pub mod turns;
pub mod writing;
