//! Named bytes, kept durably in a local folder or in an S3-compatible store.
//!
//! [`Store`] is one of both behind one interface. An object is complete or absent: no reader ever sees a part of one.
//! Names are meant to tell the contents (a hash of them), so an object is not replaced by other bytes of its size.
//! [`Spool`] receives bytes of unknown size into a temporary file, hashes them, and hands them over to a store.

mod error;
mod limits;
mod local;
mod name;
mod outcome;
mod private_folder;
mod reader;
mod s3;
mod settings;
mod spool;
mod store;
mod temporary;
#[cfg(test)]
mod tests;

pub use error::{Result, StoreError};
pub use limits::Limits;
pub use name::{InvalidName, ObjectName};
pub use outcome::PutOutcome;
pub use reader::{ObjectEntry, ObjectList, ObjectReader};
pub use settings::{Addressing, InvalidSettings, S3Options, S3Settings, Secret, StoreSettings};
pub use spool::{Spool, Spooled};
pub use store::Store;
pub use temporary::remove_stale_files;
