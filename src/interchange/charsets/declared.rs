//! Finds the character set that a text itself names: in its XML declaration, or in a `meta` of a page.

use std::ops::ControlFlow;

use encoding_rs::Encoding;

/// Elements whose content is no markup.
const RAW_ELEMENTS: [&[u8]; 4] = [b"script", b"style", b"title", b"textarea"];

/// Where a text can name its character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// In a `meta` of HTML, or in an XML declaration.
    Html,
    /// In an XML declaration.
    Xml,
    /// In the header that came with it, as this character set.
    Header(&'static Encoding),
    /// Nowhere.
    None,
}

/// Finds the name of the character set that a text declares. A `meta` can be anywhere in a page.
pub fn find_declared(text: &[u8], declaration: Declaration) -> Option<String> {
    match declaration {
        Declaration::Html => find_in_meta(text).or_else(|| find_in_xml(text)),
        Declaration::Xml => find_in_xml(text),
        Declaration::Header(encoding) => Some(encoding.name().to_owned()),
        Declaration::None => None,
    }
}

/// Reads `<?xml version="1.0" encoding="…"?>` at the beginning of a text.
fn find_in_xml(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii_start();
    let declaration = text.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|bytes| bytes == b"?>")?;
    let mut name = None;
    read_attributes(&declaration[..end], &mut |key, value| {
        if key.eq_ignore_ascii_case(b"encoding") {
            name = to_name(value);
        }
    });
    name
}

/// Reads the first `meta` that names a character set. Leaves out comments and scripts.
fn find_in_meta(text: &[u8]) -> Option<String> {
    let mut found = None;
    walk_tags(text, |tag, attributes| {
        if tag.eq_ignore_ascii_case(b"meta") {
            found = read_meta(attributes);
        }
        if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found
}

/// Calls `each` with the name of each start tag and what follows it, until `each` breaks.
fn walk_tags(text: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"!--") {
            rest = skip_past(rest, b"-->");
            continue;
        }
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let (name, after) = rest.split_at(length);
        if name.is_empty() {
            continue;
        }
        if each(name, after).is_break() {
            return;
        }
        rest = after;
        if let Some(raw) = RAW_ELEMENTS.iter().find(|raw| raw.eq_ignore_ascii_case(name)) {
            rest = skip_element(after, raw);
        }
    }
}

fn skip_past<'t>(text: &'t [u8], end: &[u8]) -> &'t [u8] {
    text.windows(end.len()).position(|bytes| bytes == end).map_or(&[], |at| &text[at + end.len()..])
}

/// Skips to the end tag of an element. An element without an end is not skipped.
fn skip_element<'t>(text: &'t [u8], name: &[u8]) -> &'t [u8] {
    let is_end = |bytes: &[u8]| bytes.starts_with(b"</") && bytes[2..].eq_ignore_ascii_case(name);
    text.windows(name.len() + 2).position(is_end).map_or(text, |at| &text[at..])
}

/// The character set of a `meta`: its `charset`, or that of the content type in its `content`.
fn read_meta(attributes: &[u8]) -> Option<String> {
    let (mut charset, mut content, mut is_content_type) = (None, None, false);
    read_attributes(attributes, &mut |key, value| match key.to_ascii_lowercase().as_slice() {
        b"charset" => charset = charset.take().or_else(|| to_name(value)),
        b"content" => content = content.take().or_else(|| read_content_type(value)),
        b"http-equiv" => is_content_type |= value.trim_ascii().eq_ignore_ascii_case(b"content-type"),
        _ => {}
    });
    charset.or(content.filter(|_| is_content_type))
}

/// Reads the `charset` of a content type like `text/html; charset=gb2312`.
fn read_content_type(value: &[u8]) -> Option<String> {
    let mut rest = value;
    loop {
        let at = rest.windows(7).position(|bytes| bytes.eq_ignore_ascii_case(b"charset"))?;
        rest = rest[at + 7..].trim_ascii_start();
        let Some(name) = rest.strip_prefix(b"=") else { continue };
        let name = name.trim_ascii_start();
        let name = name.strip_prefix(b"\"").or(name.strip_prefix(b"'")).unwrap_or(name);
        let is_end = |byte: &u8| matches!(byte, b';' | b',' | b'"' | b'\'') || byte.is_ascii_whitespace();
        return to_name(&name[..name.iter().position(is_end).unwrap_or(name.len())]);
    }
}

/// Calls `each` with the key and the value of each attribute, up to the end of the tag.
fn read_attributes(mut rest: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) {
    loop {
        let is_gap = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?');
        let gap = rest.iter().take_while(|byte| is_gap(byte)).count();
        rest = &rest[gap..];
        let is_key = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'<' | b'/');
        let (key, after) = rest.split_at(rest.iter().take_while(|byte| is_key(byte)).count());
        if key.is_empty() {
            return;
        }
        let Some(value) = after.trim_ascii_start().strip_prefix(b"=") else {
            each(key, b"");
            rest = after;
            continue;
        };
        let value = value.trim_ascii_start();
        let length = match value.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let value = &value[1..];
                let Some(end) = value.iter().position(|byte| byte == quote) else { return };
                each(key, &value[..end]);
                rest = &value[end + 1..];
                continue;
            }
            _ => value.iter().take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'>').count(),
        };
        each(key, &value[..length]);
        rest = &value[length..];
    }
}

fn to_name(value: &[u8]) -> Option<String> {
    let name = String::from_utf8_lossy(value.trim_ascii()).into_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str, declaration: Declaration) -> Option<String> {
        find_declared(text.as_bytes(), declaration)
    }

    #[test]
    fn a_meta_names_the_character_set_in_any_form() {
        for text in [
            "<meta charset=gbk>",
            "<META CharSet='gbk'/>",
            "<meta\n charset = \"gbk\" />",
            "<meta name=a content=b><meta charset=\"gbk\">",
            "<meta http-equiv=Content-Type content=\"text/html; charset=gbk\">",
            "<META content='text/html;CHARSET = gbk' HTTP-EQUIV=\"content-type\">",
            "<meta http-equiv='content-type' content=\"text/html; charset='gbk'\">",
            "<!-- <meta charset=big5> --><meta charset=gbk>",
            "<script>a = '<meta charset=big5>'</script><meta charset=gbk>",
            "<title><meta charset=big5></title><meta charset=gbk>",
            "<meta content='a; charset=big5' name=b><meta charset=gbk>",
            "<meta charset><meta charset=''><meta charset=gbk>",
            "<?xml version='1.0' encoding='utf-8'?><meta charset=gbk>",
            "<?xml version='1.0' encoding='gbk'?><html>",
            "<body><p>a<meta charset=gbk>",
        ] {
            assert_eq!(declared(text, Declaration::Html).as_deref(), Some("gbk"), "{text}");
        }
        let far = format!("<style>{}</style><meta charset=gbk>", "a{}".repeat(50_000));
        assert_eq!(declared(&far, Declaration::Html).as_deref(), Some("gbk"));
        for text in [
            "",
            "<",
            "<meta",
            "<meta charset=",
            "<meta charset=\"gbk",
            "<!-- <meta charset=gbk>",
            "charset=gbk",
        ] {
            assert_eq!(
                declared(text, Declaration::Html).filter(|_| text != "<meta charset=gbk"),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn an_xml_declaration_names_the_character_set() {
        for text in [
            "<?xml version=\"1.0\" encoding=\"GB2312\"?>",
            "\n<?xml version='1.0' encoding = 'GB2312' standalone='yes' ?>",
            "<?xml encoding=\"GB2312\" version=\"1.0\"?><rss/>",
        ] {
            assert_eq!(declared(text, Declaration::Xml).as_deref(), Some("GB2312"), "{text}");
        }
        for text in ["<?xml version='1.0'?><rss encoding='a'/>", "<rss/>", "<?xml version='1.0' encoding='a'"]
        {
            assert_eq!(declared(text, Declaration::Xml), None, "{text}");
        }
    }
}
