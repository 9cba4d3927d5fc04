//! Media as clients send them.

use serde::Deserialize;
use url::Url;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Content, Focal};
use super::view::FocalPoint;
use crate::db::types::Audience;
use crate::http::patch::Patch;

/// Longest name of a file, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The most words to find media by.
pub const MAX_TAGS: usize = 50;

/// What is said of a file that is uploaded.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadParams {
    /// The id that it gets; a new one when absent. If media have it, nothing is added: they are changed to what is said here if
    /// the bytes are the same. Set by editors and admins only.
    #[param(nullable = false)]
    pub id: Option<Uuid>,
    /// The name of the file. A part of a form, or `Content-Disposition`, can name it too.
    #[param(max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// What a picture shows, for those who do not see it.
    #[param(max_length = 2000, nullable = false)]
    pub alt: Option<String>,
    /// The text below it.
    #[param(max_length = 2000, nullable = false)]
    pub caption: Option<String>,
    /// Whose work it is.
    #[param(max_length = 2000, nullable = false)]
    pub credit: Option<String>,
    /// The address it was taken from.
    #[param(
        max_length = 2000,
        pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$",
        nullable = false
    )]
    pub source_url: Option<String>,
    /// Words to find it by, comma-separated.
    #[param(inline, value_type = Option<Vec<MediaTag>>, style = Form, explode = false, max_items = 50, nullable = false)]
    pub tags: Option<Vec<String>>,
    /// Whom it is for; `public` when absent.
    #[param(inline, nullable = false)]
    pub audience: Option<Audience>,
}

impl UploadParams {
    /// The media that it describes.
    pub fn into_content(self) -> Content {
        let empty = Content {
            name: String::new(),
            alt: String::new(),
            caption: String::new(),
            credit: String::new(),
            source_url: None,
            tags: Vec::new(),
            focal_x: Focal::MIDDLE.x,
            focal_y: Focal::MIDDLE.y,
            audience: Audience::Public,
        };
        self.over(empty)
    }

    /// The media `current`, with what is said here.
    pub fn over(self, current: Content) -> Content {
        let named = self.name.map(|name| clean_name(&name)).filter(|name| !name.is_empty());
        Content {
            name: named.unwrap_or(current.name),
            alt: self.alt.unwrap_or(current.alt),
            caption: self.caption.unwrap_or(current.caption),
            credit: self.credit.unwrap_or(current.credit),
            source_url: self.source_url.or(current.source_url),
            tags: self.tags.map_or(current.tags, distinct_tags),
            audience: self.audience.unwrap_or(current.audience),
            ..current
        }
    }
}

/// The name of a file without folders, and without characters that a name cannot have or that hide what it is.
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: &char| {
        !c.is_control()
            && !crate::text::is_hidden(*c)
            && !matches!(c, '"' | '<' | '>' | '|' | ':' | '*' | '?')
    };
    let name: String = last.chars().filter(is_plain).collect();
    name.trim().trim_start_matches('.').to_owned()
}

/// The name of the file that an address leads to: the end of its path.
pub fn name_in_url(url: &Url) -> String {
    let name = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    percent_encoding::percent_decode_str(name).decode_utf8_lossy().chars().take(MAX_NAME_CHARS).collect()
}

fn distinct_tags(tags: Vec<String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for tag in tags {
        let tag = tag.trim().to_owned();
        if !tag.is_empty() && !distinct.contains(&tag) {
            distinct.push(tag);
        }
    }
    distinct.truncate(MAX_TAGS);
    distinct
}

/// A word to find media by; without commas, which separate words.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(format = "plain-text", max_length = 64, pattern = r"^[^,]*[^,\s][^,]*$", example = "harbour")]
pub struct MediaTag(String);

/// A change to media. Absent: kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"alt": "The harbour at dawn", "focal_point": {"x": 0.4, "y": 0.3}}))]
pub struct MediaPatch {
    /// The name of the file.
    #[schema(format = "plain-text", min_length = 1, max_length = 200, pattern = r"\S", nullable = false)]
    pub name: Option<String>,
    /// What a picture shows, for those who do not see it.
    #[schema(format = "plain-text", max_length = 2000, nullable = false)]
    pub alt: Option<String>,
    /// The text below it.
    #[schema(max_length = 2000, nullable = false)]
    pub caption: Option<String>,
    /// Whose work it is.
    #[schema(format = "plain-text", max_length = 2000, nullable = false)]
    pub credit: Option<String>,
    /// The address it was taken from.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$")]
    pub source_url: Patch<String>,
    /// Words to find it by, all of them.
    #[schema(max_items = 50, nullable = false)]
    pub tags: Option<Vec<MediaTag>>,
    /// Where a picture is cropped about. Addresses that were made before stay valid.
    #[schema(nullable = false)]
    pub focal_point: Option<FocalPoint>,
    /// Whom it is for.
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
}

impl MediaPatch {
    /// The media after the change.
    pub fn apply(self, current: Content) -> Content {
        let to_thousandths = |part: f64| (part.clamp(0.0, 1.0) * 1000.0).round() as i16;
        let focal = self.focal_point.map_or(current.focal(), |point| Focal {
            x: to_thousandths(point.x),
            y: to_thousandths(point.y),
        });
        Content {
            name: self.name.map_or(current.name, |name| clean_name(&name)),
            alt: self.alt.unwrap_or(current.alt),
            caption: self.caption.unwrap_or(current.caption),
            credit: self.credit.unwrap_or(current.credit),
            source_url: self.source_url.over(current.source_url),
            tags: self
                .tags
                .map_or(current.tags, |tags| distinct_tags(tags.into_iter().map(|tag| tag.0).collect())),
            focal_x: focal.x,
            focal_y: focal.y,
            audience: self.audience.unwrap_or(current.audience),
        }
    }
}

/// A file that is to be fetched.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://www.example.org/harbour.jpg", "alt": "The harbour at dawn"}))]
pub struct FetchRequest {
    /// The address of the file (http or https), on the public internet.
    #[schema(max_length = 2000, pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$")]
    pub url: String,
    /// The name of the file; that in the address when absent.
    #[schema(format = "plain-text", max_length = 200)]
    pub name: Option<String>,
    /// What a picture shows, for those who do not see it.
    #[schema(format = "plain-text", max_length = 2000)]
    pub alt: Option<String>,
    /// The text below it.
    #[schema(max_length = 2000)]
    pub caption: Option<String>,
    /// Whose work it is.
    #[schema(format = "plain-text", max_length = 2000)]
    pub credit: Option<String>,
    /// Words to find it by.
    #[schema(max_items = 50, nullable = false)]
    #[serde(default)]
    pub tags: Vec<MediaTag>,
    /// Whom it is for; `public` when absent.
    #[schema(nullable = false)]
    pub audience: Option<Audience>,
}

impl FetchRequest {
    /// What is said of the file.
    pub fn into_params(self, name: String) -> UploadParams {
        UploadParams {
            id: None,
            name: Some(self.name.unwrap_or(name)),
            alt: self.alt,
            caption: self.caption,
            credit: self.credit,
            source_url: Some(self.url),
            tags: Some(self.tags.into_iter().map(|tag| tag.0).collect()),
            audience: self.audience,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_folders_and_hides_nothing() {
        for (given, clean) in [
            ("harbour.jpg", "harbour.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\pictures\\a b.png", "a b.png"),
            ("photo\u{202e}gnp.exe", "photognp.exe"),
            ("a\0b\r\n.png", "ab.png"),
            (".htaccess", "htaccess"),
            ("质量.jpg", "质量.jpg"),
            ("a\".html", "a.html"),
            ("/", ""),
        ] {
            assert_eq!(clean_name(given), clean, "{given:?}");
        }
    }
}
