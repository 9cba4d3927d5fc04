//! The bytes of a file on disk.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// A file that is mapped into memory, so that its bytes are the kernel's page cache and not a copy.
pub struct Source(Option<Mmap>);

impl Source {
    /// Maps a file. The file must not be truncated or overwritten while it is mapped: originals and masters are written
    /// under another name and renamed, and never changed afterwards. Deleting is harmless.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        // SAFETY: the caller promises that the file does not change while it is mapped.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self(Some(map)))
    }
}

impl Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
