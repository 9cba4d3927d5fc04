//! Decodes a page or another file that is held in memory.

use std::io::Cursor;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};

use super::choice::{Choice, choose_by_head};
use super::declared::Declaration;
use super::decoder::TextDecoder;

/// A page as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedPage {
    /// Its text. It has [marks](super::marks) where bytes are no characters.
    pub text: String,
    /// The character set that it was in.
    pub charset: &'static Encoding,
    /// What the page declares and is not: a clause about the page, for a warning.
    pub contradiction: Option<String>,
}

/// Decodes a page. The character set is the one given, if there is one, else that of the page.
///
/// What cannot be decoded becomes a mark in the text. Whoever takes the rows of a reader finds the marks in
/// them, so a reader need not look for them.
pub fn decode_page(bytes: &[u8], given: Option<&'static Encoding>, declaration: Declaration) -> DecodedPage {
    let shared: Arc<[u8]> = bytes.into();
    let choice = choose_by_head(given, declaration, bytes, &mut || Ok(Box::new(Cursor::new(shared.clone()))));
    // Reading from memory does not fail.
    let choice = choice.unwrap_or(Choice { encoding: UTF_8, is_guessed: true, contradiction: None });
    let mut text = String::new();
    TextDecoder::new(choice.encoding).decode(bytes, true, &mut text);
    DecodedPage { text, charset: choice.encoding, contradiction: choice.contradiction }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, EUC_JP, EUC_KR, GB18030, ISO_2022_JP, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

    use super::super::marks::resolve_marks;
    use super::*;

    const CHINESE: &str = "省计量院发布新规程，要求各地在年底之前完成衡器的全面核查。";
    const TRADITIONAL: &str = "省計量院發佈新規程，要求各地在年底之前完成衡器的全面核查。";
    const JAPANESE: &str = "県の計量検定所は本日、新しい検定規程を発表しました。";
    const KOREAN: &str = "도 계량원은 오늘 새로운 검정 규정을 발표하였다.";
    const RUSSIAN: &str = "Институт метрологии опубликовал новые правила поверки весов.";
    const FRENCH: &str = "L'institut a publié de nouvelles règles après une étude menée à Besançon.";

    fn sets() -> [(&'static Encoding, &'static str); 10] {
        [
            (UTF_8, CHINESE),
            (UTF_8, RUSSIAN),
            (GB18030, CHINESE),
            (BIG5, TRADITIONAL),
            (SHIFT_JIS, JAPANESE),
            (EUC_JP, JAPANESE),
            (ISO_2022_JP, JAPANESE),
            (EUC_KR, KOREAN),
            (WINDOWS_1251, RUSSIAN),
            (WINDOWS_1252, FRENCH),
        ]
    }

    /// Decodes without a declaration.
    fn decode(bytes: &[u8]) -> DecodedPage {
        decode_page(bytes, None, Declaration::None)
    }

    #[test]
    fn texts_of_any_length_are_found_out_also_beside_lines_that_are_valid_by_chance() {
        for (encoding, text) in sets() {
            let ascii = "plain, plain\n".repeat(20);
            let mut texts =
                vec![text.to_owned(), format!("{ascii}{text}\n{ascii}"), format!("{text}\n").repeat(300)];
            // After more than what is read at a time.
            texts.push(format!("{}{text}\n", "plain, plain\n".repeat(6_000)));
            if encoding == GB18030 {
                texts.push(format!("通知\n图片\n{text}"));
                texts.push(format!("{}{text}", "通知\n图片\n通知\n资料\n".repeat(50)));
            }
            for text in texts {
                let decoded = decode(&encoding.encode(&text).0);
                let shown: String = text.chars().take(60).collect();
                assert_eq!(
                    (decoded.charset, decoded.text == text),
                    (encoding, true),
                    "{} {shown}",
                    text.len()
                );
            }
        }
    }

    #[test]
    fn a_short_title_alone_is_found_out() {
        for (encoding, text) in [
            (GB18030, "省计量院发布新规程"),
            (GB18030, "通知：全省质量提升行动取得新进展"),
            (BIG5, "省計量院發佈新規程"),
            (EUC_KR, "새로운 검정 규정"),
            (SHIFT_JIS, "新しい検定規程を発表"),
        ] {
            assert_eq!(decode(&encoding.encode(text).0).text, text, "{}", encoding.name());
        }
    }

    #[test]
    fn a_bad_byte_changes_nothing_but_its_own_place() {
        for (encoding, text) in sets().into_iter().filter(|(encoding, _)| *encoding != ISO_2022_JP) {
            if encoding == WINDOWS_1251 || encoding == WINDOWS_1252 {
                continue;
            }
            for repeats in [1, 200] {
                let mut bytes = encoding.encode(&format!("title,\n{text}\n").repeat(repeats)).0.into_owned();
                bytes.insert(6, 0xff);
                let decoded = decode(&bytes);
                let resolved = resolve_marks(&decoded.text);
                assert_eq!(decoded.charset, encoding, "{repeats}");
                assert_eq!((resolved.undecoded.count, resolved.undecoded.first), (1, Some(6)));
                assert!(resolved.text.ends_with(&format!("{text}\n")));
            }
        }
    }

    #[test]
    fn a_declaration_that_the_bytes_contradict_is_told() {
        for (declared, encoding, text, read) in [
            ("utf-8", GB18030, CHINESE, GB18030),
            ("gb2312", UTF_8, CHINESE, UTF_8),
            ("iso-8859-1", GB18030, CHINESE, GB18030),
            ("windows-1252", UTF_8, RUSSIAN, UTF_8),
            ("utf-8", WINDOWS_1252, FRENCH, WINDOWS_1252),
            ("gb2312", BIG5, TRADITIONAL, BIG5),
            ("hz-gb-2312", GB18030, CHINESE, GB18030),
        ] {
            let text = format!("<meta charset={declared}><p>{}", text.repeat(8));
            let page = decode_page(&encoding.encode(&text).0, None, Declaration::Html);
            assert_eq!((page.charset, page.text == text), (read, true), "{declared} {}", encoding.name());
            assert!(page.contradiction.unwrap().contains(declared));
        }
    }

    #[test]
    fn a_declaration_is_believed_where_the_bytes_leave_it_open() {
        for (declared, encoding, text) in [
            ("gbk", GB18030, "通知"),
            ("GB2312", GB18030, "通知\n图片\n"),
            ("big5", BIG5, "質量"),
            ("euc-jp", EUC_JP, "計量"),
            ("shift_jis", SHIFT_JIS, "計量"),
            ("windows-1251", WINDOWS_1251, "Да"),
            ("utf-16", UTF_8, CHINESE),
            ("iso-8859-1", WINDOWS_1252, FRENCH),
            ("iso-2022-jp", ISO_2022_JP, JAPANESE),
        ] {
            let text = format!("<meta charset={declared}><p>{text}");
            let page = decode_page(&encoding.encode(&text).0, None, Declaration::Html);
            assert_eq!((page.text, page.contradiction), (text, None), "{declared}");
        }
    }
}
