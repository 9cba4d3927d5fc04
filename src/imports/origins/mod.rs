//! What other systems export, and saved pages, read as rows.

mod dates;
mod ghost;
mod row;
mod wordpress;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context;
use serde_json::json;

pub use row::Found;

use crate::config::bulk::Origin;

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
        Origin::Html => Err("pages cannot be read".to_owned()),
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
