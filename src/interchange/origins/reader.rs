//! The articles of a foreign file as one stream of NDJSON.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context;
use serde_json::json;

use super::page::html::read_html;
use super::page::text::read_text;
use super::row::Found;
use super::{ghost, wordpress};
use crate::config::bulk::Origin;
use crate::interchange::decode::{Compression, decoded};

/// Bytes of a page that are read: one more than any reader of pages takes.
const LARGEST_PAGE: u64 = (8 << 20) + 1;
/// Rows that wait to be read.
const WAITING: usize = 64;

/// The articles in `path`, as NDJSON. One that cannot be read is a row that says why, and fails.
pub fn open(origin: Origin, path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let path = path.to_owned();
    // Whatever is there can be opened before anything is imported.
    std::fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
    let (sender, rows) = sync_channel(WAITING);
    std::thread::spawn(move || {
        if let Err(detail) = read(origin, &path, &sender) {
            // Nobody to hear it: then the import has stopped already.
            let _ = sender.send(Err(io::Error::new(io::ErrorKind::InvalidData, detail)));
        }
    });
    Ok(Box::new(Lines { rows, current: io::Cursor::default() }))
}

fn read(origin: Origin, path: &PathBuf, rows: &SyncSender<io::Result<Vec<u8>>>) -> Result<(), String> {
    let mut each = |found: Found| {
        let row = match found {
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
        Origin::Wordpress => wordpress::read(file()?, &mut each),
        Origin::Ghost => ghost::read(file()?, &mut each),
        Origin::Html => pages(path, &mut each),
    }
}

/// Reads a saved page, or all in a folder and those below it, in the order of their names.
fn pages(path: &Path, each: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Result<(), String> {
    if !path.is_dir() {
        let _ = each(page(path, path.file_name().unwrap_or_default().as_ref()));
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
        let mut found: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        found.sort();
        // The first is taken next.
        folders.extend(found.iter().rev().filter(|one| one.is_dir()).cloned());
        for file in found.iter().filter(|one| one.is_file() && is_page(one)) {
            if each(page(file, file.strip_prefix(path).unwrap_or(file))).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn is_page(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    ending.is_some_and(|ending| ["html", "htm", "xhtml", "txt"].contains(&ending.as_str()))
}

/// The article of a saved page, known as `page:` and its name.
fn page(path: &Path, name: &Path) -> Found {
    let told = |cause: io::Error| format!("{}: {cause}", path.display());
    let file = File::open(path).map_err(told)?;
    let mut text = Vec::new();
    let body = decoded(file, Compression::Identity, None).map_err(told)?.text;
    body.take(LARGEST_PAGE).read_to_end(&mut text).map_err(told)?;
    let text = String::from_utf8_lossy(&text);
    let id = format!("page:{}", name.display());
    match path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt")) {
        true => read_text(&text, &id),
        false => read_html(&text, &id),
    }
}

/// Lines as they are made, to be read as one text.
struct Lines {
    rows: Receiver<io::Result<Vec<u8>>>,
    current: io::Cursor<Vec<u8>>,
}

impl Read for Lines {
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
