//! Faults of PostgreSQL, sorted by their SQLSTATE (PostgreSQL manual, appendix A).

use std::error::Error as _;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind as Kind, Error as DieselError};
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

/// The error as diesel has it, its kind taken from the SQLSTATE.
///
/// Two of diesel's kinds are taken more widely than their names say, since
/// diesel has none that fits better: `SerializationFailure` is every loss
/// against another transaction, `ClosedConnection` every fault that passes by
/// itself.
pub fn diesel_error(cause: tokio_postgres::Error) -> DieselError {
    match cause.source().and_then(|source| source.downcast_ref::<DbError>()) {
        Some(fault) => {
            DieselError::DatabaseError(error_kind(fault.code()), Box::new(ServerFault(fault.clone())))
        }
        None => DieselError::DatabaseError(Kind::UnableToSendCommand, Box::new(cause.to_string())),
    }
}

fn error_kind(state: &SqlState) -> Kind {
    match *state {
        SqlState::UNIQUE_VIOLATION => Kind::UniqueViolation,
        SqlState::FOREIGN_KEY_VIOLATION => Kind::ForeignKeyViolation,
        SqlState::NOT_NULL_VIOLATION => Kind::NotNullViolation,
        SqlState::CHECK_VIOLATION => Kind::CheckViolation,
        SqlState::RESTRICT_VIOLATION => Kind::RestrictViolation,
        SqlState::EXCLUSION_VIOLATION => Kind::ExclusionViolation,
        SqlState::READ_ONLY_SQL_TRANSACTION => Kind::ReadOnlyTransaction,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Kind::SerializationFailure,
        _ if is_transient(state) => Kind::ClosedConnection,
        _ => Kind::Unknown,
    }
}

/// Whether the fault passes by itself: the server is away, starting, stopping or full, or made us wait too long.
fn is_transient(state: &SqlState) -> bool {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    const IO_ERROR: &str = "58030";
    // 08: connection exception. 53: insufficient resources. 57: operator intervention.
    let class = state.code().get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57") || matches!(state.code(), LOCK_NOT_AVAILABLE | IO_ERROR)
}

/// The error as a loss against another transaction: the same work, done again, can succeed.
pub fn lost_race(cause: tokio_postgres::Error) -> DieselError {
    match diesel_error(cause) {
        DieselError::DatabaseError(_, info) => DieselError::DatabaseError(Kind::SerializationFailure, info),
        other => other,
    }
}

/// Whether a prepared statement is no longer what it was: the tables have changed below it
/// (feature_not_supported: "cached plan must not change result type"), or the server has forgotten it.
pub fn is_outdated_statement(cause: &tokio_postgres::Error) -> bool {
    cause.code().is_some_and(|state| {
        *state == SqlState::FEATURE_NOT_SUPPORTED || *state == SqlState::INVALID_SQL_STATEMENT_NAME
    })
}

struct ServerFault(DbError);

impl DatabaseErrorInformation for ServerFault {
    fn message(&self) -> &str {
        self.0.message()
    }

    fn details(&self) -> Option<&str> {
        self.0.detail()
    }

    fn hint(&self) -> Option<&str> {
        self.0.hint()
    }

    fn table_name(&self) -> Option<&str> {
        self.0.table()
    }

    fn column_name(&self) -> Option<&str> {
        self.0.column()
    }

    fn constraint_name(&self) -> Option<&str> {
        self.0.constraint()
    }

    fn statement_position(&self) -> Option<i32> {
        match self.0.position()? {
            ErrorPosition::Original(at) | ErrorPosition::Internal { position: at, .. } => {
                (*at).try_into().ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_race_is_told_from_a_fault_that_passes_and_from_one_of_ours() {
        for (state, wanted) in [
            ("40001", Kind::SerializationFailure),
            ("40P01", Kind::SerializationFailure),
            ("57014", Kind::ClosedConnection),
            ("57P01", Kind::ClosedConnection),
            ("53300", Kind::ClosedConnection),
            ("53100", Kind::ClosedConnection),
            ("55P03", Kind::ClosedConnection),
            ("08006", Kind::ClosedConnection),
            ("25006", Kind::ReadOnlyTransaction),
            ("42601", Kind::Unknown),
            ("22021", Kind::Unknown),
        ] {
            let found = error_kind(&SqlState::from_code(state));
            assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{state}");
        }
    }
}
