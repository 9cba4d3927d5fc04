//! Operations as data.
//!
//! Every operation of the API has one entry, a constant beside its handler. The
//! entry says who may call it, which scope an API key needs, how large and how
//! late a body may be, what the answer may be cached as. The [`table::Table`]
//! joins the entries with the paths, methods and parameters of the OpenAPI
//! document, and matches each request once: rights, limits, the document and
//! the tests read what it found. Nothing decides by the text of a path.

pub mod scope;
pub mod table;

use std::time::Duration;

use serde_json::{Value, json};

use crate::db::types::text_enum;
use scope::Scope;

text_enum! {
    /// The role of a member. Each role includes the rights of the roles before it.
    Role {
        /// Reads content for members, and has an own profile.
        Member => "member",
        /// Also writes own drafts.
        Author => "author",
        /// Also writes and publishes all content.
        Editor => "editor",
        /// Also manages members and the site, and reads the audit trail.
        Admin => "admin",
    }
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Everybody; a credential is not looked at.
    Anyone,
    /// Everybody; a valid credential may show more, and one that is not valid is refused.
    Reader,
    /// Members of this role and those above it.
    Role(Role),
}

/// What an API key may do with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAccess {
    /// Nothing: keys are refused.
    Refused,
    /// What a visitor may do.
    AsVisitor,
    /// What an editor may do, if the key has this scope.
    Scope(Scope),
    /// What an editor may do, if the key has one of these scopes.
    OneOf(&'static [Scope]),
}

impl KeyAccess {
    /// The scopes of which a key needs one. None if scopes do not matter.
    pub fn scopes(&self) -> &[Scope] {
        match self {
            Self::Refused | Self::AsVisitor => &[],
            Self::Scope(scope) => std::slice::from_ref(scope),
            Self::OneOf(scopes) => scopes,
        }
    }
}

/// What the body of a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// There is none.
    None,
    /// A JSON document of at most so many bytes.
    Json {
        /// The most bytes.
        max_bytes: usize,
    },
    /// Rows, read as they arrive; each row is bounded, and so is the wait for the next bytes.
    Rows,
    /// The bytes of a file, which are stored as they arrive. Settings say how many there may be.
    File,
}

/// How a request and its answer are conditional (RFC 9110 §13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditional {
    /// Not at all.
    No,
    /// The answer has an ETag; `If-None-Match` is answered with 304.
    Read,
    /// `If-Match` names the version that is changed; another one is answered with 412.
    Change,
    /// As [`Conditional::Change`], and `If-None-Match: *` creates only.
    Put,
}

/// What repeating a request does (RFC 9110 §9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// Nothing: it only reads.
    Safe,
    /// What sending it once did.
    Idempotent,
    /// The effect a second time.
    Repeats,
}

/// How long and by whom an answer may be kept (RFC 9111).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheClass {
    /// By shared caches too, when it was asked for without a credential.
    Public,
    /// By nobody.
    NoStore,
}

/// How long a client may take to take an answer.
///
/// Beside this, each client must take a few bytes a second of what waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The most time from the answer's first byte to its last; `None` for an answer that lasts as long as it flows.
    pub deadline: Option<Duration>,
}

impl Delivery {
    /// An answer that is ready as a whole: a minute.
    pub const WHOLE: Self = Self { deadline: Some(Duration::from_secs(60)) };
    /// An answer that is made while it is sent.
    pub const STREAMED: Self = Self { deadline: None };
}

/// Parameters by which staff ask for more than the public sees.
pub const STAFF_PARAMETERS: [&str; 2] = ["status", "deleted"];
/// Largest JSON body, in bytes, where the entry names no other: 1 MiB.
const DEFAULT_MAX_BODY_BYTES: usize = 1 << 20;
/// How long a JSON body may take to arrive.
pub const BODY_ARRIVAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The entry of an operation: all that is decided about it, in one place.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The name of its handler, and its operationId in the OpenAPI document.
    pub id: &'static str,
    /// Who may call it.
    pub caller: Caller,
    /// What an API key may do with it.
    pub keys: KeyAccess,
    /// What its body may be.
    pub body: RequestBody,
    /// Whether the request timeout ends it. Imports last as long as their bodies; each of their steps is bounded.
    pub has_time_limit: bool,
    /// How long a client may take to take the answer.
    pub delivery: Delivery,
    /// How it is conditional.
    pub conditional: Conditional,
    /// What repeating it does.
    pub repetition: Repetition,
    /// How its answer may be cached.
    pub cache: CacheClass,
    /// Whether it belongs to the API proper, whose rules the document states once for all: unknown
    /// parameters and an `Accept` that no answer meets are refused. Monitors may send what they like.
    pub is_api: bool,
    /// Whether the answer has the format that its path names, whatever the client accepts.
    pub is_file: bool,
    /// Whether it answers a page of a list, with a `Link` header (RFC 8288).
    pub is_paged: bool,
    /// Whether the answer has `Last-Modified`.
    pub has_last_modified: bool,
    /// Whether it can contradict what is there (409).
    pub can_conflict: bool,
    /// Whether its parameters may name nothing (404), as those of a path may.
    pub may_find_nothing: bool,
    /// Whether attempts are counted, and slowed down (429).
    pub is_throttled: bool,
    /// Whether a client can name the request by an `Idempotency-Key`, so that it acts once.
    pub takes_idempotency_key: bool,
    /// Whether it checks a credential in the body (401, though open to everybody).
    pub checks_credential: bool,
    /// Whether its answer holds a secret beside what the client sent. It is not compressed then: the length would tell of
    /// the secret (BREACH).
    pub tells_secret: bool,
    /// Members up to this role get the answer that visitors get.
    pub same_as_visitors: Option<Role>,
    /// Whether the answer depends on the media types that the client takes.
    pub varies_by_accept: bool,
}

impl Operation {
    const fn new(id: &'static str, caller: Caller) -> Self {
        Self {
            id,
            caller,
            keys: KeyAccess::Refused,
            body: RequestBody::None,
            has_time_limit: true,
            delivery: Delivery::WHOLE,
            conditional: Conditional::No,
            repetition: Repetition::Repeats,
            cache: CacheClass::NoStore,
            is_api: true,
            is_file: false,
            is_paged: false,
            has_last_modified: false,
            can_conflict: true,
            may_find_nothing: false,
            is_throttled: false,
            takes_idempotency_key: false,
            checks_credential: false,
            tells_secret: false,
            same_as_visitors: None,
            varies_by_accept: false,
        }
    }

    /// An operation that reads one thing, or a list that is never cut into pages.
    pub const fn read(id: &'static str, caller: Caller) -> Self {
        Self {
            conditional: Conditional::Read,
            repetition: Repetition::Safe,
            cache: if matches!(caller, Caller::Role(_)) { CacheClass::NoStore } else { CacheClass::Public },
            has_last_modified: true,
            can_conflict: false,
            ..Self::new(id, caller)
        }
    }

    /// An operation that reads a page of a list.
    pub const fn list(id: &'static str, caller: Caller) -> Self {
        Self { is_paged: true, ..Self::read(id, caller) }
    }

    /// An operation that reads a file of the site, like a feed: the same for everybody, in the format that its path names.
    pub const fn file(id: &'static str) -> Self {
        Self { is_file: true, ..Self::read(id, Caller::Anyone) }
    }

    /// An operation that sends what it reads as it is read: without ETag, never the same twice.
    pub const fn export(id: &'static str, caller: Caller) -> Self {
        Self {
            repetition: Repetition::Safe,
            delivery: Delivery::STREAMED,
            can_conflict: false,
            ..Self::new(id, caller)
        }
    }

    /// A POST of a JSON document, to create or to do something.
    pub const fn post(id: &'static str, caller: Caller) -> Self {
        Self { body: RequestBody::Json { max_bytes: DEFAULT_MAX_BODY_BYTES }, ..Self::new(id, caller) }
    }

    /// A POST without a body.
    pub const fn post_without_body(id: &'static str, caller: Caller) -> Self {
        Self::new(id, caller)
    }

    /// A POST of rows to be imported.
    pub const fn import(id: &'static str, caller: Caller) -> Self {
        Self {
            body: RequestBody::Rows,
            has_time_limit: false,
            delivery: Delivery::STREAMED,
            ..Self::new(id, caller)
        }
    }

    /// An upload of a file.
    pub const fn upload(id: &'static str, caller: Caller) -> Self {
        Self { body: RequestBody::File, has_time_limit: false, ..Self::new(id, caller) }
    }

    /// A merge patch of a thing that has a version.
    pub const fn patch(id: &'static str, caller: Caller) -> Self {
        Self {
            conditional: Conditional::Change,
            repetition: Repetition::Idempotent,
            ..Self::post(id, caller)
        }
    }

    /// A PUT that creates or replaces a thing that has a version.
    pub const fn put(id: &'static str, caller: Caller) -> Self {
        Self { conditional: Conditional::Put, ..Self::patch(id, caller) }
    }

    /// A DELETE of a thing that has a version.
    pub const fn delete(id: &'static str, caller: Caller) -> Self {
        Self { conditional: Conditional::Change, repetition: Repetition::Idempotent, ..Self::new(id, caller) }
    }

    /// Open to API keys with this scope.
    pub const fn for_keys_with(self, scope: Scope) -> Self {
        Self { keys: KeyAccess::Scope(scope), ..self }
    }

    /// Open to API keys with one of these scopes.
    pub const fn for_keys_with_one_of(self, scopes: &'static [Scope]) -> Self {
        Self { keys: KeyAccess::OneOf(scopes), ..self }
    }

    /// Open to every API key, with the rights of a visitor.
    pub const fn for_keys_as_visitors(self) -> Self {
        Self { keys: KeyAccess::AsVisitor, ..self }
    }

    /// Takes a JSON body.
    pub const fn with_json_body(self) -> Self {
        self.with_body_of(DEFAULT_MAX_BODY_BYTES)
    }

    /// Takes a JSON body of at most so many bytes.
    pub const fn with_body_of(self, max_bytes: usize) -> Self {
        Self { body: RequestBody::Json { max_bytes }, ..self }
    }

    /// Changes a thing that has a version, which `If-Match` can name.
    pub const fn changing_a_version(self) -> Self {
        Self { conditional: Conditional::Change, ..self }
    }

    /// What it deletes has no version.
    pub const fn without_version(self) -> Self {
        Self { conditional: Conditional::No, ..self }
    }

    /// The answer has no `Last-Modified`.
    pub const fn without_last_modified(self) -> Self {
        Self { has_last_modified: false, ..self }
    }

    /// The answer has no ETag, and is not asked for conditionally.
    pub const fn unconditional(self) -> Self {
        Self { conditional: Conditional::No, has_last_modified: false, ..self }
    }

    /// Cannot contradict what is there.
    pub const fn without_conflicts(self) -> Self {
        Self { can_conflict: false, ..self }
    }

    /// Its parameters may name nothing.
    pub const fn finding_one(self) -> Self {
        Self { may_find_nothing: true, ..self }
    }

    /// Lasts as long as what it waits for; each of its steps is bounded.
    pub const fn without_time_limit(self) -> Self {
        Self { has_time_limit: false, ..self }
    }

    /// Reads only, though its method is none of those that read.
    pub const fn reading_only(self) -> Self {
        Self { repetition: Repetition::Safe, ..self }
    }

    /// A client can name the request by an `Idempotency-Key`, so that it acts once.
    pub const fn once_per_key(self) -> Self {
        Self { takes_idempotency_key: true, ..self }
    }

    /// Attempts are counted, and slowed down.
    pub const fn throttled(self) -> Self {
        Self { is_throttled: true, ..self }
    }

    /// Checks a credential in the body, and contradicts nothing.
    pub const fn checking_a_credential(self) -> Self {
        Self { checks_credential: true, can_conflict: false, tells_secret: true, ..self }
    }

    /// The answer holds a secret.
    pub const fn telling_a_secret(self) -> Self {
        Self { tells_secret: true, ..self }
    }

    /// Members up to `role` get the answer that visitors get.
    pub const fn same_as_visitors_for(self, role: Role) -> Self {
        Self { same_as_visitors: Some(role), ..self }
    }

    /// Stands beside the API, for monitors and for those who verify tokens.
    pub const fn outside_the_contract(self) -> Self {
        Self { is_api: false, ..self }
    }

    /// The entry as the OpenAPI document carries it, under `x-inkstone`.
    pub fn to_extension(&self) -> Value {
        let mut entry = json!({
            "caller": match self.caller {
                Caller::Anyone | Caller::Reader => "anyone",
                Caller::Role(role) => role.as_str(),
            },
            "repetition": match self.repetition {
                Repetition::Safe => "safe",
                Repetition::Idempotent => "idempotent",
                Repetition::Repeats => "repeats",
            },
            "cache": match self.cache {
                CacheClass::Public => "public",
                CacheClass::NoStore => "no-store",
            },
            "time_limit": self.has_time_limit,
        });
        if let RequestBody::Json { max_bytes } = self.body {
            entry["max_body_bytes"] = max_bytes.into();
        }
        if self.takes_idempotency_key {
            entry["idempotency_key"] = true.into();
        }
        entry
    }
}
