//! Saved pages: one file, or a folder and its subfolders.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::html::read_html;
use super::text::read_text;
use crate::interchange::decode::{Compression, decode_body};
use crate::interchange::origins::found::{Found, Sink};
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::RowResult;

/// Most bytes read of a page: one more than the page readers accept, so that they can refuse it.
const MAX_PAGE_READ_BYTES: u64 = (8 << 20) + 1;

/// Reads one saved page, or all pages of a folder and its subfolders, sorted by name.
pub fn read_pages(path: &Path, options: &ReaderOptions, each: &mut Sink) -> Result<(), String> {
    if !path.is_dir() {
        let _ = each(find_page(path, path.file_name().unwrap_or_default().as_ref(), options));
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
            if each(find_page(file, file.strip_prefix(path).unwrap_or(file), options)).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn is_page(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    extension.is_some_and(|extension| ["html", "htm", "xhtml", "txt"].contains(&extension.as_str()))
}

fn find_page(path: &Path, name: &Path, options: &ReaderOptions) -> Found {
    match read_page(path, name, options) {
        Ok(row) => Found::Row(row),
        Err(reason) => Found::Unreadable { place: path.display().to_string(), reason },
    }
}

/// Reads the article of a saved page. Its external id is `page:` and the file's relative path.
fn read_page(path: &Path, name: &Path, options: &ReaderOptions) -> RowResult {
    let file = File::open(path).map_err(describe)?;
    let mut text = Vec::new();
    let body = decode_body(file, Compression::Identity, options.encoding).map_err(describe)?.text;
    body.take(MAX_PAGE_READ_BYTES).read_to_end(&mut text).map_err(describe)?;
    let text = String::from_utf8_lossy(&text);
    let id = format!("page:{}", name.display());
    let mut found = match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("txt")) {
        true => read_text(&text, &id, options.timezone),
        false => read_html(&text, &id, options.timezone),
    }?;
    found.place = path.display().to_string();
    Ok(found)
}

fn describe(cause: io::Error) -> String {
    format!("The file cannot be read: {cause}.")
}
