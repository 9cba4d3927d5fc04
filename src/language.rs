//! The language that a person is answered in.

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
    /// A range like `zh-TW` is served by any Chinese. Of two that it likes as well, the first counts.
    pub fn negotiate(accepted: &str) -> Self {
        let mut best = (0.0, Self::English);
        for range in accepted.split(',') {
            let (tag, weight) = parse_range(range);
            let primary = tag.split('-').next().unwrap_or_default();
            let language = match primary.to_ascii_lowercase().as_str() {
                "zh" => Self::Chinese,
                "en" | "*" => Self::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
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

/// The tag of a range, and its weight. A weight that cannot be read is 0.
fn parse_range(range: &str) -> (&str, f32) {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let weight = match parameters.trim().strip_prefix(['q', 'Q']) {
        None if parameters.trim().is_empty() => 1.0,
        None => 0.0,
        Some(value) => {
            value.trim().strip_prefix('=').and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
        }
    };
    (tag.trim(), if (0.0..=1.0).contains(&weight) { weight } else { 0.0 })
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
            "zh;level=1",
        ] {
            assert_eq!(Language::negotiate(english), Language::English, "{english}");
        }
    }
}
