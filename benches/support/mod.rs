//! What the benchmarks share: the released server over a PostgreSQL of its own, and figures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The password of the admin, whose account is there to be attacked.
pub const PASSWORD: &str = "four quite long words";
/// The admin's address.
pub const ADMIN: &str = "admin@localhost";

/// How long the search index of a filled database may take to be built.
const INDEX_PATIENCE: Duration = Duration::from_secs(300);

/// A running server. The limits on attempts are out of the way: it is the work behind them that is measured.
pub struct Server {
    pub url: String,
    pub child: Child,
    _folder: TempDir,
}

impl Server {
    /// Starts it with more arguments.
    pub fn start(more: &[&str]) -> anyhow::Result<Self> {
        Self::launch(Command::new(env!("CARGO_BIN_EXE_inkstone")), more)
    }

    /// The same by a command of which only arguments are missing.
    pub fn launch(command: Command, more: &[&str]) -> anyhow::Result<Self> {
        let server = Self::launch_at_once(command, more)?;
        server.wait_for_index()?;
        Ok(server)
    }

    /// The same, as soon as it answers.
    pub fn launch_at_once(mut command: Command, more: &[&str]) -> anyhow::Result<Self> {
        // What the clients of the benchmarks encrypt with, though they stay on this machine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir()?;
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--admin-password", PASSWORD, "--login-attempts", "1000000"])
            .arg("--data-dir")
            .arg(folder.path())
            .args(more)
            .env_remove("DATABASE_URL")
            .env("INKSTONE_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let ready = lines.find_map(|line| line.ok()?.strip_prefix("Inkstone is ready: ").map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { url: ready.context("the server did not start")?, child, _folder: folder })
    }

    /// Waits until its search index is built: on a filled database, that is work beside what is measured.
    fn wait_for_index(&self) -> anyhow::Result<()> {
        let end = Instant::now() + INDEX_PATIENCE;
        while !self.ask_readiness()?.contains(r#""ready":true"#) {
            anyhow::ensure!(Instant::now() < end, "the search index is not built");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn ask_readiness(&self) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// A POST of `body` to `path`.
    pub fn post(&self, client: &Client, path: &str, body: &Value) -> RequestBuilder {
        client.post(format!("{}/api/v1{path}", self.url)).json(body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to stop, it takes its PostgreSQL along before the folder goes.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The body of a login.
pub fn login(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

/// Runs `work` on this thread.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
