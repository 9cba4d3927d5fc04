//! The directories of a cluster, their locks, and the account they belong to.

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

use super::account::{Account, effective_uid};

/// The name of the socket, which PostgreSQL and its clients derive from the port.
const SOCKET_NAME: &str = ".s.PGSQL.5432";
/// The most bytes of the path of a socket on macOS; Linux allows four more.
const MAX_SOCKET_PATH_BYTES: usize = 103;
/// The directory of clusters whose account cannot enter the data directory.
const EXTERNAL_BASE_DIR: &str = "/var/lib/inkstone";
/// The size above which the log is renamed and a new one begins, in bytes.
const MAX_LOG_BYTES: u64 = 10 << 20;

/// The directories and files of one cluster, locked for this process.
pub(super) struct DataDir {
    /// PostgreSQL's data directory.
    pub data: PathBuf,
    /// The directory of the socket.
    pub run: PathBuf,
    /// The parent directory of `data`.
    pub base: PathBuf,
    /// The directory given by the user. It differs from `base` if the cluster's account cannot enter it.
    home: PathBuf,
    /// Set if this process runs as root, because PostgreSQL refuses to run as root.
    pub account: Option<Account>,
    /// Held until this value is dropped.
    _locks: Vec<Lock>,
}

impl DataDir {
    /// Returns the directory of the socket of the cluster in `data_dir`, if another process has locked it.
    pub fn find_locked_socket(data_dir: &Path) -> Option<PathBuf> {
        let home = fs::canonicalize(data_dir).ok()?;
        let file = File::open(home.join("inkstone.lock")).ok()?;
        let is_locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        let run = socket_dir(&read_location(&home).ok()?.unwrap_or(home));
        (is_locked && run.join(SOCKET_NAME).exists()).then_some(run)
    }

    /// Creates missing directories around the cluster and locks them. Does not create the cluster.
    pub fn prepare(data_dir: &Path) -> Result<DataDir> {
        let home = fs::create_dir_all(data_dir)
            .and_then(|()| fs::canonicalize(data_dir))
            .with_context(|| format!("creating the directory {}", data_dir.display()))?;
        let mut locks = vec![lock_dir(&home)?];
        let mut base = read_location(&home)?.unwrap_or_else(|| home.clone());
        let account = Account::find_for_cluster(&base.join("postgres"))?;
        if let Some(account) = &account
            && !account.can_enter(&base)?
        {
            ensure!(
                !base.join("postgres").exists(),
                "the database in {} belongs to {}, who cannot enter that directory: give it (and \
                 its parent directories) the permission `a+x`",
                base.display(),
                account.name
            );
            base = create_external_base(&home)?;
            info!(
                "{} cannot be entered by {}: the database is created in {}",
                home.display(),
                account.name,
                base.display()
            );
        }
        if base != home {
            // A copied data directory would lead a second Inkstone to the same cluster.
            locks.push(lock_dir(&base)?);
        }

        let run = socket_dir(&base);
        let data = base.join("postgres");
        let dir = DataDir { data, run, base, home, account, _locks: locks };
        dir.create_private_dir(&dir.run)?;
        if let Some(account) = &dir.account {
            info!("PostgreSQL does not run as root: it runs as {}", account.name);
            account.take_ownership(&dir.data)?;
        }
        Ok(dir)
    }

    /// Reads the major version of the PostgreSQL that created the cluster. Returns `None` before the first start.
    pub fn read_major_version(&self) -> Result<Option<u32>> {
        let file = self.data.join("PG_VERSION");
        let reading = || format!("reading {}", file.display());
        // A symlink without a target is a cluster whose disk is not mounted, not a missing cluster.
        if let Err(error) = fs::symlink_metadata(&self.data)
            && error.kind() == ErrorKind::NotFound
        {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).with_context(reading)?;
        text.trim().parse().map(Some).with_context(reading)
    }

    /// Creates an empty directory to create a cluster in, and removes those of interrupted attempts.
    ///
    /// The name holds the process id, because programs of a killed Inkstone may still write to
    /// the directory of that process.
    pub fn create_staging_dir(&self) -> Result<PathBuf> {
        let entries = fs::read_dir(&self.base)
            .with_context(|| format!("reading the directory {}", self.base.display()))?;
        for entry in entries.flatten() {
            if entry.file_name().as_bytes().starts_with(b"postgres.new") {
                // A directory that cannot be removed yet does no harm.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let staging = self.base.join(format!("postgres.new.{}", std::process::id()));
        self.create_private_dir(&staging)?;
        Ok(staging)
    }

    /// Renames `staging` to the data directory, and syncs the rename.
    ///
    /// After a crash without the sync, the next start would take the cluster for an interrupted
    /// attempt and remove it.
    pub fn adopt_staging_dir(&self, staging: &Path) -> Result<()> {
        fs::rename(staging, &self.data)
            .and_then(|()| File::open(&self.base)?.sync_all())
            .with_context(|| format!("renaming {}", staging.display()))
    }

    /// Writes the location of a cluster that is not in the user's directory.
    ///
    /// Called when the cluster exists, so that a location without a cluster is an error and not
    /// the start of an empty database.
    pub fn write_location(&self) -> Result<()> {
        let file = self.home.join("postgres.location");
        if self.base == self.home || file.exists() {
            return Ok(());
        }
        let line = [self.base.as_os_str().as_bytes(), b"\n"].concat();
        fs::write(&file, line).with_context(|| format!("writing {}", file.display()))
    }

    /// Whether the server has created its socket.
    pub fn has_socket(&self) -> bool {
        self.run.join(SOCKET_NAME).exists()
    }

    /// Removes the socket and its lock file that a dead server left.
    pub fn remove_sockets(&self) -> Result<()> {
        for name in [SOCKET_NAME.to_owned(), format!("{SOCKET_NAME}.lock")] {
            let path = self.run.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
            .with_context(|| format!("removing {}", path.display()))?;
        }
        Ok(())
    }

    /// Returns the path of the server's log.
    pub fn log_path(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// Opens the server's log for appending. Renames a log that is too large.
    pub fn open_log(&self) -> Result<File> {
        let path = self.log_path();
        let open = || -> io::Result<File> {
            if fs::metadata(&path).is_ok_and(|log| log.len() > MAX_LOG_BYTES) {
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

    /// Builds a command for one of PostgreSQL's programs, run as the cluster's account.
    ///
    /// The program gets the signal `end` if this thread ends before it.
    pub fn build_command(&self, program: &Path, end: i32) -> Command {
        let mut command = Command::new(program);
        // PG* and LC_* would change the behaviour of the programs, and they need no secrets.
        command.env_clear().env("LC_ALL", "C").current_dir(&self.base).process_group(0);
        for name in ["PATH", "LD_LIBRARY_PATH", "LOCPATH", "LOCALE_ARCHIVE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(account) = &self.account {
            account.apply_to(&mut command);
        }
        super::process::end_with_parent(&mut command, end);
        command
    }

    /// Creates the directory `path`, or restricts it, so that only the cluster's account can enter it.
    ///
    /// This protects the cluster, which requires no password. Works on an open handle, because in
    /// /tmp another user may replace a path.
    fn create_private_dir(&self, path: &Path) -> Result<()> {
        let create = || -> io::Result<bool> {
            match DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let opened = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
                .open(path)?;
            let owner = opened.metadata()?.uid();
            let expected = self.account.as_ref().map_or(effective_uid(), |account| account.uid);
            if owner != effective_uid() && owner != expected {
                return Ok(false);
            }
            opened.set_permissions(Permissions::from_mode(0o700))?;
            if let Some(account) = &self.account {
                fchown(&opened, Some(account.uid), Some(account.gid))?;
            }
            Ok(true)
        };
        let is_ours = create().with_context(|| format!("creating the directory {}", path.display()))?;
        ensure!(is_ours, "the directory {} belongs to another user", path.display());
        Ok(())
    }
}

/// The `inkstone.lock` of a directory, locked by this process.
struct Lock(File);

impl Drop for Lock {
    /// Unlocks the file. Closing it is not enough: a child that another thread has just forked also
    /// holds it open.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            warn!("unlocking inkstone.lock: {error}");
        }
    }
}

/// Locks `dir` for this process.
fn lock_dir(dir: &Path) -> Result<Lock> {
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

/// Returns the directory of the socket of the cluster in `base`.
fn socket_dir(base: &Path) -> PathBuf {
    let run = base.join("run");
    if run.join(SOCKET_NAME).as_os_str().len() > MAX_SOCKET_PATH_BYTES {
        return PathBuf::from(format!("/tmp/inkstone-{}", short_hash(base)));
    }
    run
}

/// Reads the location of the cluster from `postgres.location`; fails if there is no cluster.
fn read_location(home: &Path) -> Result<Option<PathBuf>> {
    let file = home.join("postgres.location");
    let reading = || format!("reading {}", file.display());
    let bytes = match fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(reading)?,
    };
    let base = PathBuf::from(OsStr::from_bytes(bytes.trim_ascii_end()));
    if !base.join("postgres").try_exists().with_context(reading)? {
        bail!("{} says that the database is in {}, but it is not", file.display(), base.display());
    }
    Ok(Some(base))
}

/// Returns the directory that holds the cluster of `data_dir`, or will hold it.
pub(super) fn find_base(data_dir: &Path) -> PathBuf {
    let home = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    read_location(&home).ok().flatten().unwrap_or(home)
}

/// Creates the base directory of a cluster whose account cannot enter `home`.
fn create_external_base(home: &Path) -> Result<PathBuf> {
    let base = Path::new(EXTERNAL_BASE_DIR).join(short_hash(home));
    let create = || -> io::Result<()> {
        fs::create_dir_all(&base)?;
        for dir in [Path::new(EXTERNAL_BASE_DIR), &base] {
            fs::set_permissions(dir, Permissions::from_mode(0o755))?;
        }
        Ok(())
    };
    create().with_context(|| format!("creating the directory {}", base.display()))?;
    Ok(base)
}

/// Hashes `path` to a short name (FNV-1a), the same in every build of Inkstone.
fn short_hash(path: &Path) -> String {
    let hash = path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
