//! Outgoing mail.

use std::time::Duration;

use clap::Args;

use super::values::{parse_mail_url, parse_seconds, parse_sender, parse_web_url};

/// Outgoing mail.
#[derive(Args, Clone, Debug)]
pub struct Mail {
    /// The mail server: smtp://host:port (?tls=required for STARTTLS), smtps://user:password@host,
    /// or file:// for files in the data directory. Without it no mail is sent, and emails are not verified.
    #[arg(long, env = "INKSTONE_MAIL_URL", hide_env_values = true, value_parser = parse_mail_url, value_name = "URL")]
    pub mail_url: Option<String>,
    /// The sender of mails.
    #[arg(long, env = "INKSTONE_MAIL_FROM", default_value = "inkstone@localhost", value_parser = parse_sender, value_name = "EMAIL")]
    pub mail_from: String,
    /// The URL under which the frontend has its pages /verify-email and /reset-password; by default the site's public URL.
    #[arg(long, env = "INKSTONE_ACCOUNT_URL", value_parser = parse_web_url, value_name = "URL")]
    pub account_url: Option<String>,
    /// Seconds until a mail server that does not take a mail is left; the mail is tried again later. At most 90.
    #[arg(long, env = "INKSTONE_MAIL_TIMEOUT", default_value = "60", value_parser = parse_timeout, value_name = "SECONDS")]
    pub mail_timeout: Duration,
}

/// Parses the longest time of an exchange with a mail server.
///
/// It must be shorter than a worker has the mail to itself, or another one sends it meanwhile.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    parse_seconds(text).and_then(|timeout| match timeout.as_secs() {
        1..=90 => Ok(timeout),
        _ => Err("must be at most 90".to_owned()),
    })
}
