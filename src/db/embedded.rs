//! A private PostgreSQL server, run as a child of this process.
//!
//! A data folder holds, for a cluster that is made by the first start:
//! `postgres/` (PostgreSQL's own data), `run/` (its socket), `postgres.log` and `inkstone.lock`.
//! Only this account can reach the server, by the socket; it does not listen on the network.

mod account;
mod create;
mod data_dir;
mod install;
mod process;
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

/// For how long a start is tried again, when what a killed server left needs a moment to go.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a server that is starting is looked at, and one that is running.
const STARTING: Duration = Duration::from_millis(20);
const RUNNING: Duration = Duration::from_millis(200);
/// The pause before a server that stopped is started again, at first and at most.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How to run a cluster.
pub struct Options<'a> {
    /// The folder for all of it; made if missing.
    pub data_dir: &'a Path,
    /// The folder of PostgreSQL's programs (INKSTONE_PG_BIN); looked for if not given.
    pub pg_bin: Option<&'a Path>,
    /// False only for tests: what was just written is then lost when the server is killed, and
    /// everything may be when the machine is.
    pub durable: bool,
}

/// A PostgreSQL cluster of our own, in `data_dir`; stops with this value, and with this process.
pub struct Embedded {
    url: String,
    pid: Arc<AtomicU32>,
    /// Dropped to ask the thread to stop the server.
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts the cluster, made first if need be; blocks until it takes connections.
    pub fn start(options: &Options) -> Result<Embedded> {
        let place = DataDir::prepare(options.data_dir)?;
        let major = place.major()?;
        let install = Install::find(options.pg_bin, major)?;
        if major.is_none() {
            create::create(&place, &install, options.durable)?;
        }
        place.note()?;

        let postgres = install.bin.join("postgres");
        let lz4 = create::knows_lz4(&place, &postgres);
        let settings = settings::settings(&place.run, options.durable, lz4);
        let url = url(&place.run);
        let pid = Arc::new(AtomicU32::new(0));
        let server = Server { place, postgres, settings, pid: Arc::clone(&pid) };
        let (stop, stop_asked) = mpsc::channel();
        let (started, has_started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || server.supervise(&started, &stop_asked))
            .context("starting the thread that runs PostgreSQL")?;
        let embedded = Embedded { url, pid, stop: Some(stop), thread: Some(thread) };
        has_started.recv().unwrap_or_else(|_| Err(anyhow!("the thread that runs PostgreSQL died")))?;
        Ok(embedded)
    }

    /// The address of the cluster in `data_dir`, if another process is running it.
    pub fn running(data_dir: &Path) -> Option<String> {
        DataDir::in_use(data_dir).map(|run| url(&run))
    }

    /// The database's address, as libpq and tokio-postgres read it.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Stops the server and waits until it is gone; does nothing the second time.
    pub fn stop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that runs PostgreSQL panicked");
        }
    }

    /// The server's process; none when it is not running.
    pub fn postmaster_pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|&pid| pid != 0)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the supervising thread owns. All starts happen on that one thread, because the kernel ties
/// a child to the thread that started it, not to the process.
struct Server {
    place: DataDir,
    postgres: PathBuf,
    settings: Vec<OsString>,
    /// Zero when it is not running.
    pid: Arc<AtomicU32>,
}

impl Server {
    /// Runs the server, and again if it stops by itself, until asked to stop.
    fn supervise(&self, started: &Sender<Result<()>>, stop: &Receiver<Infallible>) {
        let first = self.launch(stop);
        let (mut child, report) = match first {
            Ok(child) => (Some(child), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // Nobody listens when the caller is gone, who then has dropped `stop` too.
        let _ = started.send(report);
        let mut pause = PAUSE;
        while let Some(running) = &mut child {
            let since = Instant::now();
            let Some(status) = self.watch(running, stop) else {
                return;
            };
            error!("PostgreSQL stopped by itself ({status}); starting it again");
            if since.elapsed() > PATIENCE {
                pause = PAUSE;
            }
            child = self.relaunch(&mut pause, stop);
        }
    }

    /// Starts the server again, however often it takes; none when asked to stop.
    fn relaunch(&self, pause: &mut Duration, stop: &Receiver<Infallible>) -> Option<Child> {
        let mut failed = false;
        while !asked(stop, *pause) {
            *pause = (*pause * 2).min(LONGEST_PAUSE);
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

    /// Starts the server; returns when it takes connections, or `stop` is asked for.
    fn launch(&self, stop: &Receiver<Infallible>) -> Result<Child> {
        let until = Instant::now() + PATIENCE;
        loop {
            process::clear_leftover(&self.place.data)?;
            self.place.clear_sockets()?;
            let log = self.place.open_log()?;
            let begin = log.metadata().context("reading the log's size")?.len();
            let mut command = self.place.command(&self.postgres, libc::SIGINT);
            command.arg("-D").arg(&self.place.data).stdin(Stdio::null());
            for setting in &self.settings {
                command.arg("-c").arg(setting);
            }
            command.stdout(log.try_clone().context("sharing the log")?).stderr(log);
            let mut child = command.spawn().context("starting postgres")?;
            self.pid.store(child.id(), Ordering::Relaxed);

            let Some(status) = self.wait_until_ready(&mut child, stop) else {
                return Ok(child);
            };
            let said = tail(&self.place.log(), begin);
            // Of a killed server, sessions may live on for a moment, or a start may be under way.
            let passing = [
                "pre-existing shared memory block",
                "postmaster.pid\" already exists",
                ".lock\" already exists",
            ];
            let will_pass = passing.iter().any(|reason| said.contains(reason));
            if !will_pass || Instant::now() > until || asked(stop, PAUSE) {
                bail!("PostgreSQL did not start ({status}); {}:\n{said}", self.place.log().display());
            }
        }
    }

    /// None when the server takes connections or `stop` is asked for; else how it ended. There is
    /// no time limit: recovery after a crash takes what it takes, and to kill it only delays it.
    fn wait_until_ready(&self, child: &mut Child, stop: &Receiver<Infallible>) -> Option<String> {
        loop {
            if let Some(status) = self.ended(child) {
                return Some(status);
            }
            let place = &self.place;
            let ready = place.has_socket() && process::is_ready(&place.data, child.id());
            if ready || asked(stop, STARTING) {
                return None;
            }
        }
    }

    /// None when the server was stopped because that was asked for; else how it ended.
    fn watch(&self, child: &mut Child, stop: &Receiver<Infallible>) -> Option<String> {
        while !asked(stop, RUNNING) {
            if let Some(status) = self.ended(child) {
                return Some(status);
            }
        }
        if !process::end(child.id().cast_signed(), || self.ended(child).is_some()) {
            error!("PostgreSQL does not stop (pid {})", child.id());
        }
        None
    }

    /// How `child` ended; none as long as it runs.
    fn ended(&self, child: &mut Child) -> Option<String> {
        let status = match child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(error) => error.to_string(),
        };
        self.pid.store(0, Ordering::Relaxed);
        Some(status)
    }
}

/// Waits for up to `time`, and says whether the server shall stop.
fn asked(stop: &Receiver<Infallible>, time: Duration) -> bool {
    stop.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
}

/// The last lines that were written to `log` after `begin`.
fn tail(log: &Path, begin: u64) -> String {
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

/// The address of the database behind the socket in `run`. It names the port, which libpq would
/// else take from the environment.
fn url(run: &Path) -> String {
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
