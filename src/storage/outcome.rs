//! The outcome of a put, which both kinds of store tell.

/// What a put found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object was written.
    Created,
    /// An object of this name and size was there. It was left as it is.
    Existed,
}
