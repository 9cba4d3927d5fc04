//! Saved pages: one file, or a folder and its subfolders.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::html::read_html;
use super::text::read_text;
use crate::interchange::charsets::declared::Declaration;
use crate::interchange::charsets::page::decode_page;
use crate::interchange::origins::found::{Found, ReaderWarning, Sink};
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::RowResult;
use crate::interchange::source_file::{SourceFile, strip_compression};

/// Most bytes read of a page: one more than the page readers accept, so that they can refuse it.
const MAX_PAGE_READ_BYTES: u64 = (8 << 20) + 1;

/// Reads one saved page, or all pages of a folder and its subfolders, sorted by name. Pages can be compressed.
pub fn read_pages(source: &SourceFile, options: &ReaderOptions, each: &mut Sink) -> Result<(), String> {
    let path = source.path();
    if !path.is_dir() {
        let _ = each(find_page(source, path.file_name().unwrap_or_default().as_ref(), options));
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
        let mut children: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        children.sort();
        // Reversed, because `pop` takes the last one first.
        folders.extend(children.iter().rev().filter(|path| path.is_dir()).cloned());
        for file in children.iter().filter(|path| path.is_file() && is_page(path)) {
            let name = file.strip_prefix(path).unwrap_or(file);
            if each(find_page(&SourceFile::at(file), name, options)).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn is_page(path: &Path) -> bool {
    let path = strip_compression(path);
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    extension.is_some_and(|extension| ["html", "htm", "xhtml", "txt"].contains(&extension.as_str()))
}

fn find_page(source: &SourceFile, name: &Path, options: &ReaderOptions) -> Found {
    match read_page(source, name, options) {
        Ok(row) => Found::Row(row),
        Err(reason) => Found::Unreadable { place: source.path().display().to_string(), reason },
    }
}

/// Reads the article of a saved page. Its external id is `page:` and the file's relative path.
fn read_page(source: &SourceFile, name: &Path, options: &ReaderOptions) -> RowResult {
    let (path, name) = (source.path(), strip_compression(name));
    let mut bytes = Vec::new();
    source
        .open_decompressed()
        .map_err(describe)?
        .take(MAX_PAGE_READ_BYTES)
        .read_to_end(&mut bytes)
        .map_err(describe)?;
    let is_text = name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("txt"));
    let declaration = if is_text { Declaration::None } else { Declaration::Html };
    let page = decode_page(&bytes, options.encoding, declaration);
    let id = format!("page:{}", name.display());
    let mut found = match is_text {
        true => read_text(&page.text, &id, options.timezone),
        false => read_html(&page.text, &id, options.timezone),
    }?;
    found.place = path.display().to_string();
    found.warnings.extend(page.contradiction.map(|detail| ReaderWarning {
        pointer: "",
        code: "charset_contradicted",
        detail,
    }));
    Ok(found)
}

fn describe(cause: io::Error) -> String {
    format!("The file cannot be read: {cause}.")
}
