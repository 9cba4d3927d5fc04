//! Outgoing mail.

use clap::Args;

use super::values::{parse_mail_url, parse_sender, parse_web_url};

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
}
