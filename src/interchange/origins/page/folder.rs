//! Saved pages: one file, or a folder and its subfolders.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use url::Url;

use super::archive::ArchivedPage;
use super::files::{FileKind, find_kind, is_saved_with_page};
use super::html::read_html;
use super::page_source::{PageSource, write_path};
use super::text::read_text;
use super::title::SiteNames;
use crate::interchange::charsets::declared::Declaration;
use crate::interchange::charsets::page::{DecodedPage, decode_page};
use crate::interchange::origins::found::{Found, FoundRow, ReaderWarning, Sink};
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::RowResult;
use crate::interchange::source_file::SourceFile;
use crate::markup::html_text;

/// Most bytes read of a page: one more than the page readers accept, so that they can refuse it.
const MAX_PAGE_READ_BYTES: u64 = (8 << 20) + 1;
/// Largest archive, in bytes: a page with its images.
const MAX_ARCHIVE_BYTES: u64 = 64 << 20;
/// Most pages from whose titles the names of sites are learned.
const MAX_LEARNED_PAGES: usize = 400;
/// Most of them in one folder.
const MAX_LEARNED_OF_FOLDER: usize = 20;

/// Reads one saved page, or all pages of a folder and its subfolders, sorted by name. Pages can be compressed.
pub fn read_pages(file: &SourceFile, options: &ReaderOptions, each: &mut Sink) -> Result<(), String> {
    let path = file.path();
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    // The folder `.` has its name only in the whole path.
    let folder = match root.as_os_str().is_empty() {
        true => Path::new(".").canonicalize(),
        false => root.canonicalize(),
    };
    let folder = folder.ok().and_then(|folder| folder.file_name().map(|name| write_path(Path::new(name))));
    let mut reader = PageReader {
        root: root.to_owned(),
        folder: folder.unwrap_or_default(),
        options,
        names: SiteNames::default(),
        known: HashMap::new(),
        hasher: RandomState::new(),
    };
    if !path.is_dir() {
        let _ = each(reader.find_page(file));
        return Ok(());
    }
    reader.learn_names();
    let _ = walk_folder(path, &mut |found| match found {
        Walked::File(path) => match find_kind(&path) {
            FileKind::Other(kind) => each(Found::PassedOver { kind }),
            _ => each(reader.find_page(&SourceFile::at(path))),
        },
        Walked::SavedFile => each(Found::PassedOver { kind: "file of a saved page".to_owned() }),
        Walked::Unreadable(place, reason) => each(Found::Unreadable { place, reason }),
    });
    Ok(())
}

/// What is found in a folder.
enum Walked {
    File(PathBuf),
    /// A file that a browser saved with a page.
    SavedFile,
    /// A folder that cannot be read: its path and the reason.
    Unreadable(String, String),
}

/// Passes each file of a folder and its subfolders, sorted by name, files first.
fn walk_folder(path: &Path, each: &mut dyn FnMut(Walked) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut folders = vec![(path.to_owned(), false)];
    // A link can lead back to a folder around it.
    let mut visited = HashSet::new();
    while let Some((folder, is_saved)) = folders.pop() {
        if !visited.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())) {
            continue;
        }
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) => {
                let reason = format!("The folder cannot be read: {cause}.");
                each(Walked::Unreadable(folder.display().to_string(), reason))?;
                continue;
            }
        };
        let mut children: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        children.sort();
        for file in children.iter().filter(|path| path.is_file()) {
            each(if is_saved { Walked::SavedFile } else { Walked::File(file.clone()) })?;
        }
        // Reversed, because `pop` takes the last one first.
        let inner = children.into_iter().rev().filter(|path| path.is_dir());
        folders.extend(inner.map(|folder| (folder.clone(), is_saved || is_saved_with_page(&folder))));
    }
    ControlFlow::Continue(())
}

struct PageReader<'o> {
    root: PathBuf,
    /// The name of the root.
    folder: String,
    options: &'o ReaderOptions,
    names: SiteNames,
    /// Digests of the ids that were given, and of the articles that have them.
    known: HashMap<u64, u64>,
    hasher: RandomState,
}

impl PageReader<'_> {
    /// Learns the names of sites from the titles of some pages.
    fn learn_names(&mut self) {
        let (mut titles, mut in_folder) = (Vec::new(), HashMap::<PathBuf, usize>::new());
        let _ = walk_folder(&self.root, &mut |found| {
            let Walked::File(path) = found else { return ControlFlow::Continue(()) };
            let count = in_folder.entry(path.parent().unwrap_or(&path).to_owned()).or_default();
            if *count < MAX_LEARNED_OF_FOLDER && find_kind(&path) == FileKind::Page {
                *count += 1;
                let loaded = load_page(&SourceFile::at(path), &FileKind::Page, self.options);
                titles.extend(loaded.ok().and_then(|loaded| find_title_text(&loaded.page.text)));
            }
            match titles.len() < MAX_LEARNED_PAGES {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        self.names = SiteNames::learn(&titles);
    }

    fn find_page(&mut self, file: &SourceFile) -> Found {
        match self.read_page(file) {
            Ok(row) => Found::Row(row),
            Err(reason) => Found::Unreadable { place: file.path().display().to_string(), reason },
        }
    }

    fn read_page(&mut self, file: &SourceFile) -> RowResult {
        let path = file.path();
        let kind = find_kind(path);
        let LoadedPage { page: DecodedPage { text, contradiction, .. }, saved_from, warnings } =
            load_page(file, &kind, self.options)?;
        let place = path.display().to_string();
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        let source = PageSource::new(&place, &self.folder, relative, &self.names, self.options);
        let source = PageSource { saved_from, ..source };
        let mut found = match kind {
            FileKind::Text => read_text(&text, &source),
            _ => read_html(&text, &source),
        }?;
        found.warnings.extend(warnings);
        found
            .warnings
            .extend(contradiction.map(|detail| ReaderWarning::new("", "charset_contradicted", detail)));
        let path_id = source.path_id();
        Ok(self.tell_apart(found, path_id))
    }

    /// Gives a page an id of its own if another page has named the same address.
    fn tell_apart(&mut self, mut found: FoundRow, path_id: String) -> FoundRow {
        let id = self.hasher.hash_one(found.row.get("external_id").and_then(|id| id.as_str()));
        let text = [found.row.get("title"), found.row.get("body")]
            .map(|value| value.and_then(|value| value.as_str()));
        let article = self.hasher.hash_one(text);
        if *self.known.entry(id).or_insert(article) != article {
            found.row.insert("external_id".to_owned(), path_id.into());
            let detail = "is the path of the page: another page names the same address";
            found.warnings.push(ReaderWarning::new("/external_id", "address_repeated", detail));
        }
        found
    }
}

/// A page as it is in its file.
struct LoadedPage {
    /// Its text.
    page: DecodedPage,
    /// The address from which an archive was saved.
    saved_from: Option<Url>,
    /// What of an archive is no page.
    warnings: Vec<ReaderWarning>,
}

/// Loads the page of a file.
fn load_page(file: &SourceFile, kind: &FileKind, options: &ReaderOptions) -> Result<LoadedPage, String> {
    let (mut bytes, source) = (Vec::new(), file.open_decompressed().map_err(describe)?);
    let max = if *kind == FileKind::Archive { MAX_ARCHIVE_BYTES + 1 } else { MAX_PAGE_READ_BYTES };
    source.take(max).read_to_end(&mut bytes).map_err(describe)?;
    let declaration = match kind {
        FileKind::Text => Declaration::None,
        FileKind::Archive => return open_archive(&bytes, options),
        FileKind::Page | FileKind::Other(_) => Declaration::Html,
    };
    let page = decode_page(&bytes, options.encoding, declaration);
    Ok(LoadedPage { page, saved_from: None, warnings: Vec::new() })
}

/// Takes the page out of an archive.
fn open_archive(bytes: &[u8], options: &ReaderOptions) -> Result<LoadedPage, String> {
    if bytes.len() as u64 > MAX_ARCHIVE_BYTES {
        return Err("The archive is larger than 64 MiB.".to_owned());
    }
    let archived = ArchivedPage::find(bytes)?;
    let declaration = archived.charset.map_or(Declaration::Html, Declaration::Header);
    let mut page = decode_page(&archived.bytes, options.encoding, declaration);
    page.text = archived.complete(page.text);
    Ok(LoadedPage { page, warnings: archived.warnings(), saved_from: archived.address })
}

/// The text of the element `title`.
fn find_title_text(source: &str) -> Option<String> {
    let lower = source.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let end = start + lower[start..].find("</title")?;
    let text = html_text::html_to_text(&source[start..end]);
    Some(text).filter(|text| !text.is_empty() && text.len() <= 1000)
}

fn describe(cause: io::Error) -> String {
    format!("The file cannot be read: {cause}.")
}
