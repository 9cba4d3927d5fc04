//! Media as rows.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::media;
use crate::db::types::{Audience, text_enum};

text_enum! {
    /// What a file is.
    MediaKind {
        /// A picture.
        Image => "image",
        /// A sound.
        Audio => "audio",
        /// A film.
        Video => "video",
        /// A document to be downloaded.
        Document => "document",
    }
}

text_enum! {
    /// What can use media.
    MediaUser {
        /// An article: its cover or its body.
        Article => "article",
        /// The body of a notice.
        Notice => "notice",
        /// A menu.
        Menu => "menu",
        /// The home page.
        HomePage => "home_page",
    }
}

/// A point of a picture, in thousandths of its width and its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Focal {
    /// From the left.
    pub x: i16,
    /// From the top.
    pub y: i16,
}

impl Focal {
    /// The middle of a picture.
    pub const MIDDLE: Self = Self { x: 500, y: 500 };

    /// In parts of the width and the height: 0 to 1.
    pub fn to_parts(self) -> (f64, f64) {
        (f64::from(self.x) / 1000.0, f64::from(self.y) / 1000.0)
    }
}

/// Whether something that takes work to make is there.
#[derive(Clone, Debug)]
pub enum Presence<T> {
    /// It is there.
    There(T),
    /// It is not there, or nobody relies on it.
    Absent,
    /// It is being taken away.
    Leaving,
}

/// What was found in a picture when it came in. Stored as JSON beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its width as it is seen, in pixels.
    pub width: u32,
    /// Its height as it is seen, in pixels.
    pub height: u32,
    /// The ending of its master: the picture from which its variants are made. Without one, there are none.
    #[serde(default)]
    pub master: Option<String>,
    /// The width of its master.
    #[serde(default)]
    pub master_width: u32,
    /// The height of its master.
    #[serde(default)]
    pub master_height: u32,
    /// The ending of the bytes that are served as they are: those of an animation, or of a drawing.
    #[serde(default)]
    pub served: Option<String>,
    /// Whether parts of it can be seen through.
    pub has_alpha: bool,
    /// Whether it has few colours, like a drawing or a screenshot.
    pub is_flat: bool,
    /// Whether it has several frames.
    pub is_animated: bool,
    /// A very small version of it (ThumbHash), in Base64.
    pub thumbhash: String,
    /// The colour that it mostly has, as `#rrggbb`.
    pub dominant_color: String,
    /// When it was taken, by its camera.
    #[serde(default)]
    pub taken_at: Option<DateTime<Utc>>,
}

/// What can be changed about media. Serialised, it has the names clients know.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Insertable, AsChangeset, Queryable, Selectable, QueryableByName,
)]
#[diesel(table_name = media, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Content {
    /// The name of the file.
    pub name: String,
    /// What a picture shows, for those who do not see it.
    pub alt: String,
    /// The text below it.
    pub caption: String,
    /// Whose work it is.
    pub credit: String,
    /// The address it was taken from.
    pub source_url: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where a picture is cropped about, from the left.
    pub focal_x: i16,
    /// Where a picture is cropped about, from the top.
    pub focal_y: i16,
    /// Whom it is for.
    pub audience: Audience,
}

impl Content {
    /// Where a picture is cropped about.
    pub const fn focal(&self) -> Focal {
        Focal { x: self.focal_x, y: self.focal_y }
    }
}

/// Media, with what is known of the file.
#[derive(Clone, Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = media, check_for_backend(Pg))]
pub struct Row {
    /// Never changes; version 7, so it grows with time.
    pub id: Uuid,
    /// The digest of the bytes.
    pub sha256: Vec<u8>,
    /// What the file is.
    pub kind: MediaKind,
    /// What can be changed.
    #[diesel(embed)]
    pub content: Content,
    /// The focal points that it has had, as pairs.
    pub former_focals: Vec<i16>,
    /// The member who made it.
    pub created_by: Option<Uuid>,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put into the trash.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The media type of the file.
    #[diesel(sql_type = Text, select_expression = file_column("mime"), select_expression_type = SqlLiteral<Text>)]
    pub mime: String,
    /// The bytes of the file.
    #[diesel(sql_type = BigInt, select_expression = file_column("bytes"), select_expression_type = SqlLiteral<BigInt>)]
    pub bytes: i64,
    /// What was found in a picture, as [`Picture`].
    #[diesel(sql_type = Nullable<Jsonb>, select_expression = file_column("picture"), select_expression_type = SqlLiteral<Nullable<Jsonb>>)]
    pub picture: Option<Value>,
}

/// A column of the file of a media row, for statements that do not join it.
fn file_column<T: diesel::sql_types::SingleValue>(name: &str) -> SqlLiteral<T> {
    sql(&format!("(SELECT media_files.{name} FROM media_files WHERE media_files.sha256 = media.sha256)"))
}

impl Row {
    /// What was found in a picture.
    pub fn read_picture(&self) -> Option<Picture> {
        serde_json::from_value(self.picture.clone()?).ok()
    }

    /// All focal points that it has or has had.
    pub fn all_focals(&self) -> Vec<Focal> {
        let former = self.former_focals.chunks_exact(2).map(|pair| Focal { x: pair[0], y: pair[1] });
        std::iter::once(self.content.focal()).chain(former).collect()
    }
}

/// Something that uses media.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(check_for_backend(Pg))]
pub struct UserRow {
    /// The media that it uses.
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub media_id: Uuid,
    /// What it is.
    #[diesel(sql_type = Text)]
    pub entity: MediaUser,
    /// Its id.
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    pub id: Uuid,
    /// Its title, or its name.
    #[diesel(sql_type = Text)]
    pub title: String,
}
