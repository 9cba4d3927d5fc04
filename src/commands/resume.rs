//! Stores how far an import is, so that it can be resumed after an interruption.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Context;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::bulk::Import;

/// Stores the progress of an import in a file beside the imported one, until the import is done.
pub struct ResumeMark {
    /// The file that stores the progress.
    file: PathBuf,
    /// What the number of rows belongs to.
    source: Source,
}

/// What the number of rows belongs to: a file as it was, and how it was read.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    /// The length of the file, or of all files of a folder together.
    length: u64,
    /// When the file was changed, in seconds since 1970; of a folder, the newest of its files.
    #[serde(rename = "changed")]
    modified_at: u64,
    /// Digest of the listing of a folder, and of the options by which a foreign file is read: other options may make
    /// other rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<String>,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct ResumeState<S> {
    rows: u64,
    #[serde(flatten)]
    source: S,
}

impl ResumeMark {
    /// The mark of an import. `None` for standard input, which cannot be resumed.
    pub fn find(import: &Import) -> anyhow::Result<Option<Self>> {
        if import.file.as_os_str() == "-" {
            return Ok(None);
        }
        let mut digest = Sha256::new();
        let mut source = Source { length: 0, modified_at: 0, reading: None };
        source
            .add(&import.file, &mut digest)
            .with_context(|| format!("opening {}", import.file.display()))?;
        if let Some(origin) = import.from {
            let options = (&import.origin, import.encoding, import.encoding_errors);
            digest.update(format!("{origin:?} {options:?}"));
            source.reading = Some(HEXLOWER.encode(&digest.finalize()));
        }
        Ok(Some(Self { file: sibling_path(&import.file, "resume.json"), source }))
    }

    /// The number of rows that are done. Zero if the imported file has changed since.
    pub fn load_rows(&self) -> anyhow::Result<u64> {
        let Ok(text) = std::fs::read(&self.file) else { return Ok(0) };
        let state: ResumeState<Source> =
            serde_json::from_slice(&text).with_context(|| format!("reading {}", self.file.display()))?;
        Ok(if state.source == self.source { state.rows } else { 0 })
    }

    /// Stores the number of rows that are done.
    pub fn save_rows(&self, rows: u64) -> anyhow::Result<()> {
        let state = ResumeState { rows, source: &self.source };
        let temporary = self.file.with_extension("tmp");
        std::fs::write(&temporary, serde_json::to_vec(&state)?)
            .and_then(|()| std::fs::rename(&temporary, &self.file))
            .with_context(|| format!("writing {}", self.file.display()))
    }

    /// Removes the file.
    pub fn remove(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(&self.file) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause.into()),
            _ => Ok(()),
        }
    }
}

impl Source {
    /// Adds a file, or all that is in a folder, in the order of the names.
    fn add(&mut self, path: &Path, digest: &mut Sha256) -> io::Result<()> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() {
            let mut names = std::fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
            names.sort_by_key(std::fs::DirEntry::file_name);
            for name in names {
                digest.update(name.path().as_os_str().as_encoded_bytes());
                // A link may lead nowhere, or back to where it is.
                if !name.file_type()?.is_symlink() || name.path().is_file() {
                    self.add(&name.path(), digest)?;
                }
            }
            return Ok(());
        }
        let modified_at = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        digest.update(format!(" {} {}\n", metadata.len(), modified_at.as_nanos()));
        self.length += metadata.len();
        self.modified_at = self.modified_at.max(modified_at.as_secs());
        Ok(())
    }
}

/// `path` with a further extension. That of a folder stands beside it, also if its name ends in a slash or is `.`.
pub fn sibling_path(path: &Path, extension: &str) -> PathBuf {
    let mut name = match path.as_os_str() == "-" {
        true => "import".into(),
        false if path.file_name().is_none() => {
            std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into_os_string()
        }
        // Without a slash at the end.
        false => path.components().collect::<PathBuf>().into_os_string(),
    };
    name.push(".");
    name.push(extension);
    name.into()
}
