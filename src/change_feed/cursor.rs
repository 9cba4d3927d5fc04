//! Cursors of the feed: where a reader stands, sealed, so that nobody makes one up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{Kind, Position};
use crate::keys::Keys;

/// Where a reader of the feed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The kinds of things that are told.
    pub kinds: Vec<Kind>,
    /// Whether what members see is told.
    pub for_members: bool,
    /// What was visible here is known, or is being told.
    pub before: Position,
    /// The walk that has not ended.
    pub walk: Option<Walk>,
}

/// A walk of several pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Through all that can be seen, for whoever has no copy yet: from this kind on, after this id.
    Everything(Kind, Option<Uuid>),
    /// Through what has changed until this position.
    Changes(Position, Step),
}

/// How far a walk through changes has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Articles that time has changed, after this hour, in microseconds since 1970, and this id.
    #[serde(rename = "a")]
    Articles(Option<(i64, Uuid)>),
    /// Notices that time has changed, after this id.
    #[serde(rename = "n")]
    Notices(Option<Uuid>),
    /// Lines of the log, after the one with this transaction and this number.
    #[serde(rename = "l")]
    Log(i64, i64),
}

/// A position in few bytes: the snapshot, and microseconds since 1970.
type Packed = (String, i64);

#[derive(Serialize, Deserialize)]
enum PackedWalk {
    #[serde(rename = "e")]
    Everything(Kind, Option<Uuid>),
    #[serde(rename = "c")]
    Changes(Packed, Step),
}

fn pack(position: &Position) -> Packed {
    (position.snapshot.clone(), position.at.timestamp_micros())
}

fn unpack((snapshot, micros): Packed) -> Option<Position> {
    Some(Position { snapshot, at: DateTime::from_timestamp_micros(micros)? })
}

/// What a cursor is sealed with, so that no other text of the site is taken for one.
const PURPOSE: &[u8] = b"change feed";
const SEAL_BYTES: usize = 16;

impl Cursor {
    /// The cursor of a reader of all kinds who knows all that was before `position`.
    pub fn at(position: Position, for_members: bool) -> Self {
        Self { kinds: Kind::ALL.to_vec(), for_members, before: position, walk: None }
    }

    /// Leaves only these kinds to be told. Returns false if it cannot: some of them were not told before, or a walk through all that
    /// can be seen is under way, which chooses its kinds at its beginning.
    pub fn narrow_to(&mut self, kinds: Vec<Kind>) -> bool {
        if kinds == self.kinds {
            return true;
        }
        let is_narrower = kinds.iter().all(|kind| self.kinds.contains(kind));
        if !is_narrower || matches!(self.walk, Some(Walk::Everything(..))) {
            return false;
        }
        self.kinds = kinds;
        true
    }

    /// The cursor as clients get it.
    pub fn seal(&self, keys: &Keys) -> String {
        let walk = self.walk.as_ref().map(|walk| match walk {
            Walk::Everything(kind, after) => PackedWalk::Everything(*kind, *after),
            Walk::Changes(until, step) => PackedWalk::Changes(pack(until), *step),
        });
        let packed = (&self.kinds, self.for_members, pack(&self.before), walk);
        let content = serde_json::to_vec(&packed).unwrap_or_default();
        let mut sealed = keys.seal(&[PURPOSE, &content]);
        sealed.extend(content);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Reads what [`Cursor::seal`] has made. `None` for anything else.
    pub fn open(text: &str, keys: &Keys) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (seal, content) = bytes.split_at_checked(SEAL_BYTES)?;
        if !keys.is_sealed(&[PURPOSE, content], seal) {
            return None;
        }
        let (kinds, for_members, before, walk): (Vec<Kind>, bool, Packed, Option<PackedWalk>) =
            serde_json::from_slice(content).ok()?;
        let walk = match walk {
            None => None,
            Some(PackedWalk::Everything(kind, after)) => Some(Walk::Everything(kind, after)),
            Some(PackedWalk::Changes(until, step)) => Some(Walk::Changes(unpack(until)?, step)),
        };
        Some(Self { kinds, for_members, before: unpack(before)?, walk })
    }
}
