//! The codes of problems: each listed once, with its status, its name and its title.

use actix_web::http::StatusCode;

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
    /// The token that came by mail is not valid (any more).
    InvalidToken = BAD_REQUEST "invalid_token" "Invalid token",
    /// The request itself cannot be understood.
    BadRequest = BAD_REQUEST "bad_request" "Bad request",
    /// No credential, or one that is not valid (any more).
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Not signed in",
    /// The e-mail address and the password do not belong together.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Wrong e-mail or password",
    /// The refresh token is not valid (any more).
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token" "Session ended",
    /// Signed in, but without the right.
    Forbidden = FORBIDDEN "forbidden" "Not allowed",
    /// The password that was to prove who is asking is wrong.
    WrongPassword = FORBIDDEN "wrong_password" "Wrong password",
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
    /// The e-mail address belongs to another member.
    EmailTaken = CONFLICT "email_taken" "E-mail taken",
    /// The category still holds articles or categories.
    CategoryInUse = CONFLICT "category_in_use" "Category in use",
    /// The move would put a category inside itself.
    CategoryCycle = CONFLICT "category_cycle" "Category inside itself",
    /// The site has as many categories as its settings allow.
    TooManyCategories = CONFLICT "too_many_categories" "Too many categories",
    /// A request with this `Idempotency-Key` is being worked on.
    IdempotencyInFlight = CONFLICT "idempotency_in_flight" "Request in flight",
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
    /// An import stopped at a row that failed.
    ImportAborted = UNPROCESSABLE_ENTITY "import_aborted" "Import aborted",
    /// A row repeats the id of an earlier one.
    RepeatedRow = UNPROCESSABLE_ENTITY "repeated_row" "Repeated row",
    /// Elements or attributes of a body were removed.
    MarkupDropped = UNPROCESSABLE_ENTITY "markup_dropped" "Markup removed",
    /// A frame or a medium became a link.
    EmbedLinked = UNPROCESSABLE_ENTITY "embed_linked" "Embed became a link",
    /// An address has no scheme and host.
    RelativeAddress = UNPROCESSABLE_ENTITY "relative_address" "Relative address",
    /// A table was closed, or content moved out of it.
    TableRepaired = UNPROCESSABLE_ENTITY "table_repaired" "Table repaired",
    /// Text filters changed the texts of a row.
    TextFiltered = UNPROCESSABLE_ENTITY "text_filtered" "Text filtered",
    /// Invisible characters of a row were removed.
    CharactersRemoved = UNPROCESSABLE_ENTITY "characters_removed" "Characters removed",
    /// Bytes that are no text in the character set.
    InvalidEncoding = UNPROCESSABLE_ENTITY "invalid_encoding" "Invalid encoding",
    /// The password is one that is guessed first, like the member's own e-mail address.
    WeakPassword = UNPROCESSABLE_ENTITY "weak_password" "Weak password",
    /// The `Idempotency-Key` was sent with another request.
    IdempotencyMismatch = UNPROCESSABLE_ENTITY "idempotency_mismatch" "Idempotency key reused",
    /// The server is set to require `If-Match`.
    PreconditionRequired = PRECONDITION_REQUIRED "precondition_required" "Precondition required",
    /// Too many attempts; wait.
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests" "Too many attempts",
    /// Overloaded, or the database is away; try again.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Unavailable",
    /// The connection was lost while a change was being stored: it may or may not be there.
    OutcomeUnknown = SERVICE_UNAVAILABLE "outcome_unknown" "Outcome unknown",
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
