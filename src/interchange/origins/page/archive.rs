//! The page in an MHT archive: what browsers save as one file, a message of MIME with the page and its images.

use encoding_rs::Encoding;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding as TransferEncoding, Message, MessageParser, MessagePart, MimeHeaders};
use url::Url;

use crate::config::charsets::find_charset;
use crate::interchange::origins::found::ReaderWarning;

/// Most addresses that are told of the files in an archive.
const MAX_TOLD_ADDRESSES: usize = 5;

/// The page in an archive.
pub struct ArchivedPage {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The character set that the archive names.
    pub charset: Option<&'static Encoding>,
    /// Where it was saved from.
    pub address: Option<Url>,
    /// The addresses of the other files by the ids that the page has for them.
    ids: Vec<(String, String)>,
    /// The addresses of its images, as far as they are known.
    images: Vec<String>,
    /// Pages in its frames.
    frames: usize,
}

impl ArchivedPage {
    /// Finds the page of an archive.
    ///
    /// # Errors
    ///
    /// There is none in it, or the archive ends within it.
    pub fn find(archive: &[u8]) -> Result<Self, &'static str> {
        const NO_PAGE: &str = "The archive holds no page.";
        let message = MessageParser::default().parse(archive).ok_or(NO_PAGE)?;
        let pages: Vec<_> = message.parts.iter().filter(|part| has_type(part, "text", "html")).collect();
        let start = message.content_type().and_then(|kind| kind.attribute("start")).map(strip_brackets);
        let is_start =
            |part: &&&MessagePart| start.is_some() && part.content_id().map(strip_brackets) == start;
        let page = *pages.iter().find(is_start).or_else(|| pages.first()).ok_or(NO_PAGE)?;
        // The parts of an archive have a line after them.
        if message.parts.len() > 1 && page.offset_end as usize >= archive.len() {
            return Err("The archive ends in the middle of its page.");
        }
        let charset = page.content_type().and_then(|kind| find_charset(kind.attribute("charset")?));
        let address = find_address(page).or_else(|| message.parts.first().and_then(find_address));
        let files = || message.parts.iter().filter(|part| !std::ptr::eq(*part, page));
        let location = |part: &MessagePart| part.content_location().map(|place| place.trim().to_owned());
        let ids =
            files().filter_map(|part| Some((strip_brackets(part.content_id()?).to_owned(), location(part)?)));
        let images = files().filter(|part| part.content_type().is_some_and(|kind| kind.ctype() == "image"));
        Ok(Self {
            bytes: decode_part(&message, page).ok_or("The page in the archive cannot be decoded.")?,
            charset,
            address,
            ids: ids.filter(|(id, place)| !id.is_empty() && !place.starts_with("cid:")).collect(),
            images: images.map(|part| location(part).unwrap_or_default()).collect(),
            frames: pages.len() - 1,
        })
    }

    /// Puts the addresses of files in the places of their ids.
    pub fn complete(&self, text: String) -> String {
        if !text.contains("cid:") {
            return text;
        }
        self.ids.iter().fold(text, |text, (id, place)| text.replace(&format!("cid:{id}"), place))
    }

    /// Tells what of the archive is not imported.
    pub fn warnings(&self) -> Vec<ReaderWarning> {
        let mut warnings = Vec::new();
        if !self.images.is_empty() {
            let known = self.images.iter().filter(|place| !place.is_empty()).take(MAX_TOLD_ADDRESSES);
            let known: Vec<&str> = known.map(String::as_str).collect();
            let count = self.images.len();
            let mut detail = format!("has {count} images in the archive, whose data is not imported");
            if !known.is_empty() {
                let more = if count > known.len() { ", …" } else { "" };
                detail += &format!("; they are from {}{more}", known.join(", "));
            }
            warnings.push(ReaderWarning::new("/body", "archived_images", detail));
        }
        if self.frames > 0 {
            let detail = format!("is without {} pages in frames, which the archive holds", self.frames);
            warnings.push(ReaderWarning::new("/body", "archived_frames", detail));
        }
        warnings
    }
}

fn has_type(part: &MessagePart, name: &str, subtype: &str) -> bool {
    part.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case(name)
            && kind.subtype().is_some_and(|own| own.eq_ignore_ascii_case(subtype))
    })
}

fn strip_brackets(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}

fn find_address(part: &MessagePart) -> Option<Url> {
    let url = Url::parse(part.content_location()?.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The bytes of a part in their own character set.
fn decode_part(message: &Message, part: &MessagePart) -> Option<Vec<u8>> {
    let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize)?;
    match part.encoding {
        TransferEncoding::Base64 => base64_decode(raw),
        TransferEncoding::QuotedPrintable => quoted_printable_decode(raw),
        TransferEncoding::None => Some(raw.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHIVE: &str = "From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; type=\"text/html\";\r\n\
            \tboundary=\"--b\"; start=\"<m@x>\"\r\n\r\n----b\r\nContent-Type: text/html\r\nContent-ID: <f@x>\r\n\r\n<p>frame\r\n\
            ----b\r\nContent-Type: text/html; charset=\"gb2312\"\r\nContent-ID: <m@x>\r\n\
            Content-Transfer-Encoding: quoted-printable\r\nContent-Location: http://e.org/a.html\r\n\r\n\
            <p>=D6=CA=\r\n=C1=BF<img src=3D\"cid:i@x\">\r\n----b\r\nContent-Type: image/png\r\nContent-ID: <i@x>\r\n\
            Content-Transfer-Encoding: base64\r\nContent-Location: http://e.org/i.png\r\n\r\niVBORw==\r\n----b--\r\n";

    #[test]
    fn the_page_that_the_archive_names_is_taken_with_its_address() {
        let page = ArchivedPage::find(ARCHIVE.as_bytes()).unwrap();
        assert_eq!(page.charset, find_charset("gb2312"));
        assert_eq!(page.address.as_ref().unwrap().as_str(), "http://e.org/a.html");
        let (text, _, _) = encoding_rs::GBK.decode(&page.bytes);
        assert_eq!(page.complete(text.into_owned()).trim_end(), "<p>质量<img src=\"http://e.org/i.png\">");
        let codes: Vec<_> = page.warnings().into_iter().map(|warning| warning.code).collect();
        assert_eq!(codes, ["archived_images", "archived_frames"]);
    }

    #[test]
    fn what_holds_no_page_is_no_archive() {
        for bytes in [&b""[..], b"\0\xff", b"<p>x", b"Content-Type: text/plain\r\n\r\nx"] {
            assert!(ArchivedPage::find(bytes).is_err());
        }
    }

    #[test]
    fn an_archive_that_is_cut_off_or_damaged_gives_no_panic_and_no_part_of_a_page() {
        let whole = ArchivedPage::find(ARCHIVE.as_bytes()).unwrap().bytes;
        for end in 0..ARCHIVE.len() {
            if let Ok(page) = ArchivedPage::find(&ARCHIVE.as_bytes()[..end]) {
                assert!(page.bytes == whole || page.bytes == b"<p>frame", "{end}");
            }
            let mut damaged = ARCHIVE.as_bytes().to_vec();
            for byte in [0, b'\n', b'-', b'=', 0xff] {
                damaged[end] = byte;
                let _ = ArchivedPage::find(&damaged);
            }
        }
    }
}
