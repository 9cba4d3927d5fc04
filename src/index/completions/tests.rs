//! What was typed finds the texts that it begins, and no others.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::letters::{Letter, list_beginnings, list_letters};
use super::{Typed, make_keys};

/// Whether `typed` finds `text`: a key is among those sought, and the text is meant.
fn finds(typed: &str, text: &str) -> bool {
    let typed = Typed::parse(typed).unwrap();
    let prefixes = typed.prefixes();
    assert!((1..=32).contains(&prefixes.len()), "{prefixes:?}");
    let is_sought = make_keys(text).iter().any(|key| prefixes.iter().any(|prefix| key.starts_with(prefix)));
    let is_meant = typed.matches(text);
    assert!(is_sought || !is_meant, "{prefixes:?} are in none of {:?}", make_keys(text));
    is_sought && is_meant
}

#[test]
fn a_title_is_found_by_characters_pinyin_initials_and_their_mixtures() {
    let title = "质量提升行动";
    let found = "质|质量|质量提升行动|z|zh|zhi|zhil|zhiliang|zhiliangtisheng|zl|zlts|zltsxd|zhlts|zhltshxd|zhiliang ts|\
                 zhi liang ti|zhi'liang|质l|质liang|质lia|zl提|zhiliang提sh|质lts|zhilts|ZHILIANG|ｚｌ|zhìliàng|质 量|\
                 zliang|zliangts";
    for typed in found.split('|') {
        assert!(finds(typed, title), "{typed}");
    }
    let others = "量|liang|zt|zhia|zlx|质t|zhilx|zhiliangx|zhi l iang|质量提升行动x|h|zhiiang";
    for typed in others.split('|') {
        assert!(!finds(typed, title), "{typed}");
    }
}

#[test]
fn a_title_is_found_from_beginnings_inside_it() {
    let title = "通知：《计量法》修订——采用ISO 9001，GB/T 19001-2016 施行";
    for typed in ["tz", "计量", "jlf", "《计量", "xiuding", "采用iso", "iso", "iso9001", "ISO 9001", "9001"]
    {
        assert!(finds(typed, title), "{typed}");
    }
    for typed in ["gb", "gb/t 19", "gbt19001", "19001", "2016"] {
        assert!(finds(typed, "GB/T 19001-2016"), "{typed}");
    }
    for typed in ["量法", "so", "用", "001", "iso 9001x"] {
        assert!(!finds(typed, title), "{typed}");
    }
    assert!(finds("lun", "“伦”字"));
    assert!(finds("2.29", "2.29万台衡器") && finds("229w", "2.29万台衡器") && !finds("22.9", "2.29万台衡器"));
}

#[test]
fn a_character_with_several_readings_is_found_by_each() {
    for (text, typed) in [
        ("重庆长安银行", ["chongqing", "cqca", "chongqingchanganyinhang", "zhongqing"]),
        ("乐山大佛", ["leshan", "ls", "leshandafo", "lsdf"]),
        ("行业率先调查", ["hangye", "hy", "hangyeshuaixian", "hysxdc"]),
        ("绿色旅游", ["lvse", "luse", "lvselvyou", "lsly"]),
        ("女儿", ["nver", "nuer", "nver", "nüer"]),
        ("乾坤", ["qiankun", "qk", "乾k", "gankun"]),
        ("西安", ["xian", "xi'an", "xi an", "xa"]),
    ] {
        for typed in typed {
            assert!(finds(typed, text), "{typed}, {text}");
        }
    }
    assert!(finds("xian", "先锋") && !finds("xi'an", "先锋") && !finds("xi an", "先锋"));
}

#[test]
fn either_script_finds_both() {
    for (typed, text) in
        [("質量", "质量"), ("质量", "質量提升"), ("發z", "发展"), ("发展", "發展"), ("髮", "发型")]
    {
        assert!(finds(typed, text), "{typed}, {text}");
    }
}

#[test]
fn latin_words_are_found_by_their_letters_without_gaps_that_are_not_there() {
    let text = "New York Times: Qualität im Handel";
    for typed in ["new", "new yo", "newyork", "york", "times q", "qualitat", "Qualität"] {
        assert!(finds(typed, text), "{typed}");
    }
    for typed in ["ne w", "n y", "ny", "ork", "nw"] {
        assert!(!finds(typed, text), "{typed}");
    }
}

#[test]
fn what_has_no_letter_is_no_beginning_of_anything() {
    for typed in ["", " ", "《“", "……", "\u{200b}", "😀"] {
        assert!(Typed::parse(typed).is_none(), "{typed}");
        assert!(make_keys(typed).is_empty(), "{typed}");
    }
}

#[test]
fn keys_are_few_and_short() {
    assert_eq!(make_keys("质量法"), ["c:质量法", "i:zlf", "p:zhiliangfa"]);
    assert_eq!(make_keys("ISO 9001"), ["p:9001", "p:iso9001"]);
    let keys = make_keys(&"重行长乐，".repeat(60));
    assert!(keys.len() <= 6 * 17, "{}", keys.len());
    assert!(keys.iter().all(|key| key.chars().count() <= 34), "{keys:?}");
}

#[test]
fn what_is_long_or_can_be_read_in_many_ways_is_bounded() {
    for typed in [
        "ang".repeat(500),
        "anenang".repeat(50),
        "xianshangan".repeat(9),
        "质a".repeat(300),
        "a1".repeat(400),
    ] {
        let prefixes = Typed::parse(&typed).unwrap().prefixes();
        assert!((1..=32).contains(&prefixes.len()), "{typed}: {prefixes:?}");
        assert!(prefixes.iter().all(|prefix| prefix.chars().count() <= 34), "{typed}: {prefixes:?}");
    }
    assert!(finds("angangang", &"昂".repeat(30)) && finds(&"ang".repeat(30), &"昂".repeat(30)));
    assert!(finds(&"a".repeat(30), &"昂".repeat(30)) && finds(&"昂".repeat(30), &"昂".repeat(30)));
}

/// A text of up to three characters with two common readings, others with one, and what is not Han.
fn any_text() -> impl Strategy<Value = String> {
    let single = prop::sample::select(
        "质量检定农贸市场安昂恩爱儿鹅衡器办公室工程2019abxz ，《".chars().collect::<Vec<_>>(),
    );
    let double = prop::sample::select("重长乐行".chars().collect::<Vec<_>>());
    (
        prop::collection::vec(single, 1..14),
        prop::collection::vec((double, any::<prop::sample::Index>()), 0..4),
    )
        .prop_map(|(mut characters, doubles)| {
            for (double, at) in doubles {
                let at = at.index(characters.len());
                characters[at] = double;
            }
            characters.into_iter().collect()
        })
}

/// What can be typed for a letter before the last that is typed.
fn list_forms(letter: &Letter) -> Vec<String> {
    let mut forms = BTreeSet::from([letter.character.to_string()]);
    for (reading, _) in letter.rate_readings().into_iter().filter(|(_, cost)| *cost <= 1) {
        forms.insert(reading[..1].to_owned());
        if reading.starts_with("zh") || reading.starts_with("ch") || reading.starts_with("sh") {
            forms.insert(reading[..2].to_owned());
        }
        forms.insert(reading.into_owned());
    }
    forms.into_iter().collect()
}

/// Whether `typed` can be typed for the beginning of `text`. Gaps are not considered.
fn is_given(typed: &str, text: &[Letter]) -> bool {
    let Some((letter, rest)) = text.split_first() else { return typed.is_empty() };
    let readings = letter.rate_readings();
    typed.is_empty()
        || readings.iter().any(|(reading, _)| reading.starts_with(typed))
        || readings.iter().any(|(reading, _)| {
            let is_double = ["zh", "ch", "sh"].iter().any(|double| reading.starts_with(double));
            let lengths = [1, if is_double { 2 } else { 1 }, reading.len()];
            lengths.iter().any(|length| {
                typed.strip_prefix(&reading[..*length]).is_some_and(|typed| is_given(typed, rest))
            })
        })
        || typed.strip_prefix(letter.character).is_some_and(|typed| is_given(typed, rest))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_beginning_of_every_spelling_is_found(
        text in any_text(),
        start in any::<prop::sample::Index>(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), prop::bool::weighted(0.2)), 20),
        whole in 0..4,
    ) {
        let letters = list_letters(&text);
        prop_assume!(!letters.is_empty());
        let beginnings = list_beginnings(&letters);
        let beginning = beginnings[start.index(beginnings.len())];
        let mut typed = String::new();
        for (letter, (pick, has_gap)) in beginning.iter().zip(&picks) {
            let forms = list_forms(letter);
            // All characters, all pinyin, all initials, or a mixture.
            let form = match whole {
                0 => &forms[forms.len() - 1],
                1 => &forms[0],
                _ => &forms[pick.index(forms.len())],
            };
            typed.push_str(if *has_gap && letter.begins_word { " " } else { "" });
            typed.push_str(form);
        }
        let ends = typed.char_indices().map(|(at, c)| at + c.len_utf8());
        for end in ends.filter(|end| Typed::parse(&typed[..*end]).is_some()) {
            prop_assert!(finds(&typed[..end], &text), "{}, {text}: {:?}", &typed[..end], make_keys(&text));
        }
    }

    #[test]
    fn what_no_reading_gives_is_not_found(text in any_text(), typed in "[azhilngose质重]{1,7}") {
        let letters = list_letters(&text);
        let is_meant = list_beginnings(&letters).into_iter().any(|beginning| is_given(&typed, beginning));
        prop_assert_eq!(Typed::parse(&typed).unwrap().matches(&text), is_meant);
    }

    #[test]
    fn anything_can_be_typed(typed in any::<String>(), text in any::<String>()) {
        if let Some(typed) = Typed::parse(&typed) {
            prop_assert!((1..=32).contains(&typed.prefixes().len()));
            let is_sought =
                make_keys(&text).iter().any(|key| typed.prefixes().iter().any(|prefix| key.starts_with(prefix)));
            prop_assert!(is_sought || !typed.matches(&text));
        }
        for key in make_keys(&text) {
            prop_assert!(key.chars().count() <= 34);
        }
    }
}
