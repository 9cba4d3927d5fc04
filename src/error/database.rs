//! What the database's errors mean to the caller.

use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};

use super::{Error, Fault, Result};

impl From<DieselError> for Error {
    fn from(cause: DieselError) -> Self {
        match &cause {
            DieselError::NotFound => Self::not_found(),
            DieselError::DatabaseError(kind, info) => match kind {
                // `db::fault` sorts by SQLSTATE, and says how these two are meant.
                Kind::SerializationFailure => Self::Contended(format!("database: {}", info.message())),
                Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction => {
                    Self::Unavailable(format!("database: {}", info.message()))
                }
                _ => Self::Internal(anyhow::Error::new(cause)),
            },
            _ => Self::Internal(anyhow::Error::new(cause)),
        }
    }
}

/// Whether trying the same transaction again can succeed: it lost against another one.
pub fn is_worth_retrying(error: &Error) -> bool {
    matches!(error, Error::Contended(_))
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
