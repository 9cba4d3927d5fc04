//! Enumerations that PostgreSQL stores as checked text.

use chrono::{DateTime, Utc};

/// Declares an enumeration that is the same text in JSON, in OpenAPI and in a
/// column: its names in snake_case.
///
/// A column holding any other text is a fault of the database, reported as such.
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_meta])* $variant),+
        }

        impl $name {
            /// The text that stands for this value everywhere outside the program.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                match bytes.as_bytes() {
                    $(found if found == $text.as_bytes() => Ok(Self::$variant),)+
                    _ => Err(concat!("unknown ", stringify!($name)).into()),
                }
            }
        }
    };
}
pub(crate) use text_enum;

text_enum! {
    /// Where a piece of content stands in its life.
    Status {
        /// Being written; seen by staff only.
        Draft => "draft",
        /// Out, from its `published_at` on.
        Published => "published",
        /// Withdrawn, and kept.
        Archived => "archived",
    }
}

text_enum! {
    /// What a body is written in.
    BodyFormat {
        /// HTML; scripts, styles and event handlers are removed.
        Html => "html",
        /// CommonMark with tables, strikethrough, autolinks and task lists.
        Markdown => "markdown",
        /// Plain text; a blank line starts a new paragraph.
        Text => "text",
    }
}

text_enum! {
    /// Whom a notice or a file is for.
    Audience {
        /// Everybody.
        Public => "public",
        /// Signed-in members.
        Members => "members",
    }
}

impl Status {
    /// The publication time in this state: content that is published without one is published at `now`,
    /// which may be left out where one is given.
    pub fn default_published_at(
        self,
        given: Option<DateTime<Utc>>,
        now: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let given = given.map(as_stored);
        match self {
            Self::Published => given.or(now),
            Self::Draft | Self::Archived => given,
        }
    }
}

/// `at` as the database keeps it: in whole microseconds, a leap second as the second after it.
pub fn as_stored(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}
