//! The real binary, run as its users run it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use super::{Client, TestApp};

/// A folder that the unprivileged account of PostgreSQL can reach.
pub fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(super::cluster::folder()).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Runs `command` to its end; returns its exit code, and what it wrote to both outputs.
pub fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Runs `inkstone` with `arguments` on the database of `app`, as [`run`] does.
pub async fn run_on(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = inkstone(arguments);
    command.env("DATABASE_URL", &app.db.url);
    actix_web::web::block(move || run(command)).await.unwrap()
}

/// The path of a program that the machine may have.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
    folders.into_iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

/// A process that is killed when the test is over.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes a file and returns its path.
pub fn write_file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `inkstone` with `arguments`, and nothing of Inkstone's in the environment.
pub fn inkstone(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inkstone"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("INKSTONE_") || name == "DATABASE_URL")
    {
        command.env_remove(name);
    }
    // No balancer has to notice that a server leaves.
    command.env("INKSTONE_DRAIN_DELAY", "0");
    if let Some(pg_bin) = super::cluster::pg_bin() {
        command.env("INKSTONE_PG_BIN", pg_bin);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A running `inkstone serve`.
pub struct Process {
    child: Child,
    log: File,
    /// What it printed until it was ready.
    pub printed: Vec<String>,
    later: Arc<Mutex<Vec<String>>>,
    pub url: String,
}

impl Process {
    /// Starts it with a private PostgreSQL in `data_dir`, and waits until it is ready.
    pub fn serve(data_dir: &Path, more: &[&str]) -> Self {
        let data_dir = data_dir.to_str().unwrap();
        let fixed =
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir, "--admin-password", "correct horse"];
        Self::start(inkstone(&[&fixed, more].concat()))
    }

    /// Starts `command`, and waits for the line that says it is ready.
    pub fn start(mut command: Command) -> Self {
        let mut log = tempfile::tempfile().unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log.try_clone().unwrap()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        let url = loop {
            let Some(line) = lines.next() else {
                let mut why = String::new();
                log.rewind().unwrap();
                log.read_to_string(&mut why).unwrap();
                panic!("it ended before it was ready: {:?}, {why}", child.wait());
            };
            let line = line.unwrap();
            printed.push(line.clone());
            if let Some(url) = line.strip_prefix("Inkstone is ready: ") {
                break url.to_owned();
            }
        };
        // What it prints later must not block it.
        let later = Arc::new(Mutex::new(Vec::new()));
        let gathered = later.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                gathered.lock().unwrap().push(line);
            }
        });
        Self { child, log, printed, later, url }
    }

    /// What it has printed since it was ready.
    pub fn read_printed(&self) -> Vec<String> {
        self.later.lock().unwrap().clone()
    }

    /// What it has written to standard error.
    pub fn read_log(&self) -> String {
        let mut bytes = vec![0; self.log.metadata().unwrap().len() as usize];
        // Its place in the file is the child's too.
        self.log.read_exact_at(&mut bytes, 0).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url, None)
    }

    /// The first admin, signed in by the password of [`Process::serve`].
    pub async fn admin(&self) -> Client {
        let login = serde_json::json!({"email": "admin@localhost", "password": "correct horse"});
        let session = self.client().post("/api/v1/auth/login", login).await.data(200);
        Client::new(&self.url, session["access_token"].as_str().map(str::to_owned))
    }

    /// The most memory that it has used so far.
    pub fn peak_memory_mib(&self) -> u64 {
        self.read_memory_mib("VmHWM:")
    }

    /// The memory that it uses now.
    pub fn memory_mib(&self) -> u64 {
        self.read_memory_mib("VmRSS:")
    }

    fn read_memory_mib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        size.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let done =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
