//! What a file is, by its bytes and never by its name.

use super::containers::png::SIGNATURE;
use super::file_type::FileType;
use super::iso_media::sniff_iso_media;
use super::mpeg_audio::is_mp3;
use super::zip_kinds::sniff_zip;

/// Bytes of the beginning of a file that [`sniff`] should get. With fewer, some documents are plain ZIP files.
pub const SNIFF_BYTES: usize = 64 << 10;

/// The type of a file that begins with `head`: [`SNIFF_BYTES`], or the whole file if it is shorter.
///
/// `None` for everything else: HTML, scripts, other XML, programs (also those in ZIP files), QuickTime. A header alone
/// does not make a picture: [`super::inspect`] and [`super::master`] refuse a file that is two things at once.
pub fn sniff(head: &[u8]) -> Option<FileType> {
    match head {
        [0xFF, 0xD8, 0xFF, 0xC0..=0xFE, ..] => Some(FileType::Jpeg),
        _ if head.starts_with(SIGNATURE) => {
            (head.get(8..16) == Some(b"\0\0\0\x0DIHDR")).then_some(FileType::Png)
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(FileType::Gif),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            b'V',
            b'P',
            b'8',
            b' ' | b'L' | b'X',
            ..,
        ] => Some(FileType::Webp),
        [b'%', b'P', b'D', b'F', b'-', b'1'..=b'2', b'.', ..] => Some(FileType::Pdf),
        [b'P', b'K', ..] => sniff_zip(head),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => sniff_matroska(head),
        [b'O', b'g', b'g', b'S', 0, ..] => sniff_ogg(head),
        _ => sniff_iso_media(head)
            .or_else(|| is_mp3(head).then_some(FileType::Mp3))
            .or_else(|| is_svg(head).then_some(FileType::Svg)),
    }
}

/// WebM is Matroska with the document type `webm`.
fn sniff_matroska(head: &[u8]) -> Option<FileType> {
    let header = head.get(..head.len().min(64))?;
    // Element 0x4282 with four bytes.
    let is_webm = header.windows(7).any(|bytes| bytes == b"\x42\x82\x84webm");
    is_webm.then_some(FileType::Webm)
}

/// Sound in Ogg: the first packet is of Vorbis, Opus or FLAC.
fn sniff_ogg(head: &[u8]) -> Option<FileType> {
    let packet = head.get(27 + usize::from(*head.get(26)?)..)?;
    let is_sound =
        [&b"\x01vorbis"[..], b"OpusHead", b"\x7FFLAC"].iter().any(|start| packet.starts_with(start));
    is_sound.then_some(FileType::Ogg)
}

/// Whether the root element is `svg`. Before it may be a byte order mark, an XML declaration, comments, and a document
/// type that names `svg`.
fn is_svg(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    loop {
        rest = rest.trim_ascii_start();
        let after = if rest.starts_with(b"<?xml") {
            skip_past(rest, b"?>")
        } else if rest.starts_with(b"<!--") {
            skip_past(rest, b"-->")
        } else if rest.starts_with(b"<!DOCTYPE svg") {
            skip_doctype(rest)
        } else {
            return is_svg_element(rest);
        };
        let Some(after) = after else { return false };
        rest = after;
    }
}

fn is_svg_element(rest: &[u8]) -> bool {
    let name = rest.strip_prefix(b"<svg:svg").or_else(|| rest.strip_prefix(b"<svg"));
    name.and_then(|after| after.first())
        .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

fn skip_past<'a>(bytes: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    memchr::memmem::find(bytes, end).map(|at| &bytes[at + end.len()..])
}

fn skip_doctype(bytes: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr2(b'[', b'>', bytes)?;
    if bytes[end] == b'[' {
        skip_past(&bytes[end..], b"]").and_then(|rest| skip_past(rest, b">"))
    } else {
        bytes.get(end + 1..)
    }
}
