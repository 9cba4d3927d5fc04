//! What can go wrong, sorted by what the caller can do about it.

mod chinese;
mod code;
mod database;
mod problem;
mod reasons;
mod sentence;

pub use code::Code;
pub use database::{OnConstraint, is_worth_retrying};
pub use problem::{PROBLEM_PAGES, Problem, ProblemFault};
pub use sentence::{Params, Sentence};

use serde_json::Value;

use crate::language::Language;

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
    /// What is wrong, for a person to read.
    pub detail: Sentence,
}

impl Fault {
    /// A fault in the body, at `pointer`.
    pub fn body(pointer: impl Into<String>, code: Code, detail: impl Into<Sentence>) -> Self {
        Self { at: At::Pointer(pointer.into()), code, detail: detail.into() }
    }

    /// A fault in the query string or a header.
    pub fn parameter(name: impl Into<String>, code: Code, detail: impl Into<Sentence>) -> Self {
        Self { at: At::Parameter(name.into()), code, detail: detail.into() }
    }
}

impl Fault {
    /// The same with a parameter of its sentence.
    pub fn with(self, name: &'static str, value: impl Into<Value>) -> Self {
        Self { detail: self.detail.with(name, value), ..self }
    }

    /// The same as a fault of a part of the body: of what is at `pointer`.
    pub fn below(self, pointer: &str) -> Self {
        let at = match self.at {
            At::Pointer(own) => At::Pointer(format!("{pointer}{own}")),
            at @ At::Parameter(_) => at,
        };
        Self { at, ..self }
    }

    /// The same with a hint at what may have been meant.
    pub fn suggest(self, nearest: Option<&str>) -> Self {
        Self { detail: self.detail.suggest(nearest), ..self }
    }

    /// What is wrong, in the language of the request.
    pub fn sentence(&self) -> String {
        self.detail.to_text(self.code, Language::current())
    }
}

/// Everything a handler can fail with.
#[derive(Debug)]
pub enum Error {
    /// Refused for one reason.
    Refused(Code, Sentence),
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
        Self::Refused(Code::NotFound, "Not found.".into())
    }

    /// Signed in, but without the right; `detail` says which right is needed.
    pub fn forbidden(detail: impl Into<Sentence>) -> Self {
        Self::Refused(Code::Forbidden, detail.into())
    }

    /// The credential is missing or not valid: one answer for every cause.
    pub fn unauthenticated() -> Self {
        Self::Refused(
            Code::Unauthenticated,
            "Send a valid access token as `Authorization: Bearer …`; POST /api/v1/auth/login gives one."
                .into(),
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

    /// Fails with the faults of the parameters, if there are some.
    pub fn query(faults: Vec<Fault>) -> Result<()> {
        Self::unless_empty(Code::InvalidParameter, faults)
    }

    /// The faults of the request, if it has some.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Faults(_, faults) => faults,
            _ => &[],
        }
    }

    /// Both results, or the faults of both together.
    pub fn join<A, B>(one: Result<A>, other: Result<B>) -> Result<(A, B)> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(Self::Faults(_, mut faults)), Err(Self::Faults(_, more))) => {
                faults.extend(more);
                let is_in_query = faults.iter().all(|fault| matches!(fault.at, At::Parameter(_)));
                let mixed = if is_in_query { Code::InvalidParameter } else { Code::InvalidBody };
                Self::unless_empty(mixed, faults)?;
                Err(Self::Internal(anyhow::anyhow!("two errors without a fault")))
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// The error as faults of a thing that is one among many.
    pub fn into_faults(self) -> Result<Vec<Fault>> {
        match self {
            Self::Faults(_, faults) => Ok(faults),
            Self::Refused(code, detail) => Ok(vec![Fault { at: At::Pointer(String::new()), code, detail }]),
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

    /// What went wrong, in the language of the request; nothing of a fault of ours.
    pub fn detail(&self) -> Option<String> {
        self.detail_in(Language::current())
    }

    fn detail_in(&self, language: Language) -> Option<String> {
        self.sentence().map(|(code, sentence)| sentence.to_text(code, language))
    }

    /// What the sentence about the error holds, for programs.
    pub fn params(&self) -> Params {
        self.sentence().map(|(_, sentence)| sentence.params()).unwrap_or_default()
    }

    /// The sentence about the error, and the code that it is about.
    fn sentence(&self) -> Option<(Code, Sentence)> {
        let sentence = match self {
            Self::Refused(_, detail) => detail.clone(),
            Self::Faults(_, faults) => match faults.as_slice() {
                [only] => return Some((only.code, only.detail.clone())),
                many => Sentence::from("{count} faults; `errors` names each.").with("count", many.len()),
            },
            Self::Stale { current } => {
                let told = "The current version is {version}; read it again and repeat the change.";
                Sentence::from(told).with("version", *current)
            }
            Self::MethodNotAllowed { allow } => {
                Sentence::from("This path takes {methods}.").with("methods", allow.as_str())
            }
            Self::Throttled { wait, .. } => {
                Sentence::from("Too many attempts; try again in {seconds} s.").with("seconds", *wait)
            }
            Self::Unavailable(_) | Self::Contended(_) => "Please try again in a moment.".into(),
            Self::OutcomeUnknown(_) => {
                "The change may or may not have been stored. Read before you repeat it, or \
                 repeat it with the Idempotency-Key that you sent."
                    .into()
            }
            Self::Internal(_) => return None,
        };
        Some((self.code(), sentence))
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
            _ => write!(f, "{code}: {}", self.detail_in(Language::English).unwrap_or_default()),
        }
    }
}

impl std::error::Error for Error {}
