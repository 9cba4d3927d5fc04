//! A private PostgreSQL server, run as a child of this process.
//!
//! The first start creates a cluster. The data directory then holds `postgres/` (PostgreSQL's data),
//! `run/` (the socket), `postgres.log` and `inkstone.lock`. Only this account can connect to the
//! server, through the socket; the server does not listen on the network.

mod account;
mod create;
mod data_dir;
pub mod diagnosis;
mod install;
mod process;
pub mod programs;
mod settings;

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tracing::{error, info};

use create::last_lines;
use data_dir::DataDir;
use install::Install;
use programs::{Missing, Programs};

/// The time for which a failed start is tried again while the remains of a killed server disappear.
///
/// A server that ran for longer than this is restarted after the shortest pause again.
const START_RETRY_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause between two looks at a starting server.
const STARTUP_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The pause between two looks at a running server.
const POSTMASTER_POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The shortest pause before a stopped server is started again; it doubles each time.
const MIN_RESTART_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause before a stopped server is started again.
const MAX_RESTART_PAUSE: Duration = Duration::from_secs(5);

/// The options of a cluster.
pub struct Options<'a> {
    /// The data directory; created if missing.
    pub data_dir: &'a Path,
    /// The directory of PostgreSQL's programs (INKSTONE_PG_BIN); searched for if not given.
    pub pg_bin: Option<&'a Path>,
    /// What happens if none are found.
    pub missing: Missing<'a>,
    /// Whether commits survive a crash. False only in tests: a killed server then loses the last
    /// commits, and a crash of the machine may destroy the cluster.
    pub durable: bool,
}

/// A running private PostgreSQL server. It stops when this value is dropped or this process ends.
pub struct Embedded {
    url: String,
    pid: Arc<AtomicU32>,
    /// Dropped to make the thread stop the server.
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts the server, and creates the cluster if it is missing. Blocks until the server accepts connections.
    pub fn start(options: &Options) -> Result<Embedded> {
        let dir = DataDir::prepare(options.data_dir)?;
        let major = dir.read_major_version()?;
        let install = match options.pg_bin {
            Some(bin) => Install::find_in(bin, major)?,
            None => {
                let account = dir.account.as_ref();
                Programs { dir: &dir.base.join("programs"), account, major }.find(options.missing)?
            }
        };
        if major.is_none() {
            create::create_cluster(&dir, &install, options.durable)?;
        }
        dir.write_location()?;

        let postgres = install.bin.join("postgres");
        let lz4 = create::supports_lz4(&dir, &postgres);
        let settings = settings::build_settings(&dir.run, options.durable, lz4);
        let url = build_url(&dir.run);
        let pid = Arc::new(AtomicU32::new(0));
        let server = Server { dir, postgres, settings, pid: Arc::clone(&pid) };
        let (stop, stop_asked) = mpsc::channel();
        let (started, has_started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || server.supervise(&started, &stop_asked))
            .context("starting the thread that runs PostgreSQL")?;
        let embedded = Embedded { url, pid, stop: Some(stop), thread: Some(thread) };
        has_started.recv().unwrap_or_else(|_| Err(anyhow!("the thread that runs PostgreSQL ended")))?;
        Ok(embedded)
    }

    /// Returns the URL of the cluster in `data_dir`, if another process is running it.
    pub fn find_running(data_dir: &Path) -> Option<String> {
        DataDir::find_locked_socket(data_dir).map(|run| build_url(&run))
    }

    /// Returns the URL of the database, for libpq and tokio-postgres.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Stops the server and waits for its end. A second call does nothing.
    pub fn stop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that runs PostgreSQL panicked");
        }
    }

    /// Returns the process id of the server, if it is running.
    pub fn postmaster_pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|&pid| pid != 0)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The state of the supervising thread.
///
/// This one thread does all starts, because the kernel ties the parent-death signal of a child to
/// the thread that started it, not to the process.
struct Server {
    dir: DataDir,
    postgres: PathBuf,
    settings: Vec<OsString>,
    /// The process id of the server; zero when it is not running.
    pid: Arc<AtomicU32>,
}

impl Server {
    /// Runs the server until asked to stop; starts it again if it ends by itself.
    fn supervise(&self, started: &Sender<Result<()>>, stop: &Receiver<Infallible>) {
        let first = self.launch(stop);
        let (mut child, report) = match first {
            Ok(child) => (Some(child), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // Sending fails if the caller is gone; then it has dropped `stop` too.
        let _ = started.send(report);
        let mut pause = MIN_RESTART_PAUSE;
        while let Some(running) = &mut child {
            let since = Instant::now();
            let Some(status) = self.watch_until_exit(running, stop) else {
                return;
            };
            error!("PostgreSQL stopped by itself ({status}); starting it again");
            if since.elapsed() > START_RETRY_TIMEOUT {
                pause = MIN_RESTART_PAUSE;
            }
            child = self.relaunch(&mut pause, stop);
        }
    }

    /// Starts the server again, with any number of attempts. Returns `None` if asked to stop.
    fn relaunch(&self, pause: &mut Duration, stop: &Receiver<Infallible>) -> Option<Child> {
        let mut failed = false;
        while !wait_for_stop(stop, *pause) {
            *pause = (*pause * 2).min(MAX_RESTART_PAUSE);
            match self.launch(stop) {
                Ok(child) => {
                    info!("PostgreSQL runs again (pid {})", child.id());
                    return Some(child);
                }
                Err(error) if !failed => {
                    error!("PostgreSQL does not start; still trying: {error:#}")
                }
                Err(_) => {}
            }
            failed = true;
        }
        None
    }

    /// Starts the server. Returns when the server accepts connections or when asked to stop.
    fn launch(&self, stop: &Receiver<Infallible>) -> Result<Child> {
        let until = Instant::now() + START_RETRY_TIMEOUT;
        loop {
            process::stop_leftover_server(&self.dir.data)?;
            self.dir.remove_sockets()?;
            let log = self.dir.open_log()?;
            let begin = log.metadata().context("reading the log's size")?.len();
            let mut command = self.dir.build_command(&self.postgres, libc::SIGINT);
            command.arg("-D").arg(&self.dir.data).stdin(Stdio::null());
            for setting in &self.settings {
                command.arg("-c").arg(setting);
            }
            command.stdout(log.try_clone().context("sharing the log")?).stderr(log);
            let mut child = command.spawn().context("starting postgres")?;
            self.pid.store(child.id(), Ordering::Relaxed);

            let Some(status) = self.wait_until_ready(&mut child, stop) else {
                return Ok(child);
            };
            let output = read_log_tail(&self.dir.log_path(), begin);
            // Sessions of a killed server may still run for a moment, or its start may be in progress.
            let temporary = [
                "pre-existing shared memory block",
                "postmaster.pid\" already exists",
                ".lock\" already exists",
            ];
            let is_temporary = temporary.iter().any(|reason| output.contains(reason));
            if !is_temporary || Instant::now() > until || wait_for_stop(stop, MIN_RESTART_PAUSE) {
                bail!("PostgreSQL did not start ({status}); {}:\n{output}", self.dir.log_path().display());
            }
        }
    }

    /// Waits for a starting server. Returns its exit status if it ends; `None` when it accepts
    /// connections or when asked to stop.
    ///
    /// There is no time limit: to kill a server during crash recovery only delays the recovery.
    fn wait_until_ready(&self, child: &mut Child, stop: &Receiver<Infallible>) -> Option<String> {
        loop {
            if let Some(status) = self.check_exit(child) {
                return Some(status);
            }
            let dir = &self.dir;
            let is_ready = dir.has_socket() && process::is_ready(&dir.data, child.id());
            if is_ready || wait_for_stop(stop, STARTUP_POLL_INTERVAL) {
                return None;
            }
        }
    }

    /// Watches a running server. Returns its exit status if it ends by itself; `None` after it was
    /// stopped on request.
    fn watch_until_exit(&self, child: &mut Child, stop: &Receiver<Infallible>) -> Option<String> {
        while !wait_for_stop(stop, POSTMASTER_POLL_INTERVAL) {
            if let Some(status) = self.check_exit(child) {
                return Some(status);
            }
        }
        if !process::stop_server(child.id().cast_signed(), || self.check_exit(child).is_some()) {
            error!("PostgreSQL does not stop (pid {})", child.id());
        }
        None
    }

    /// Returns the exit status of `child`, or `None` while it runs.
    fn check_exit(&self, child: &mut Child) -> Option<String> {
        let status = match child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(error) => error.to_string(),
        };
        self.pid.store(0, Ordering::Relaxed);
        Some(status)
    }
}

/// Waits up to `time`; returns whether the server is asked to stop.
fn wait_for_stop(stop: &Receiver<Infallible>, time: Duration) -> bool {
    stop.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
}

/// Reads the last lines of `log` after the offset `begin`.
fn read_log_tail(log: &Path, begin: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(begin.max(end.saturating_sub(16 << 10))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_or_else(|error| error.to_string(), |bytes| last_lines(&bytes))
}

/// Builds the URL of the database behind the socket in `run`.
///
/// The URL has the port, because libpq would otherwise take it from the environment.
fn build_url(run: &Path) -> String {
    let mut host = String::new();
    for &byte in run.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            host.push(char::from(byte));
        } else {
            host.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("postgresql://inkstone@{host}:5432/inkstone")
}
