//! What answers with media are made from.

use uuid::Uuid;

use crate::cache::tags::Tag;

/// The tag of media.
pub fn tag_media(id: Uuid) -> Tag {
    Tag::one("media", id, "all_media")
}
