//! What can go wrong, sorted by what the caller can do about it.

use std::borrow::Cow;

use serde_json::{Map, Value};

mod code;
mod database;
mod problem;

pub use code::Code;
pub use database::{OnConstraint, is_worth_retrying};
pub use problem::{Problem, ProblemFault};

/// The result of everything that can be told to a client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in a request a fault lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// A JSON pointer into the body (RFC 6901).
    Pointer(String),
    /// A query parameter or header.
    Parameter(String),
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// What kind of fault.
    pub code: Code,
    /// What is wrong, for a person to read. `{name}` stands for a parameter.
    pub detail: Cow<'static, str>,
    /// What the sentence holds, by name.
    pub params: Vec<(&'static str, Value)>,
}

/// What a sentence holds, for programs: values by name.
pub type Params = Map<String, Value>;

impl Fault {
    /// A fault in the body, at `pointer`.
    pub fn body(pointer: impl Into<String>, code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { at: At::Pointer(pointer.into()), code, detail: detail.into(), params: Vec::new() }
    }

    /// A fault in the query string or a header.
    pub fn parameter(name: impl Into<String>, code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { at: At::Parameter(name.into()), code, detail: detail.into(), params: Vec::new() }
    }
}

impl Fault {
    /// The same with a parameter of its sentence.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    /// What the sentence holds, for programs.
    pub fn params(&self) -> Params {
        self.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// What is wrong, in words.
    pub fn sentence(&self) -> String {
        self.params.iter().fold(self.detail.to_string(), |sentence, (name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            sentence.replace(&format!("{{{name}}}"), &value)
        })
    }
}

/// Everything a handler can fail with.
#[derive(Debug)]
pub enum Error {
    /// Refused for one reason.
    Refused(Code, String),
    /// Refused for one or more places in the request; the status is that of the code.
    Faults(Code, Vec<Fault>),
    /// `If-Match` named another version than the current one.
    Stale {
        /// The version the thing has now.
        current: i32,
    },
    /// The path takes other methods: those in `allow`.
    MethodNotAllowed {
        /// For the `Allow` header.
        allow: String,
    },
    /// Too many attempts, by this rule; the next one is taken after so many seconds.
    Throttled {
        /// The rule's name.
        rule: &'static str,
        /// The attempts that the rule leaves free.
        free: i32,
        /// Seconds until the rule forgets an attempt.
        window: i32,
        /// Seconds to wait.
        wait: i32,
    },
    /// Overloaded, or the database is away.
    Unavailable(String),
    /// A change was being stored when the connection was lost, or did not end in time: it may have happened.
    OutcomeUnknown(String),
    /// Lost against another transaction: the same work, done again, can succeed. Answered as [`Error::Unavailable`].
    Contended(String),
    /// A fault of ours: shown as an empty 500, logged here and nowhere else.
    Internal(anyhow::Error),
}

impl Error {
    /// There is no such thing, or none that this caller may know of: always the same answer.
    pub fn not_found() -> Self {
        Self::Refused(Code::NotFound, "Not found.".to_owned())
    }

    /// Signed in, but without the right; `detail` says which right is needed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::Refused(Code::Forbidden, detail.into())
    }

    /// The credential is missing or not valid: one answer for every cause.
    pub fn unauthenticated() -> Self {
        Self::Refused(
            Code::Unauthenticated,
            "Send a valid access token as `Authorization: Bearer …`; POST /api/v1/auth/login gives one."
                .to_owned(),
        )
    }

    /// Faults in the query string; none is no error.
    pub fn parameters(faults: Vec<Fault>) -> Result<()> {
        Self::unless_empty(Code::InvalidParameter, faults)
    }

    /// Faults in the body; none is no error.
    pub fn body(faults: Vec<Fault>) -> Result<()> {
        Self::unless_empty(Code::InvalidBody, faults)
    }

    /// Both results, or the faults of both together.
    pub fn join<A, B>(one: Result<A>, other: Result<B>) -> Result<(A, B)> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(Self::Faults(_, mut faults)), Err(Self::Faults(_, more))) => {
                faults.extend(more);
                Err(Self::Faults(Code::InvalidBody, faults))
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// The error as faults of a thing that is one among many.
    pub fn into_faults(self) -> Result<Vec<Fault>> {
        match self {
            Self::Faults(_, faults) => Ok(faults),
            Self::Refused(code, detail) => Ok(vec![Fault::body("", code, detail)]),
            other => Err(other),
        }
    }

    fn unless_empty(mixed: Code, faults: Vec<Fault>) -> Result<()> {
        match faults.first() {
            None => Ok(()),
            Some(first) if faults.iter().all(|fault| fault.code == first.code) => {
                Err(Self::Faults(first.code, faults))
            }
            Some(_) => Err(Self::Faults(mixed, faults)),
        }
    }

    /// The stable name of what went wrong.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(code, _) | Self::Faults(code, _) => *code,
            Self::Stale { .. } => Code::VersionMismatch,
            Self::MethodNotAllowed { .. } => Code::MethodNotAllowed,
            Self::Throttled { .. } => Code::TooManyRequests,
            Self::Unavailable(_) | Self::Contended(_) => Code::Unavailable,
            Self::OutcomeUnknown(_) => Code::OutcomeUnknown,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// What went wrong, for a person to read; nothing of a fault of ours.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Refused(_, detail) => Some(detail.clone()),
            Self::Faults(_, faults) => Some(match faults.as_slice() {
                [only] => only.sentence(),
                many => format!("{} faults; `errors` names each.", many.len()),
            }),
            Self::Stale { current } => {
                Some(format!("The current version is {current}; read it again and repeat the change."))
            }
            Self::MethodNotAllowed { allow } => Some(format!("This path takes {allow}.")),
            Self::Throttled { wait, .. } => Some(format!("Too many attempts; try again in {wait} s.")),
            Self::Unavailable(_) | Self::Contended(_) => Some("Please try again in a moment.".to_owned()),
            Self::OutcomeUnknown(_) => Some(
                "The change may or may not have been stored. Read before you repeat it, or repeat it \
                 with the Idempotency-Key that you sent."
                    .to_owned(),
            ),
            Self::Internal(_) => None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Faults(fault.code, vec![fault])
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // For logs: clients get the detail of the problem document, never a cause.
        let code = self.code().as_str();
        match self {
            Self::Internal(cause) => write!(f, "{code}: {cause:#}"),
            Self::Unavailable(cause) | Self::Contended(cause) | Self::OutcomeUnknown(cause) => {
                write!(f, "{code}: {cause}")
            }
            _ => write!(f, "{code}: {}", self.detail().unwrap_or_default()),
        }
    }
}

impl std::error::Error for Error {}
