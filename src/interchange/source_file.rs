//! A file of an import, which is read more than once: to find out its character set, to import it, and to
//! collect the rows that failed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use encoding_rs::Encoding;

use super::charsets::choice::{Choice, choose_charset};
use super::charsets::declared::Declaration;
use super::charsets::decoder::DecodingReader;
use super::decode::decompress;

/// Extensions of compressed files.
const COMPRESSIONS: [&str; 3] = ["gz", "zst", "zstd"];

/// A file, a folder, or a copy of what can be read only once.
#[derive(Clone, Debug)]
pub struct SourceFile {
    path: PathBuf,
    spool: Option<Arc<File>>,
}

impl SourceFile {
    /// The file at `path`, which is not opened yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), spool: None }
    }

    /// The file at `path`; `-` is standard input. Reads standard input or a pipe to its end, into a file without
    /// a name.
    ///
    /// # Errors
    ///
    /// There is no such file, or it cannot be copied.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if path.as_os_str() == "-" {
            let spool = Some(Arc::new(spool(io::stdin().lock())?));
            return Ok(Self { path, spool });
        }
        let metadata = std::fs::metadata(&path)?;
        let spool = match metadata.is_file() || metadata.is_dir() {
            true => None,
            false => Some(Arc::new(spool(File::open(&path)?)?)),
        };
        Ok(Self { path, spool })
    }

    /// Its path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes. `None` for a folder.
    pub fn length(&self) -> io::Result<Option<u64>> {
        let metadata = match &self.spool {
            Some(spool) => spool.metadata()?,
            None => std::fs::metadata(&self.path)?,
        };
        Ok(Some(metadata.len()).filter(|_| metadata.is_file()))
    }

    /// Opens it from its beginning.
    pub fn open_bytes(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.spool {
            Some(spool) => Box::new(SpoolReader { spool: spool.clone(), at: 0 }),
            None => Box::new(File::open(&self.path)?),
        })
    }

    /// Opens it from its beginning and decompresses it.
    pub fn open_decompressed(&self) -> io::Result<Box<dyn Read + Send>> {
        decompress(self.open_bytes()?)
    }

    /// Opens it as text in a character set, with [marks](super::charsets::marks) where bytes are no characters.
    pub fn open_text(&self, encoding: Option<&'static Encoding>) -> io::Result<impl Read + Send + use<>> {
        Ok(DecodingReader::new(self.open_decompressed()?, encoding))
    }

    /// Chooses its character set, by all of its bytes if none is given. A file that breaks off is judged by
    /// what can be read.
    pub fn choose_charset(
        &self,
        given: Option<&'static Encoding>,
        declaration: Declaration,
    ) -> io::Result<Choice> {
        let mut open = || -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(UntilFault { source: self.open_decompressed()? }))
        };
        choose_charset(given, declaration, &mut open)
    }
}

/// The name of what a compressed file holds: `a.csv` for `a.csv.gz`.
pub fn strip_compression(path: &Path) -> PathBuf {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match COMPRESSIONS.iter().any(|compression| extension == *compression) {
        true => path.with_extension(""),
        false => path.to_owned(),
    }
}

/// Copies what can be read only once to a file without a name. It is gone when it is closed.
fn spool(mut source: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut source, &mut file)?;
    file.flush()?;
    Ok(file)
}

/// Reads a spooled file, apart from others who do.
struct SpoolReader {
    spool: Arc<File>,
    at: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.spool.read_at(into, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

/// Ends where its source cannot be read further.
struct UntilFault<R> {
    source: R,
}

impl<R: Read> Read for UntilFault<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.source.read(into) {
            Err(cause) if cause.kind() != io::ErrorKind::Interrupted => Ok(0),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spooled_file_is_read_by_several_at_once() {
        let source =
            SourceFile { path: "-".into(), spool: Some(Arc::new(spool("质量".as_bytes()).unwrap())) };
        let (mut one, mut two) = (source.open_bytes().unwrap(), source.open_bytes().unwrap());
        let (mut first, mut whole) = ([0; 3], String::new());
        one.read_exact(&mut first).unwrap();
        two.read_to_string(&mut whole).unwrap();
        one.read_exact(&mut first).unwrap();
        assert_eq!((whole.as_str(), first.as_slice()), ("质量", "量".as_bytes()));
        assert_eq!(source.length().unwrap(), Some(6));
    }

    #[test]
    fn the_extension_of_a_compression_is_no_part_of_a_name() {
        for (name, bare) in
            [("a.csv.gz", "a.csv"), ("b/a.html.ZST", "b/a.html"), ("a.csv", "a.csv"), ("-", "-")]
        {
            assert_eq!(strip_compression(Path::new(name)), Path::new(bare));
        }
    }
}
