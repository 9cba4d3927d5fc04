//! What the database's errors mean to the caller.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{Error, Fault, Result};

impl From<DieselError> for Error {
    fn from(cause: DieselError) -> Self {
        match &cause {
            DieselError::NotFound => Self::not_found(),
            DieselError::DatabaseError(kind, info) if is_passing(kind, info.message()) => {
                Self::Unavailable(format!("database: {}", info.message()))
            }
            DieselError::BrokenTransactionManager => {
                Self::Unavailable("database: connection lost".to_owned())
            }
            _ => Self::Internal(anyhow::Error::new(cause)),
        }
    }
}

/// Whether a fault of the database passes by itself: it is away, restarting,
/// read-only for now, full, or made us wait too long.
fn is_passing(kind: &DatabaseErrorKind, message: &str) -> bool {
    // diesel keeps no SQLSTATE of these. A server that speaks another language is warned of at the start.
    const PASSING: &[&str] = &[
        "terminating connection",
        "the database system is",
        "canceling statement due to",
        "deadlock detected",
        "too many clients",
        "remaining connection slots",
        "could not extend file",
        "No space left on device",
    ];
    match kind {
        DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::SerializationFailure
        | DatabaseErrorKind::ReadOnlyTransaction => true,
        _ => PASSING.iter().any(|passing| message.contains(passing)),
    }
}

/// Whether trying the same transaction again can succeed: it lost against another one.
pub fn is_worth_retrying(error: &Error) -> bool {
    matches!(error, Error::Unavailable(cause)
        if cause.contains("deadlock detected") || cause.contains("could not serialize"))
}

/// Turns a broken constraint into what the client did wrong.
pub trait OnConstraint<T> {
    /// When the constraint `name` is broken, fails with `fault` and its code's status.
    fn on_constraint(self, name: &str, fault: impl FnOnce() -> Fault) -> Result<T>;
}

impl<T, E: Into<Error> + AsDatabaseError> OnConstraint<T> for Result<T, E> {
    fn on_constraint(self, name: &str, fault: impl FnOnce() -> Fault) -> Result<T> {
        self.map_err(|error| {
            if error.constraint() == Some(name) {
                let fault = fault();
                Error::Faults(fault.code, vec![fault])
            } else {
                error.into()
            }
        })
    }
}

/// An error that may carry the name of a broken constraint.
pub trait AsDatabaseError {
    /// The constraint that was broken, if one was.
    fn constraint(&self) -> Option<&str>;
}

impl AsDatabaseError for DieselError {
    fn constraint(&self) -> Option<&str> {
        match self {
            Self::DatabaseError(_, info) => info.constraint_name(),
            _ => None,
        }
    }
}

impl AsDatabaseError for Error {
    fn constraint(&self) -> Option<&str> {
        match self {
            Self::Internal(cause) => cause.downcast_ref::<DieselError>()?.constraint(),
            _ => None,
        }
    }
}
