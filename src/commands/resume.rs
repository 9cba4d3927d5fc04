//! The progress of an import, for `--resume`.

use std::io;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Stores the progress of an import in a file beside the imported one, until the import is done.
pub struct ResumeMark {
    /// The file that stores the progress.
    pub file: PathBuf,
    /// The length of the imported file.
    pub length: u64,
    /// The modification time of the imported file, in seconds since 1970.
    pub modified_at: u64,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct ResumeState {
    rows: u64,
    length: u64,
    #[serde(rename = "changed")]
    modified_at: u64,
}

impl ResumeMark {
    /// The number of rows that are done. Zero if the imported file has changed since.
    pub fn load_rows(&self) -> anyhow::Result<u64> {
        let Ok(text) = std::fs::read(&self.file) else { return Ok(0) };
        let state: ResumeState =
            serde_json::from_slice(&text).with_context(|| format!("reading {}", self.file.display()))?;
        Ok(if (state.length, state.modified_at) == (self.length, self.modified_at) { state.rows } else { 0 })
    }

    /// Stores the number of rows that are done.
    pub fn save_rows(&self, rows: u64) -> anyhow::Result<()> {
        let state = ResumeState { rows, length: self.length, modified_at: self.modified_at };
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
