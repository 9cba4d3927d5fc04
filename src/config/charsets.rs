//! The names of character sets, as settings and requests give them.

use clap::ValueEnum;
use encoding_rs::{Encoding, GB18030, GBK};
use serde::Deserialize;
use utoipa::ToSchema;

/// What becomes of a row with bytes that are no characters of its character set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[schema(default = "fail")]
pub enum EncodingErrors {
    /// It fails, with the offset of the first such byte.
    #[default]
    Fail,
    /// U+FFFD takes their place, with a warning.
    Replace,
}

impl EncodingErrors {
    /// The value of the API's parameter, unless it is the default.
    pub(super) fn to_parameter(self) -> Option<String> {
        (self == Self::Replace).then(|| "replace".to_owned())
    }
}

/// Names that the Encoding Standard does not list, without hyphens and the like, and a name that it lists.
const ALIASES: &[(&str, &str)] = &[
    ("utf8sig", "utf-8"),
    ("utf8mb4", "utf-8"),
    ("cp65001", "utf-8"),
    ("utf16", "utf-16"),
    ("utf16le", "utf-16le"),
    ("utf16be", "utf-16be"),
    ("ucs2", "utf-16le"),
    ("cp936", "gbk"),
    ("ms936", "gbk"),
    ("windows936", "gbk"),
    ("euccn", "gbk"),
    ("cp54936", "gb18030"),
    ("gb18030", "gb18030"),
    ("gb180302000", "gb18030"),
    ("gb180302005", "gb18030"),
    ("cp950", "big5"),
    ("ms950", "big5"),
    ("windows950", "big5"),
    ("big5hkscs", "big5"),
    ("cp932", "shift_jis"),
    ("windows932", "shift_jis"),
    ("cp949", "euc-kr"),
    ("ms949", "euc-kr"),
    ("uhc", "euc-kr"),
    ("eucjp", "euc-jp"),
    ("euckr", "euc-kr"),
    ("iso2022jp", "iso-2022-jp"),
    ("koi8", "koi8-r"),
    ("cp1250", "windows-1250"),
    ("cp1251", "windows-1251"),
    ("cp1252", "windows-1252"),
    ("latin1", "windows-1252"),
];

/// Names to suggest.
const COMMON_NAMES: &[&str] = &[
    "utf-8",
    "utf-16le",
    "utf-16be",
    "gbk",
    "gb2312",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "euc-kr",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "windows-874",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "macintosh",
];

/// Least likeness (Jaro-Winkler) of a name to suggest.
const MIN_LIKENESS: f64 = 0.75;

/// Finds the character set with this name, in any case: of the Encoding Standard, or common elsewhere.
///
/// GBK is read as GB18030, which includes it.
pub fn find_charset(name: &str) -> Option<&'static Encoding> {
    let name = name.trim();
    let found = Encoding::for_label_no_replacement(name.as_bytes()).or_else(|| {
        let bare = strip_name(name);
        let listed = ALIASES.iter().find(|(alias, _)| *alias == bare)?.1;
        Encoding::for_label_no_replacement(listed.as_bytes())
    });
    found.map(|encoding| if encoding == GBK { GB18030 } else { encoding })
}

/// Returns the names most like an unknown one, best first; at most three.
pub fn suggest_charsets(name: &str) -> Vec<&'static str> {
    let bare: String = strip_name(name).chars().take(64).collect();
    let likeness = |known: &str| strsim::jaro_winkler(&bare, &strip_name(known));
    let mut near: Vec<_> = COMMON_NAMES.iter().map(|known| (likeness(known), *known)).collect();
    near.retain(|(likeness, _)| *likeness >= MIN_LIKENESS);
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

/// Parses the name of a character set.
pub(super) fn parse_charset(name: &str) -> Result<&'static Encoding, String> {
    find_charset(name).ok_or_else(|| match suggest_charsets(name).as_slice() {
        [] => {
            "unknown character set; known are utf-8, gb18030, big5, shift_jis, euc-kr and others".to_owned()
        }
        near => format!("unknown character set; did you mean {}?", near.join(", ")),
    })
}

/// The letters and digits of a name, in lower case.
fn strip_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_usual_form() {
        for (name, found) in [
            ("GBK", "gb18030"),
            ("gb2312", "gb18030"),
            ("cp936", "gb18030"),
            (" Big5-HKSCS ", "Big5"),
            ("CP950", "Big5"),
            ("utf8", "UTF-8"),
            ("UTF_8_SIG", "UTF-8"),
            ("Windows-31J", "Shift_JIS"),
            ("sjis", "Shift_JIS"),
            ("EUC_JP", "EUC-JP"),
            ("cp949", "EUC-KR"),
            ("latin1", "windows-1252"),
            ("utf-16", "UTF-16LE"),
        ] {
            assert_eq!(find_charset(name).map(Encoding::name), Some(found), "{name}");
        }
        for name in ["klingon", "", "hz-gb-2312", "replacement", "utf-7"] {
            assert_eq!(find_charset(name), None, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_near_ones() {
        assert!(parse_charset("gbkk").unwrap_err().contains("did you mean gbk"));
        assert!(parse_charset("shiftjs").unwrap_err().contains("shift_jis"));
        assert!(parse_charset("utf-9").unwrap_err().contains("utf-8"));
        assert!(parse_charset("klingon").unwrap_err().contains("known are"));
        assert_eq!(parse_charset("gb-18030"), Ok(GB18030));
    }
}
