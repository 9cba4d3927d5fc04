//! Positions, windows between them, and what may have changed in one.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::types::text_enum;

text_enum! {
    /// A kind of things whose changes are told, as the change log names it.
    Kind {
        /// An article.
        Article => "article",
        /// A notice.
        Notice => "notice",
        /// A category.
        Category => "category",
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Article, Self::Notice, Self::Category];

    /// The kinds that a client has named, each once, in order.
    pub fn of_entities(entities: &[Entity]) -> Vec<Self> {
        let mut kinds: Vec<Self> = entities.iter().copied().map(Self::from).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

/// Kinds of things, as the path of each is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    /// Articles.
    Articles,
    /// Notices.
    Notices,
    /// Categories.
    Categories,
}

impl From<Entity> for Kind {
    fn from(entity: Entity) -> Self {
        match entity {
            Entity::Articles => Self::Article,
            Entity::Notices => Self::Notice,
            Entity::Categories => Self::Category,
        }
    }
}

/// A position in the change log, and the database's time at it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Position {
    /// A `pg_snapshot` as text: `xmin:xmax:xip,…`.
    #[diesel(sql_type = Text)]
    pub snapshot: String,
    /// The time.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

impl Position {
    /// The first transaction that had not begun.
    pub fn xmax(&self) -> u64 {
        self.snapshot.split(':').nth(1).and_then(|xmax| xmax.parse().ok()).unwrap_or(u64::MAX)
    }
}

/// A position after which nothing has changed that the feed tells of.
#[derive(Clone, Debug)]
pub struct Head {
    /// The position.
    pub position: Position,
    /// The first transaction that had not begun. The snapshot of the position may end before it: it is shortened if very many
    /// transactions run.
    pub xmax: u64,
    /// The next moment at which time alone changes what readers see.
    pub next_moment: Option<DateTime<Utc>>,
}

impl Head {
    /// Whether a reader who knows all that was before `position` knows all that this process knows of. Nothing is new for them as
    /// long as the head is this one.
    ///
    /// The position may be later than the head, if another process gave it: where nothing changes, the heads of processes differ by
    /// their times, and by transactions that the feed does not tell of.
    pub fn is_reached_at(&self, position: &Position) -> bool {
        let sees_as_much = position.xmax() > self.xmax || position.snapshot == self.position.snapshot;
        sees_as_much && position.at >= self.position.at
    }

    /// The position that a reader goes on to from `before`. It is no earlier than that: a shortened snapshot may be, and the reader
    /// would be told again what is known. Only the time goes on then, and what is missing is told once fewer transactions run.
    pub fn position_after(&self, before: &Position) -> Position {
        let is_earlier = self.position.xmax() < before.xmax();
        let snapshot = if is_earlier { &before.snapshot } else { &self.position.snapshot };
        Position { snapshot: snapshot.clone(), at: self.position.at }
    }
}

/// What lies between two positions.
#[derive(Clone, Debug)]
pub struct Window {
    /// What was visible here is known.
    pub before: Position,
    /// What is not visible here is left for later.
    pub until: Position,
}

/// A thing that may have changed for a reader.
#[derive(Clone, Debug, QueryableByName)]
pub struct Candidate {
    /// What it is.
    #[diesel(sql_type = Text)]
    pub kind: Kind,
    /// Which one.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// When it changed.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// The transaction of its last line in the log. 0 if time alone has changed it.
    #[diesel(sql_type = BigInt)]
    pub transaction_id: i64,
    /// The number of that line. 0 if time alone has changed it.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_reached_at_positions_that_see_as_much() {
        let now = Utc::now();
        let position = |snapshot: &str, seconds: i64| Position {
            snapshot: snapshot.to_owned(),
            at: now + chrono::TimeDelta::seconds(seconds),
        };
        let head = Head { position: position("700:712:705", 0), xmax: 712, next_moment: None };
        for (snapshot, seconds, is_reached) in [
            ("700:712:705", 0, true),
            ("700:712:705", 5, true),
            ("700:712:705", -5, false),
            ("713:713:", 5, true),
            ("713:713:", -5, false),
            ("700:712:705,709", 5, false),
            ("690:700:", 5, false),
        ] {
            assert_eq!(head.is_reached_at(&position(snapshot, seconds)), is_reached, "{snapshot} {seconds}");
        }
    }

    #[test]
    fn nobody_goes_back_to_a_shortened_snapshot() {
        let position = |snapshot: &str| Position { snapshot: snapshot.to_owned(), at: Utc::now() };
        let head = Head { position: position("700:700:"), xmax: 900, next_moment: None };
        let known = position("690:800:695");
        let next = head.position_after(&known);
        assert_eq!((next.snapshot, next.at), (known.snapshot, head.position.at));
        assert_eq!(head.position_after(&position("600:650:")), head.position);
    }

    #[test]
    fn a_position_tells_the_first_transaction_that_had_not_begun() {
        let position = |snapshot: &str| Position { snapshot: snapshot.to_owned(), at: Utc::now() };
        assert_eq!(position("700:712:705,709").xmax(), 712);
        assert_eq!(position("700:700:").xmax(), 700);
    }
}
