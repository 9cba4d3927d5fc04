//! The XML of sitemaps.

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};

use super::model::{Address, IndexedFile, MAX_ADDRESS_BYTES};
use crate::http::xml::XmlWriter;

const SITEMAP: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");
const NEWS: (&str, &str) = ("xmlns:news", "http://www.google.com/schemas/sitemap-news/0.9");
/// For the addresses of a page in other languages.
const XHTML: (&str, &str) = ("xmlns:xhtml", "http://www.w3.org/1999/xhtml");
/// Bytes that an address takes usually.
const USUAL_BYTES: usize = 192;

/// Writes the index.
pub fn write_index(files: &[IndexedFile]) -> io::Result<Vec<u8>> {
    let mut xml = XmlWriter::with_capacity(USUAL_BYTES * (files.len() + 1))?;
    xml.open("sitemapindex", &[SITEMAP])?;
    for file in files {
        xml.open("sitemap", &[])?;
        xml.text("loc", &file.address)?;
        write_time(&mut xml, "lastmod", file.modified_at)?;
        xml.close("sitemap")?;
    }
    xml.close("sitemapindex")?;
    Ok(xml.finish())
}

/// Writes a file. `publication` is the name of the site and its language, for news.
pub fn write_addresses(addresses: &[Address], publication: (&str, &str)) -> io::Result<Vec<u8>> {
    let mut xml = XmlWriter::with_capacity(USUAL_BYTES * (addresses.len() + 1))?;
    let mut namespaces = vec![SITEMAP];
    namespaces.extend(addresses.iter().any(|one| one.news.is_some()).then_some(NEWS));
    namespaces.extend(addresses.iter().any(|one| !one.alternates.is_empty()).then_some(XHTML));
    xml.open("urlset", &namespaces)?;
    for address in addresses.iter().filter(|one| is_short(&one.address)) {
        write_address(&mut xml, address, publication)?;
    }
    xml.close("urlset")?;
    Ok(xml.finish())
}

fn write_address(xml: &mut XmlWriter, address: &Address, publication: (&str, &str)) -> io::Result<()> {
    xml.open("url", &[])?;
    xml.text("loc", &address.address)?;
    write_time(xml, "lastmod", address.modified_at)?;
    for alternate in &address.alternates {
        let language = ("hreflang", alternate.language.as_str());
        xml.empty("xhtml:link", &[("rel", "alternate"), language, ("href", &alternate.address)])?;
    }
    if let Some(news) = &address.news {
        let (name, language) = publication;
        xml.open("news:news", &[])?;
        xml.open("news:publication", &[])?;
        xml.text("news:name", name)?;
        xml.text("news:language", language)?;
        xml.close("news:publication")?;
        write_time(xml, "news:publication_date", Some(news.published_at))?;
        xml.text("news:title", &news.title)?;
        xml.close("news:news")?;
    }
    xml.close("url")
}

fn write_time(xml: &mut XmlWriter, name: &str, at: Option<DateTime<Utc>>) -> io::Result<()> {
    at.map_or(Ok(()), |at| xml.text(name, &at.to_rfc3339_opts(SecondsFormat::Secs, true)))
}

/// Whether an address is short enough for the protocol, escaped as it is written.
fn is_short(address: &str) -> bool {
    const ESCAPE_BYTES: usize = "&apos;".len() - 1;
    let escaped = address.bytes().filter(|byte| b"&'\"<>".contains(byte)).count();
    address.len() + ESCAPE_BYTES * escaped < MAX_ADDRESS_BYTES
}

/// The language of news, as sitemaps name it: two or three letters, but for Chinese, of which there are two.
pub fn find_news_language(locale: &str) -> String {
    let locale = locale.to_ascii_lowercase();
    let mut parts = locale.split('-');
    match parts.next() {
        Some("zh") => {
            let is_traditional = parts.any(|part| ["hant", "tw", "hk", "mo"].contains(&part));
            if is_traditional { "zh-tw".to_owned() } else { "zh-cn".to_owned() }
        }
        first => first.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sitemaps::model::Alternate;

    #[test]
    fn languages_are_named_as_news_names_them() {
        for (locale, language) in [
            ("zh-CN", "zh-cn"),
            ("zh", "zh-cn"),
            ("zh-Hant-HK", "zh-tw"),
            ("zh-TW", "zh-tw"),
            ("de-AT", "de"),
            ("EN", "en"),
        ] {
            assert_eq!(find_news_language(locale), language);
        }
    }

    #[test]
    fn a_page_in_other_languages_names_them() {
        let alternate =
            Alternate { language: "en".to_owned(), address: "https://a.example/en?a&b".to_owned() };
        let page = Address {
            address: "https://a.example/".to_owned(),
            alternates: vec![alternate],
            ..Address::default()
        };
        let text = String::from_utf8(write_addresses(&[page], ("", "")).unwrap()).unwrap();
        assert!(text.contains("xmlns:xhtml=\"http://www.w3.org/1999/xhtml\""), "{text}");
        let link = "<xhtml:link rel=\"alternate\" hreflang=\"en\" href=\"https://a.example/en?a&amp;b\"/>";
        assert!(text.contains(link), "{text}");
    }

    #[test]
    fn addresses_that_are_too_long_are_left_out() {
        let address = |text: String| Address { address: text, ..Address::default() };
        let long = format!("https://a.example/{}", "&".repeat(400));
        let text =
            write_addresses(&[address(long), address("https://a.example/b".to_owned())], ("", "")).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!((text.matches("<url>").count(), text.contains("xhtml")), (1, false), "{text}");
    }
}
