//! Which files of a folder are pages.

use std::io::Read;
use std::path::Path;

use crate::interchange::source_file::SourceFile;

/// Bytes of a file in which the beginning of a page is looked for.
const SNIFFED_BYTES: u64 = 2048;
/// Endings of names of pages: as they are, and as programs wrote them.
const PAGE_ENDINGS: [&str; 20] = [
    "html", "htm", "xhtml", "xht", "shtml", "shtm", "dhtml", "jhtml", "phtml", "php", "php3", "php5", "asp",
    "aspx", "jsp", "jspx", "do", "action", "cfm", "cgi",
];
/// Endings of names of files that are no pages, whatever they hold.
const OTHER_ENDINGS: [&str; 44] = [
    "7z", "avi", "avif", "bmp", "bz2", "css", "csv", "db", "doc", "docx", "eot", "exe", "flv", "gif", "gz",
    "ico", "ini", "jpeg", "jpg", "js", "json", "mov", "mp3", "mp4", "ogg", "otf", "pdf", "png", "ppt",
    "pptx", "rar", "svg", "swf", "tar", "tif", "ttf", "wav", "webm", "webp", "woff", "woff2", "xls", "xlsx",
    "zip",
];

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A page in HTML.
    Page,
    /// The text of a page.
    Text,
    /// A page with its images, in one file.
    Archive,
    /// No page, of this kind: `.css file`.
    Other(String),
}

/// Finds out what a file of a folder is: by its name, or else by its beginning.
pub fn find_kind(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.starts_with('.') {
        return FileKind::Other("hidden file".to_owned());
    }
    let ending = find_ending(&name);
    match ending {
        Some("txt") => FileKind::Text,
        Some("mht" | "mhtml") => FileKind::Archive,
        Some(ending) if PAGE_ENDINGS.contains(&ending) => FileKind::Page,
        Some(ending) if OTHER_ENDINGS.contains(&ending) => FileKind::Other(format!(".{ending} file")),
        _ if begins_page(path) => FileKind::Page,
        Some(ending) if ending.len() <= 10 => FileKind::Other(format!(".{ending} file")),
        _ => FileKind::Other("file without a known ending".to_owned()),
    }
}

/// The ending of a name in lower case, without that of its compression, and without the query of an address:
/// `show.php?id=7` is a `php`.
fn find_ending(name: &str) -> Option<&str> {
    let name = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .filter(|name| name.contains('.'))
        .unwrap_or(name);
    let whole = name.rsplit_once('.').map(|(_, ending)| ending);
    let path = name.split(['?', '@', '&', '#']).next().unwrap_or_default();
    let before_query = path.rsplit_once('.').map(|(_, ending)| ending);
    let is_page = |ending: &&str| PAGE_ENDINGS.contains(ending) || *ending == "txt";
    whole.filter(is_page).or(before_query).or(whole)
}

/// Whether a file begins as a page does.
fn begins_page(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = SourceFile::at(path)
        .open_decompressed()
        .and_then(|file| file.take(SNIFFED_BYTES).read_to_end(&mut bytes));
    // UTF-16 has a zero beside each of these characters.
    bytes.retain(|byte| *byte != 0);
    let beginning = String::from_utf8_lossy(&bytes).to_lowercase();
    let marks = ["<!doctype html", "<html", "<head>", "<body", "<meta ", "<title>"];
    read.is_ok() && marks.iter().any(|mark| beginning.contains(mark))
}

/// Whether a folder holds the files that a browser has saved with the page beside it: `news_files` beside `news.html`.
pub fn is_saved_with_page(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().as_encoded_bytes();
    let stem = [&b"_files"[..], b".files", b"-Dateien", b"_archivos", b"_fichiers"]
        .iter()
        .find_map(|ending| name.strip_suffix(*ending));
    let Some(stem) = stem.filter(|stem| !stem.is_empty()) else { return false };
    let beside = folder.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    beside.into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        let is_stem = path.file_stem().is_some_and(|name| name.as_encoded_bytes() == stem);
        is_stem && path.is_file() && find_kind(&path) == FileKind::Page
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_known_by_their_names() {
        for name in
            ["a.html", "a.SHTML", "b.php", "show.php?id=7", "show.asp@id=7.5", "c.aspx", "d.html.gz", "e.do"]
        {
            assert_eq!(find_kind(Path::new(name)), FileKind::Page, "{name}");
        }
        for (name, kind) in [("a.css", ".css file"), ("a.jpg?v=2", ".jpg file"), (".a.html", "hidden file")] {
            assert_eq!(find_kind(Path::new(name)), FileKind::Other(kind.to_owned()), "{name}");
        }
        assert_eq!(find_kind(Path::new("a.txt")), FileKind::Text);
    }

    #[test]
    fn a_file_without_an_ending_is_known_by_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("4711");
        for (text, is_page) in [("<!DOCTYPE html><p>x", true), ("\n<HTML><body>", true), ("notes", false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(find_kind(&path) == FileKind::Page, is_page, "{text}");
        }
    }
}
