//! The texts in a short XML answer.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

/// The most elements in each other. S3 has four.
const MAX_DEPTH: usize = 16;

/// Calls `found` with the path and the text of each element, when it ends. Reads up to the first mistake.
pub(super) fn read_texts(xml: &str, mut found: impl FnMut(&[&str], String)) {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<(String, String)> = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) if open.len() < MAX_DEPTH => {
                open.push((tag.local_name().as_ref().to_owned(), String::new()));
            }
            Ok(Event::Text(text)) => add_text(&mut open, &text),
            Ok(Event::CData(text)) => add_text(&mut open, &text),
            Ok(Event::GeneralRef(name)) => {
                let reference = format!("&{};", &*name);
                add_text(&mut open, &unescape(&reference).unwrap_or_default());
            }
            Ok(Event::End(_)) => {
                let path: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
                let text = open.last().map(|(_, text)| text.clone()).unwrap_or_default();
                found(&path, text);
                open.pop();
            }
            Ok(Event::Eof | Event::Start(_)) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn add_text(open: &mut [(String, String)], text: &str) {
    if let Some((_, texts)) = open.last_mut() {
        texts.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_is_told_with_its_path_and_text() {
        let mut told = Vec::new();
        let xml = "<?xml version=\"1.0\"?><a xmlns=\"x\"><b>1 &amp; 2</b><n:c/><b><![CDATA[<3>]]></b></a><";
        read_texts(xml, |path, text| told.push((path.join("/"), text)));
        let expected = [("a/b", "1 & 2"), ("a/b", "<3>"), ("a", "")];
        assert_eq!(told, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }
}
