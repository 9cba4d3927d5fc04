//! Logs, and the request id that links log lines to an answer.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use uuid::Uuid;

tokio::task_local! {
    /// The id of the request being served.
    pub static REQUEST_ID: Option<String>;
}

/// Returns the id of the request being served, if there is one.
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok().flatten()
}

/// Makes the id of a request that has none.
pub fn make_request_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Writes logs to standard error: as text on a terminal, as JSON lines otherwise.
///
/// `INKSTONE_LOG` filters the logs in the usual syntax (`warn`, `inkstone=debug`).
///
/// Returns `false`, and takes the default, if that filter cannot be read.
pub fn init() -> bool {
    let wanted = std::env::var("INKSTONE_LOG").unwrap_or_default();
    let given = EnvFilter::try_new(wanted.trim()).ok().filter(|_| !wanted.trim().is_empty());
    let is_valid = given.is_some() || wanted.trim().is_empty();
    let filter = given.unwrap_or_else(|| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.with_target(false).init();
    } else {
        logs.json().flatten_event(true).init();
    }
    is_valid
}
