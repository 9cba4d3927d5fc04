//! The language that a person is answered in.

use crate::ranges::parse_ranges;

tokio::task_local! {
    /// The language of the request being served.
    pub static LANGUAGE: Language;
}

/// A language that the server's sentences are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, for all who ask for nothing else.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language of the request being served; English outside of one.
    pub fn current() -> Self {
        LANGUAGE.try_with(|language| *language).unwrap_or_default()
    }

    /// The language that an `Accept-Language` header likes best (RFC 9110 §12.5.4). English if it likes none.
    ///
    /// A range like `zh-TW` is served by any Chinese. Of two that it likes as well, the first counts. `*` is English,
    /// unless that is excluded.
    pub fn negotiate(accepted: &str) -> Self {
        let ranges = parse_ranges(accepted);
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let excludes =
            |language: &str| ranges.iter().any(|(tag, weight)| *weight == 0.0 && primary(tag) == language);
        let mut best = (0.0, Self::English);
        for (tag, weight) in &ranges {
            let language = match primary(tag).as_str() {
                "zh" => Self::Chinese,
                "en" => Self::English,
                "*" if excludes("en") && !excludes("zh") => Self::Chinese,
                "*" => Self::English,
                _ => continue,
            };
            if *weight > best.0 {
                best = (*weight, language);
            }
        }
        best.1
    }

    /// The language tag, for `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_greatest_weight_is_taken() {
        for chinese in [
            "zh",
            "ZH",
            "zh-CN",
            "zh-Hans",
            "zh-Hant-TW",
            "zh-TW,zh;q=0.9,en;q=0.8",
            "fr, zh;q=0.1",
            "en;q=0.3, zh-HK;q=0.5",
            "en;q=0, zh;q=0.001",
            " zh ; q = 0.5 , *;q=0.1",
            "zh,en",
            "zh;level=1",
            "zh;level=1;q=0.5, en;q=0.4",
            "en;q=0, *;q=0.5",
        ] {
            assert_eq!(Language::negotiate(chinese), Language::Chinese, "{chinese}");
        }
        for english in [
            "",
            "en",
            "*",
            "fr",
            "en,zh",
            "zh;q=0",
            "zh;q=x",
            "zh;q=2",
            "zh;q=0.5,*",
            "zhx",
            ",;,",
            "en;q=0, zh;q=0, *",
        ] {
            assert_eq!(Language::negotiate(english), Language::English, "{english}");
        }
    }
}
