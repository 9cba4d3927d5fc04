//! Where the cluster lives, and the account it belongs to.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use tracing::{info, warn};

use super::account::{Account, us};

/// The socket's name, which PostgreSQL and its clients make of the port.
const SOCKET: &str = ".s.PGSQL.5432";
/// What a socket's path may have on macOS; Linux allows four bytes more.
const LONGEST_SOCKET: usize = 103;
/// Where clusters go that their account could not reach in the data folder.
const AWAY: &str = "/var/lib/inkstone";
const LARGEST_LOG: u64 = 10 << 20;

/// The folders and files of one cluster, locked for this process.
pub(super) struct DataDir {
    /// PostgreSQL's own data folder.
    pub data: PathBuf,
    /// The folder of its socket.
    pub run: PathBuf,
    /// The folder that `data` is in.
    base: PathBuf,
    /// The folder that the user named; not `base` when the cluster's account cannot enter it.
    home: PathBuf,
    /// Set when we are root, as whom PostgreSQL refuses to run.
    account: Option<Account>,
    /// Held, never read.
    _locks: Vec<Lock>,
}

impl DataDir {
    /// The folder of the socket of the cluster in `data_dir`, if another process has locked it.
    pub fn in_use(data_dir: &Path) -> Option<PathBuf> {
        let home = fs::canonicalize(data_dir).ok()?;
        let file = File::open(home.join("inkstone.lock")).ok()?;
        let locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        let run = socket_folder(&noted(&home).ok()?.unwrap_or(home));
        (locked && run.join(SOCKET).exists()).then_some(run)
    }

    /// Makes and locks what is missing around the cluster, but not the cluster.
    pub fn prepare(data_dir: &Path) -> Result<DataDir> {
        let home = fs::create_dir_all(data_dir)
            .and_then(|()| fs::canonicalize(data_dir))
            .with_context(|| format!("making the folder {}", data_dir.display()))?;
        let mut locks = vec![lock(&home)?];
        let mut base = noted(&home)?.unwrap_or_else(|| home.clone());
        let account = Account::for_cluster(&base.join("postgres"))?;
        if let Some(account) = &account
            && !account.can_enter(&base)?
        {
            ensure!(
                !base.join("postgres").exists(),
                "the database in {} belongs to {}, who cannot enter that folder: give it (and \
                 those above it) the permission `a+x`",
                base.display(),
                account.name
            );
            base = away(&home)?;
            info!(
                "{} is closed to {}: the database goes to {}",
                home.display(),
                account.name,
                base.display()
            );
        }
        if base != home {
            // A copied data folder would lead a second Inkstone to the same cluster.
            locks.push(lock(&base)?);
        }

        let run = socket_folder(&base);
        let data = base.join("postgres");
        let place = DataDir { data, run, base, home, account, _locks: locks };
        place.private_folder(&place.run)?;
        if let Some(account) = &place.account {
            info!("PostgreSQL does not run as root: it runs as {}", account.name);
            account.take_over(&place.data)?;
        }
        Ok(place)
    }

    /// The PostgreSQL version that made the cluster; none before the first start.
    pub fn major(&self) -> Result<Option<u32>> {
        let file = self.data.join("PG_VERSION");
        let reading = || format!("reading {}", file.display());
        // A symlink that leads nowhere is a cluster whose disk is away, not one to be made.
        if let Err(error) = fs::symlink_metadata(&self.data)
            && error.kind() == ErrorKind::NotFound
        {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).with_context(reading)?;
        text.trim().parse().map(Some).with_context(reading)
    }

    /// An empty folder to make a cluster in; what interrupted attempts left goes. Its name is our
    /// own, as programs of a killed Inkstone may still write to the one they know.
    pub fn fresh(&self) -> Result<PathBuf> {
        let entries = fs::read_dir(&self.base)
            .with_context(|| format!("reading the folder {}", self.base.display()))?;
        for entry in entries.flatten() {
            if entry.file_name().as_bytes().starts_with(b"postgres.new") {
                // What cannot go yet is in nobody's way.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let fresh = self.base.join(format!("postgres.new.{}", std::process::id()));
        self.private_folder(&fresh)?;
        Ok(fresh)
    }

    /// Makes `fresh` the cluster. Synced, as the next start would take an undone rename for an
    /// interrupted attempt, and remove it.
    pub fn adopt(&self, fresh: &Path) -> Result<()> {
        fs::rename(fresh, &self.data)
            .and_then(|()| File::open(&self.base)?.sync_all())
            .with_context(|| format!("renaming {}", fresh.display()))
    }

    /// Notes a cluster that is not in the data folder. Called when it is there, so that a note
    /// that leads to none is an error, rather than the start of an empty database.
    pub fn note(&self) -> Result<()> {
        let note = self.home.join("postgres.location");
        if self.base == self.home || note.exists() {
            return Ok(());
        }
        let line = [self.base.as_os_str().as_bytes(), b"\n"].concat();
        fs::write(&note, line).with_context(|| format!("writing {}", note.display()))
    }

    /// Whether the server has made its socket.
    pub fn has_socket(&self) -> bool {
        self.run.join(SOCKET).exists()
    }

    /// Removes what a server that is gone left in the socket folder.
    pub fn clear_sockets(&self) -> Result<()> {
        for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
            let path = self.run.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
            .with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }

    /// The path of the server's log.
    pub fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// The server's log, ready to be appended to.
    pub fn open_log(&self) -> Result<File> {
        let path = self.log();
        let open = || -> io::Result<File> {
            if fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST_LOG) {
                fs::rename(&path, self.home.join("postgres.log.1"))?;
            }
            let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
            if let Some(account) = &self.account {
                fchown(&log, Some(account.uid), Some(account.gid))?;
            }
            Ok(log)
        };
        open().with_context(|| format!("opening {}", path.display()))
    }

    /// One of PostgreSQL's programs, to run as the cluster's account, and to get the signal `end`
    /// should this thread end before it.
    pub fn command(&self, program: &Path, end: i32) -> Command {
        let mut command = Command::new(program);
        // PG* and LC_* would change what the programs do, and secrets are none of their business.
        command.env_clear().env("LC_ALL", "C").current_dir(&self.base).process_group(0);
        for name in ["PATH", "LD_LIBRARY_PATH", "LOCPATH", "LOCALE_ARCHIVE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(account) = &self.account {
            account.wear(&mut command);
        }
        super::process::die_with_us(&mut command, end);
        command
    }

    /// Makes `path` a folder that only the cluster's account can enter, which is what guards a
    /// cluster that asks for no password. Worked on by its handle: in /tmp, a name may change hands.
    fn private_folder(&self, path: &Path) -> Result<()> {
        let make = || -> io::Result<bool> {
            match DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let folder = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
                .open(path)?;
            let owner = folder.metadata()?.uid();
            let wanted = self.account.as_ref().map_or(us(), |account| account.uid);
            if owner != us() && owner != wanted {
                return Ok(false);
            }
            folder.set_permissions(Permissions::from_mode(0o700))?;
            if let Some(account) = &self.account {
                fchown(&folder, Some(account.uid), Some(account.gid))?;
            }
            Ok(true)
        };
        let made = make().with_context(|| format!("making the folder {}", path.display()))?;
        ensure!(made, "the folder {} belongs to somebody else", path.display());
        Ok(())
    }
}

/// A folder's `inkstone.lock`, held by this process.
struct Lock(File);

impl Drop for Lock {
    /// Closing the file is not enough: a child that another thread has just forked holds it too.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            warn!("giving back inkstone.lock: {error}");
        }
    }
}

/// Locks `dir` for this process.
fn lock(dir: &Path) -> Result<Lock> {
    let path = dir.join("inkstone.lock");
    let locking = || format!("locking {}", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(&path).with_context(locking)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(error).with_context(locking),
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).unwrap_or_default();
            bail!("another Inkstone is already using {} (pid {})", dir.display(), pid.trim());
        }
    }
    let lock = Lock(file);
    lock.0.set_len(0).and_then(|()| writeln!(&lock.0, "{}", std::process::id())).with_context(locking)?;
    Ok(lock)
}

/// Where the socket of the cluster in `base` is.
fn socket_folder(base: &Path) -> PathBuf {
    let run = base.join("run");
    if run.join(SOCKET).as_os_str().len() > LONGEST_SOCKET {
        return PathBuf::from(format!("/tmp/inkstone-{}", short_hash(base)));
    }
    run
}

/// Where `postgres.location` says that the cluster is, which must be so.
fn noted(home: &Path) -> Result<Option<PathBuf>> {
    let note = home.join("postgres.location");
    let reading = || format!("reading {}", note.display());
    let bytes = match fs::read(&note) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(reading)?,
    };
    let base = PathBuf::from(OsStr::from_bytes(bytes.trim_ascii_end()));
    if !base.join("postgres").try_exists().with_context(reading)? {
        bail!("{} says that the database is in {}, but it is not", note.display(), base.display());
    }
    Ok(Some(base))
}

/// Makes the folder for the cluster of a `home` that is closed to the cluster's account.
fn away(home: &Path) -> Result<PathBuf> {
    let base = Path::new(AWAY).join(short_hash(home));
    let make = || -> io::Result<()> {
        fs::create_dir_all(&base)?;
        for dir in [Path::new(AWAY), &base] {
            fs::set_permissions(dir, Permissions::from_mode(0o755))?;
        }
        Ok(())
    };
    make().with_context(|| format!("making the folder {}", base.display()))?;
    Ok(base)
}

/// A name for `path` (FNV-1a), the same in every build of Inkstone.
fn short_hash(path: &Path) -> String {
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
