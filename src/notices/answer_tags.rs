//! What answers with notices are made from, as tags of the cache.

use uuid::Uuid;

use crate::cache::tags::Tag;

const NOTICES: &str = "notices";
const SCHEDULED_NOTICES: &str = "scheduled_notices";

/// A notice.
pub fn tag_notice(id: Uuid) -> Tag {
    Tag::one("notice", id, NOTICES)
}

/// Those that everybody may read, now or later.
pub fn tag_notices() -> [Tag; 2] {
    [NOTICES, SCHEDULED_NOTICES].map(Tag::all)
}
