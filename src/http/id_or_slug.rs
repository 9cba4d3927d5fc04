//! The `{id}` of a path.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev};
use uuid::Uuid;

use crate::error::{Error, Result};

/// What a path or a body may name a thing by: its id, or its slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdOrSlug {
    /// The id that never changes.
    Id(Uuid),
    /// The slug for people.
    Slug(String),
}

impl IdOrSlug {
    /// The key in `text`: what has the form of a UUID is an id.
    pub fn parse(text: &str) -> Self {
        match canonical(text) {
            Some(id) => Self::Id(id),
            None => Self::Slug(text.to_owned()),
        }
    }

    /// The key in a segment of a path; `None` if it can be neither an id nor a slug.
    pub fn from_segment(text: &str) -> Option<Self> {
        let is_slug = !text.is_empty()
            && text.len() <= crate::slug::MAX
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let key = Self::parse(text);
        (is_slug || matches!(key, Self::Id(_))).then_some(key)
    }
}

/// `{id}` as an id or a slug; one that can be neither is a 404.
impl FromRequest for IdOrSlug {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Self::from_segment(req.match_info().query("id")).ok_or_else(Error::not_found))
    }
}

/// `{id}` as an id and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub Uuid);

impl FromRequest for Id {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(canonical(req.match_info().query("id")).map(Self).ok_or_else(Error::not_found))
    }
}

/// The UUID in `text`, in the one form that the API writes (braces, URNs and bare hex are no ids).
fn canonical(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}
