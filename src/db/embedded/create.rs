//! Creation of a cluster, and checks of what its server supports.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tracing::info;

use super::data_dir::DataDir;
use super::install::Install;
use super::settings;

/// Creates the cluster and its database, in a staging directory until they are complete.
pub(super) fn create_cluster(dir: &DataDir, install: &Install, durable: bool) -> Result<()> {
    info!("creating a database in {}", dir.data.display());
    let staging = dir.create_staging_dir()?;
    let mut initdb = dir.build_command(&install.bin.join("initdb"), libc::SIGKILL);
    initdb.arg("-D").arg(&staging);
    // `trust` is safe: the server does not listen on the network, and only the cluster's account
    // can enter the directory of the socket.
    initdb.args(["--username=inkstone", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    if has_utf8_ctype() {
        initdb.arg("--lc-ctype=C.UTF-8");
    }
    initdb.arg("--no-instructions");
    if !durable {
        initdb.arg("--no-sync");
    }
    run_program(initdb, "")?;

    let mut single = dir.build_command(&install.bin.join("postgres"), libc::SIGKILL);
    single.args(["--single", "-D"]).arg(&staging);
    single.args(["-c", "exit_on_error=on", "-c", if durable { "fsync=on" } else { "fsync=off" }]);
    single.arg("template1");
    run_program(single, "CREATE DATABASE inkstone\n")?;
    dir.adopt_staging_dir(&staging)
}

/// Whether the machine has a locale that classifies characters beyond ASCII.
fn has_utf8_ctype() -> bool {
    let locales = Command::new("locale").arg("-a").output();
    let names = locales.map(|output| output.stdout).unwrap_or_default();
    names
        .split(|&byte| byte == b'\n')
        .any(|name| name.eq_ignore_ascii_case(b"C.utf8") || name.eq_ignore_ascii_case(b"C.UTF-8"))
}

/// Whether the server accepts the settings that need lz4. Not every server is built with it.
pub(super) fn supports_lz4(dir: &DataDir, postgres: &Path) -> bool {
    let mut command = dir.build_command(postgres, libc::SIGKILL);
    command.args(["-C", "port", "-D"]).arg(&dir.data);
    for setting in settings::LZ4_SETTINGS {
        command.args(["-c", setting]);
    }
    run_program(command, "").is_ok()
}

/// Runs a program to its end with `input`. An error holds the last lines of its output.
fn run_program(mut command: Command, input: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let running = || format!("running {name}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(running)?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().with_context(running)?;
    let text = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{name} failed ({}):\n{}", output.status, last_lines(&text));
    written.with_context(running)
}

/// Returns the last lines of the output of a program.
pub(super) fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
