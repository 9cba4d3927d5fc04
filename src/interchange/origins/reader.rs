//! Reads a foreign file on its own thread and returns its articles as a stream of NDJSON.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context;
use serde_json::json;

use super::page::html::read_html;
use super::page::text::read_text;
use super::row_builder::RowResult;
use super::{ghost, wordpress};
use crate::config::bulk::Origin;
use crate::interchange::decode::{Compression, decode_body};

/// Most bytes read of a page: one more than the page readers accept, so that they can refuse it.
const MAX_PAGE_READ_BYTES: u64 = (8 << 20) + 1;
/// Rows that wait for the importer. The reading thread blocks while the queue is full.
const MAX_QUEUED_ROWS: usize = 64;

/// Opens the file or folder at `path` and returns its articles as NDJSON.
///
/// An unreadable article becomes a row that the import refuses; the row holds the reason.
pub fn open_origin(origin: Origin, path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let path = path.to_owned();
    // Report a missing file before the import begins.
    std::fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
    let (sender, rows) = sync_channel(MAX_QUEUED_ROWS);
    std::thread::spawn(move || {
        if let Err(detail) = send_rows(origin, &path, &sender) {
            // Sextension fails if the import has stopped already.
            let _ = sender.send(Err(io::Error::new(io::ErrorKind::InvalidData, detail)));
        }
    });
    Ok(Box::new(RowReader { rows, current: io::Cursor::default() }))
}

fn send_rows(origin: Origin, path: &PathBuf, rows: &SyncSender<io::Result<Vec<u8>>>) -> Result<(), String> {
    let mut each = |result: RowResult| {
        let row = match result {
            Ok(row) => row.into(),
            Err(detail) => json!({"unreadable": detail}),
        };
        match rows.send(Ok(format!("{row}\n").into_bytes())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let file = || File::open(path).map(BufReader::new).map_err(|cause| cause.to_string());
    match origin {
        Origin::Wordpress => wordpress::read_export(file()?, &mut each),
        Origin::Ghost => ghost::read_export(file()?, &mut each),
        Origin::Html => read_pages(path, &mut each),
    }
}

/// Reads one saved page, or all pages of a folder and its subfolders, sorted by name.
fn read_pages(path: &Path, each: &mut dyn FnMut(RowResult) -> ControlFlow<()>) -> Result<(), String> {
    if !path.is_dir() {
        let _ = each(read_page(path, path.file_name().unwrap_or_default().as_ref()));
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
            if each(read_page(file, file.strip_prefix(path).unwrap_or(file))).is_break() {
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

/// Reads the article of a saved page. Its external id is `page:` and the file's relative path.
fn read_page(path: &Path, name: &Path) -> RowResult {
    let describe = |cause: io::Error| format!("{}: {cause}", path.display());
    let file = File::open(path).map_err(describe)?;
    let mut text = Vec::new();
    let body = decode_body(file, Compression::Identity, None).map_err(describe)?.text;
    body.take(MAX_PAGE_READ_BYTES).read_to_end(&mut text).map_err(describe)?;
    let text = String::from_utf8_lossy(&text);
    let id = format!("page:{}", name.display());
    match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("txt")) {
        true => read_text(&text, &id),
        false => read_html(&text, &id),
    }
}

/// Joins rows from a channel into one stream of bytes.
struct RowReader {
    rows: Receiver<io::Result<Vec<u8>>>,
    current: io::Cursor<Vec<u8>>,
}

impl Read for RowReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.current.read(into)? {
                0 => match self.rows.recv() {
                    Err(_) => return Ok(0),
                    Ok(line) => self.current = io::Cursor::new(line?),
                },
                length => return Ok(length),
            }
        }
    }
}
