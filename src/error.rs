//! What can go wrong, sorted by what the caller can do about it, and how it is told (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry;

/// The result of everything that can be told to a client.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident $text:literal $title:literal,)+) => {
        /// The stable name of a problem; clients may branch on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name),+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The status, the text in `code`, and the title.
            const fn entry(self) -> (StatusCode, &'static str, &'static str) {
                match self { $(Self::$name => (StatusCode::$status, $text, $title)),+ }
            }
        }
    };
}

codes! {
    /// A parameter's value is not one of those it can have.
    InvalidParameter = BAD_REQUEST "invalid_parameter" "Invalid parameter",
    /// The operation has no such parameter.
    UnknownParameter = BAD_REQUEST "unknown_parameter" "Unknown parameter",
    /// A parameter is given more than once.
    RepeatedParameter = BAD_REQUEST "repeated_parameter" "Repeated parameter",
    /// The cursor was not made by this list with these filters.
    InvalidCursor = BAD_REQUEST "invalid_cursor" "Invalid cursor",
    /// The page is too deep for page numbers.
    PageTooDeep = BAD_REQUEST "page_too_deep" "Page too deep",
    /// The body is not JSON.
    MalformedJson = BAD_REQUEST "malformed_json" "Malformed JSON",
    /// The request itself cannot be understood.
    BadRequest = BAD_REQUEST "bad_request" "Bad request",
    /// No credential, or one that is not valid (any more).
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Not signed in",
    /// The address and the password do not belong together.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Wrong e-mail or password",
    /// Signed in, but without the right.
    Forbidden = FORBIDDEN "forbidden" "Not allowed",
    /// There is no such thing, or none that you may know of.
    NotFound = NOT_FOUND "not_found" "Not found",
    /// The path exists, but not with this method.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed",
    /// The answer is JSON, and the request does not accept that.
    NotAcceptable = NOT_ACCEPTABLE "not_acceptable" "Not acceptable",
    /// The body took too long to arrive.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "Request timed out",
    /// The slug is in use.
    SlugTaken = CONFLICT "slug_taken" "Slug taken",
    /// The external id is in use.
    ExternalIdTaken = CONFLICT "external_id_taken" "External id taken",
    /// The address belongs to another member.
    EmailTaken = CONFLICT "email_taken" "E-mail taken",
    /// The section still holds articles or sections.
    CategoryInUse = CONFLICT "category_in_use" "Section in use",
    /// The move would put a section inside itself.
    CategoryCycle = CONFLICT "category_cycle" "Section inside itself",
    /// The site would be left without an active admin.
    LastAdmin = CONFLICT "last_admin" "Last admin",
    /// The thing changed since it was read.
    VersionMismatch = PRECONDITION_FAILED "version_mismatch" "Changed meanwhile",
    /// `If-None-Match: *` was sent, and the thing exists.
    AlreadyExists = PRECONDITION_FAILED "already_exists" "Already exists",
    /// The body is larger than the operation takes.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "Body too large",
    /// The body is not `application/json`.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type",
    /// The body has faults; `errors` names each.
    InvalidBody = UNPROCESSABLE_ENTITY "invalid_body" "Invalid body",
    /// A key the operation does not know.
    UnknownField = UNPROCESSABLE_ENTITY "unknown_field" "Unknown field",
    /// A key given more than once.
    DuplicateField = UNPROCESSABLE_ENTITY "duplicate_field" "Duplicate field",
    /// A required key is absent.
    MissingField = UNPROCESSABLE_ENTITY "missing_field" "Missing field",
    /// A value of another type.
    WrongType = UNPROCESSABLE_ENTITY "wrong_type" "Wrong type",
    /// Too long, or too many.
    TooLong = UNPROCESSABLE_ENTITY "too_long" "Too long",
    /// Too short, or too few.
    TooShort = UNPROCESSABLE_ENTITY "too_short" "Too short",
    /// Below the smallest or above the largest value.
    OutOfRange = UNPROCESSABLE_ENTITY "out_of_range" "Out of range",
    /// Not one of the known values.
    UnknownValue = UNPROCESSABLE_ENTITY "unknown_value" "Unknown value",
    /// Not of the required form.
    InvalidFormat = UNPROCESSABLE_ENTITY "invalid_format" "Invalid format",
    /// Names a thing that does not exist.
    UnknownReference = UNPROCESSABLE_ENTITY "unknown_reference" "Unknown reference",
    /// The password is on the list of those that are guessed first.
    WeakPassword = UNPROCESSABLE_ENTITY "weak_password" "Weak password",
    /// The server is set to require `If-Match`.
    PreconditionRequired = PRECONDITION_REQUIRED "precondition_required" "Precondition required",
    /// Overloaded, or the database is away; try again.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Unavailable",
    /// A fault of the server.
    Internal = INTERNAL_SERVER_ERROR "internal" "Internal error",
}

impl Code {
    /// The status an answer with this code has.
    pub const fn status(self) -> StatusCode {
        self.entry().0
    }
    /// The code as clients see it.
    pub const fn as_str(self) -> &'static str {
        self.entry().1
    }
    /// What the code means, in a few words.
    pub const fn title(self) -> &'static str {
        self.entry().2
    }
}

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
    pub detail: String,
}

impl Fault {
    /// A fault in the body, at `pointer`.
    pub fn body(pointer: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self { at: At::Pointer(pointer.into()), code, detail: detail.into() }
    }

    /// A fault in the query string or a header.
    pub fn parameter(name: impl Into<String>, code: Code, detail: impl Into<String>) -> Self {
        Self { at: At::Parameter(name.into()), code, detail: detail.into() }
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
    /// Overloaded, or the database is away.
    Unavailable(String),
    /// A fault of ours: shown as an empty 500, logged here and nowhere else.
    Internal(anyhow::Error),
}

impl Error {
    /// There is no such thing, or none that this caller may know of: always the same answer.
    pub fn not_found() -> Self {
        Self::Refused(Code::NotFound, "There is nothing here for you.".to_owned())
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

    fn unless_empty(mixed: Code, faults: Vec<Fault>) -> Result<()> {
        match faults.first() {
            None => Ok(()),
            Some(first) if faults.iter().all(|fault| fault.code == first.code) => {
                Err(Self::Faults(first.code, faults))
            }
            Some(_) => Err(Self::Faults(mixed, faults)),
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Refused(code, _) | Self::Faults(code, _) => *code,
            Self::Stale { .. } => Code::VersionMismatch,
            Self::MethodNotAllowed { .. } => Code::MethodNotAllowed,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Refused(_, detail) => Some(detail.clone()),
            Self::Faults(_, faults) => Some(match faults.as_slice() {
                [only] => only.detail.clone(),
                many => format!("{} faults; `errors` names each.", many.len()),
            }),
            Self::Stale { current } => {
                Some(format!("The current version is {current}; read it again and repeat the change."))
            }
            Self::MethodNotAllowed { allow } => Some(format!("This path takes {allow}.")),
            Self::Unavailable(_) => Some("Please try again in a moment.".to_owned()),
            Self::Internal(_) => None,
        }
    }
}

/// A problem document (RFC 9457), the body of every failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI that identifies the kind of problem.
    #[schema(example = "https://inkstone.dev/problems/unknown_parameter")]
    r#type: String,
    /// The kind of problem, in words.
    #[schema(example = "Unknown parameter")]
    title: &'static str,
    /// The HTTP status, again.
    #[schema(example = 400, minimum = 400, maximum = 599)]
    status: u16,
    /// The stable name of the kind of problem.
    #[schema(example = "unknown_parameter")]
    code: &'static str,
    /// What went wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Unknown parameter `catgory`; did you mean `category`?")]
    detail: Option<String>,
    /// Each single fault, where there are places to name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemFault>,
    /// The version the thing has now (only with `version_mismatch`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current_version: Option<i32>,
    /// The id under which the server logged this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0199f0a2b6c57d3e9f0a1b2c3d4e5f60")]
    request_id: Option<String>,
}

/// One fault of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemFault {
    /// A JSON pointer into the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/title")]
    pointer: Option<String>,
    /// The query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "catgory")]
    parameter: Option<String>,
    /// The stable name of the kind of fault.
    #[schema(example = "unknown_parameter")]
    code: &'static str,
    /// What is wrong, for a person to read.
    detail: String,
}

impl From<&Fault> for ProblemFault {
    fn from(fault: &Fault) -> Self {
        let (pointer, parameter) = match &fault.at {
            At::Pointer(pointer) => (Some(pointer.clone()), None),
            At::Parameter(name) => (None, Some(name.clone())),
        };
        Self { pointer, parameter, code: fault.code.as_str(), detail: fault.detail.clone() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code().as_str(), self.detail().unwrap_or_default())
    }
}

impl std::error::Error for Error {}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.code().status()
    }

    fn error_response(&self) -> HttpResponse {
        let request_id = telemetry::request_id();
        match self {
            Self::Internal(cause) => {
                tracing::error!(request_id, error = format!("{cause:#}"), "A request failed")
            }
            Self::Unavailable(cause) => tracing::warn!(request_id, cause, "A request was turned away"),
            _ => {}
        }
        let code = self.code();
        let problem = Problem {
            r#type: format!("https://inkstone.dev/problems/{}", code.as_str()),
            title: code.title(),
            status: code.status().as_u16(),
            code: code.as_str(),
            detail: self.detail(),
            errors: match self {
                Self::Faults(_, faults) => faults.iter().map(ProblemFault::from).collect(),
                _ => Vec::new(),
            },
            current_version: match self {
                Self::Stale { current } => Some(*current),
                _ => None,
            },
            request_id,
        };
        let mut response = HttpResponse::build(code.status());
        response.insert_header(("content-type", "application/problem+json"));
        response.insert_header(("cache-control", "no-store"));
        match self {
            Self::MethodNotAllowed { allow } => {
                if let Ok(allow) = HeaderValue::from_str(allow) {
                    response.insert_header((ALLOW, allow));
                }
            }
            Self::Unavailable(_) => {
                response.insert_header((RETRY_AFTER, "1"));
            }
            _ if code.status() == StatusCode::UNAUTHORIZED => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"inkstone\""));
            }
            _ => {}
        }
        response.body(serde_json::to_vec(&problem).unwrap_or_default())
    }
}

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
    // diesel keeps no SQLSTATE of these; the connection asks for English messages.
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
