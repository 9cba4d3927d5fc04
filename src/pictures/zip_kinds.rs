//! Documents that are ZIP files (APPNOTE.TXT 4.3.7), by the names of their first files.

use memchr::memmem;

use super::bytes::{le16, le32};
use super::file_type::FileType;

/// Files that are looked at.
const MAX_FILES: usize = 2_000;
/// Packages with one of these run as programs.
const PROGRAMS: &[&str] =
    &["META-INF/MANIFEST.MF", "AndroidManifest.xml", "classes.dex", "Payload/", "AppxManifest.xml"];

/// The type of a ZIP file, by its first files. `None` if it is none or holds a program (JAR, APK, IPA, APPX).
pub fn sniff_zip(head: &[u8]) -> Option<FileType> {
    if head.starts_with(b"PK\x05\x06") {
        return Some(FileType::Zip);
    }
    if !head.starts_with(b"PK\x03\x04") || le16(head, 26)? == 0 {
        return None;
    }
    if let Some(mimetype) = read_mimetype(head) {
        return find_document(mimetype);
    }
    let names: Vec<&str> =
        memmem::find_iter(head, b"PK\x03\x04").take(MAX_FILES).filter_map(|at| read_name(head, at)).collect();
    if names.iter().any(|name| PROGRAMS.iter().any(|program| name.starts_with(program))) {
        return None;
    }
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    let office = [("word/", FileType::Docx), ("xl/", FileType::Xlsx), ("ppt/", FileType::Pptx)];
    let is_office = has("[Content_Types].xml") || has("_rels/");
    let found = office.into_iter().find(|(folder, _)| is_office && has(folder));
    Some(found.map_or(FileType::Zip, |(_, kind)| kind))
}

fn read_name(head: &[u8], at: usize) -> Option<&str> {
    let length = usize::from(le16(head, at + 26)?);
    std::str::from_utf8(head.get(at + 30..at + 30 + length)?).ok()
}

/// The text of the first file, if it is called `mimetype` and not compressed, as in OpenDocument and EPUB.
fn read_mimetype(head: &[u8]) -> Option<&[u8]> {
    let is_stored = le16(head, 8)? == 0;
    if !is_stored || read_name(head, 0)? != "mimetype" {
        return None;
    }
    let start = 38 + usize::from(le16(head, 28)?);
    let length = le32(head, 18)? as usize;
    head.get(start..start.checked_add(length)?)
}

fn find_document(mimetype: &[u8]) -> Option<FileType> {
    let kinds = [FileType::Odt, FileType::Ods, FileType::Odp, FileType::Epub];
    let found = kinds.into_iter().find(|kind| kind.mime().as_bytes() == mimetype.trim_ascii());
    Some(found.unwrap_or(FileType::Zip))
}
