//! Looking for malware, before a file is kept.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clamav_client::tokio::{Socket, Tcp, scan_file};
use tokio::process::Command;
use tokio::time::timeout;

use crate::error::{Code, Error, Result};

/// How long a scan may take.
const SCAN_TIMEOUT: Duration = Duration::from_secs(120);
/// The largest piece of a file that clamd gets at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Has `scanner` look at a file: clamd at an address or a socket (its command INSTREAM), or a program, which exits with 0
/// for a clean file and with 1 for a bad one.
///
/// Fails with 422 for a bad file. Fails with 503 if the scanner cannot tell: what was not scanned is not kept.
pub async fn scan(scanner: &str, file: &Path) -> Result<()> {
    let scanned = timeout(SCAN_TIMEOUT, async {
        match scanner.strip_prefix("clamd://") {
            Some(place) => ask_clamd(place, file).await,
            None => run_program(scanner, file).await,
        }
    });
    match scanned.await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Error::Refused(Code::RefusedFile, "The file was found to be harmful.".into())),
        Ok(Err(cause)) => Err(Error::Unavailable(format!("the scanner: {cause:#}"))),
        Err(_) => Err(Error::Unavailable("the scanner took too long".to_owned())),
    }
}

/// Whether clamd finds the file clean.
async fn ask_clamd(place: &str, file: &Path) -> anyhow::Result<bool> {
    let answer = if place.starts_with('/') {
        scan_file(file, Socket { socket_path: place }, Some(CHUNK_BYTES)).await?
    } else {
        scan_file(file, Tcp { host_address: place }, Some(CHUNK_BYTES)).await?
    };
    let text = String::from_utf8_lossy(&answer);
    match clamav_client::clean(&answer) {
        Ok(true) => Ok(true),
        _ if text.contains("FOUND") => {
            tracing::warn!(answer = %text.trim_end_matches('\0'), "A file was refused by the scanner");
            Ok(false)
        }
        _ => anyhow::bail!("clamd answered {text:?}"),
    }
}

/// Whether a program finds the file clean.
async fn run_program(program: &str, file: &Path) -> anyhow::Result<bool> {
    let mut command = Command::new(program);
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match command.status().await?.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        code => anyhow::bail!("it ended with {code:?}"),
    }
}
