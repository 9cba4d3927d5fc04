//! Making a cluster, and asking its server what it can do.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tracing::info;

use super::data_dir::DataDir;
use super::install::Install;
use super::settings;

/// Makes the cluster and its database, beside where they belong until they are whole.
pub(super) fn create(place: &DataDir, install: &Install, durable: bool) -> Result<()> {
    info!("making a database in {}", place.data.display());
    let fresh = place.fresh()?;
    let mut initdb = place.command(&install.bin.join("initdb"), libc::SIGKILL);
    initdb.arg("-D").arg(&fresh);
    // Trusting everyone is safe: the server does not listen on the network, and only the cluster's
    // account can enter the folder of its socket.
    initdb.args(["--username=inkstone", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    if has_utf8_ctype() {
        initdb.arg("--lc-ctype=C.UTF-8");
    }
    initdb.arg("--no-instructions");
    if !durable {
        initdb.arg("--no-sync");
    }
    run(initdb, "")?;

    let mut single = place.command(&install.bin.join("postgres"), libc::SIGKILL);
    single.args(["--single", "-D"]).arg(&fresh);
    single.args(["-c", "exit_on_error=on", "-c", if durable { "fsync=on" } else { "fsync=off" }]);
    single.arg("template1");
    run(single, "CREATE DATABASE inkstone\n")?;
    place.adopt(&fresh)
}

/// Whether the machine has a locale that knows what a letter is beyond ASCII.
fn has_utf8_ctype() -> bool {
    let locales = Command::new("locale").arg("-a").output();
    let names = locales.map(|output| output.stdout).unwrap_or_default();
    names
        .split(|&byte| byte == b'\n')
        .any(|name| name.eq_ignore_ascii_case(b"C.utf8") || name.eq_ignore_ascii_case(b"C.UTF-8"))
}

/// Whether the server takes the settings that need lz4, which not every one is built with.
pub(super) fn knows_lz4(place: &DataDir, postgres: &Path) -> bool {
    let mut command = place.command(postgres, libc::SIGKILL);
    command.args(["-C", "port", "-D"]).arg(&place.data);
    for setting in settings::LZ4 {
        command.args(["-c", setting]);
    }
    run(command, "").is_ok()
}

/// Runs a program to its end with `input`; an error tells the last of what it said.
fn run(mut command: Command, input: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let running = || format!("running {name}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(running)?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().with_context(running)?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{name} failed ({}):\n{}", output.status, last_lines(&said));
    written.with_context(running)
}

/// The last lines of what a program said.
pub(super) fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
