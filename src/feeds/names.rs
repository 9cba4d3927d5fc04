//! The names of the files: what a feed is of, and its format.

use percent_encoding::percent_decode_str;

/// The most characters of the name of what a feed is of.
const MAX_NAME_CHARS: usize = 200;

/// The format of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedFormat {
    /// RFC 4287.
    Atom,
    /// RSS 2.0.
    Rss,
    /// JSON Feed 1.1.
    Json,
}

impl FeedFormat {
    /// All.
    pub const ALL: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    /// The ending of the file.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Rss => "rss",
            Self::Json => "json",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml",
            Self::Rss => "application/rss+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// The format with this ending.
    pub fn find(ending: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.ending() == ending)
    }
}

/// The name and the format in a segment of a path, in which `%`, `/` and `+` may still be encoded. The name may hold dots
/// and slashes: what follows the last dot is the format.
pub fn parse_file(segment: &str) -> Option<(String, FeedFormat)> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    let (name, ending) = decoded.rsplit_once('.')?;
    let fits = !name.trim().is_empty() && !name.contains('\0') && name.chars().nth(MAX_NAME_CHARS).is_none();
    Some((name.to_owned(), FeedFormat::find(ending)?)).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ending_is_the_format() {
        for (segment, name, format) in [
            ("news.atom", "news", FeedFormat::Atom),
            ("a.rss.json", "a.rss", FeedFormat::Json),
            ("...atom", "..", FeedFormat::Atom),
            ("a%2Fb%252F.rss", "a/b%2F", FeedFormat::Rss),
            ("C++ 11.x.rss", "C++ 11.x", FeedFormat::Rss),
            ("质量.json", "质量", FeedFormat::Json),
        ] {
            assert_eq!(parse_file(segment), Some((name.to_owned(), format)), "{segment}");
        }
        let long = format!("{}.rss", "a".repeat(201));
        for segment in
            ["news", "news.xml", "news.ATOM", ".atom", " .atom", "a%00.rss", "%ff.rss", "a.rss.", &long]
        {
            assert_eq!(parse_file(segment), None, "{segment}");
        }
    }
}
