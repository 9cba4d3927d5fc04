//! The servers that are compared: each alone on one core, with one worker.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::bare;
use crate::wrk::{SERVER_CORE, pin};

/// A server that is measured. Dropping it ends its process.
pub struct Contestant {
    pub name: &'static str,
    /// The addresses of the single read and of the list.
    pub urls: [String; 2],
    _process: Option<Process>,
}

impl Contestant {
    /// A server that somebody else stops.
    pub fn new(name: &'static str, urls: [String; 2]) -> Self {
        Self { name, urls, _process: None }
    }
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Asked to stop, it takes its own children along.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens on.
pub fn find_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Starts those of the comparison that are installed, over the files in `folder`. Returns the names of the others too.
pub fn start(folder: &Path) -> anyhow::Result<(Vec<Contestant>, Vec<&'static str>)> {
    let bare_port = find_port()?;
    let mut bare = pin(SERVER_CORE, &std::env::current_exe()?);
    bare.arg(bare::WORD).arg(bare_port.to_string()).arg(folder);
    let mut contestants = vec![launch("bare handler", bare, bare_port)?];
    let urls = ["single", "list"].map(|name| format!("http://127.0.0.1:{bare_port}/whole/{name}.json"));
    contestants.push(Contestant::new("bare handler, our headers", urls));
    let mut missing = Vec::new();
    match find_program("nginx") {
        Some(program) => {
            let port = find_port()?;
            let settings = folder.join("nginx.conf");
            fs::write(&settings, nginx_settings(folder, port))?;
            let mut nginx = pin(SERVER_CORE, program.as_ref());
            nginx.arg("-e").arg("stderr").arg("-c").arg(settings);
            contestants.push(launch("nginx", nginx, port)?);
        }
        None => missing.push("nginx"),
    }
    match find_program("varnishd") {
        Some(program) => {
            let port = find_port()?;
            let rules = folder.join("varnish.vcl");
            fs::write(&rules, varnish_rules(bare_port))?;
            let mut varnish = pin(SERVER_CORE, program.as_ref());
            varnish.args(["-j", "none", "-F", "-s", "malloc,64m", "-a", &format!("127.0.0.1:{port}")]);
            varnish.arg("-n").arg(folder.join("varnish")).arg("-f").arg(rules);
            contestants.push(launch("Varnish", varnish, port)?);
        }
        None => missing.push("Varnish"),
    }
    Ok((contestants, missing))
}

fn find_program(name: &str) -> Option<String> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    folders.map(|folder| format!("{folder}/{name}")).into_iter().find(|path| Path::new(path).exists())
}

fn launch(name: &'static str, mut command: Command, port: u16) -> anyhow::Result<Contestant> {
    let process = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < end, "{name} does not start: {command:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let urls = ["single", "list"].map(|file| format!("http://{address}/{file}.json"));
    Ok(Contestant { name, urls, _process: Some(process) })
}

/// One worker that sends files it has opened before.
fn nginx_settings(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
         open_file_cache max=100 inactive=1h; open_file_cache_valid 1h; default_type application/json;\n\
         types {{ application/json json; }}\n\
         server {{ listen 127.0.0.1:{port} reuseport; root {folder}; }} }}\n"
    )
}

/// Keeps what the bare handler answers for an hour.
fn varnish_rules(port: u16) -> String {
    format!(
        "vcl 4.1;\nbackend default {{ .host = \"127.0.0.1\"; .port = \"{port}\"; }}\n\
         sub vcl_backend_response {{ set beresp.ttl = 1h; }}\n"
    )
}
