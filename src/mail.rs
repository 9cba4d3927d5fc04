//! Delivery of single mails to a mail server or to files. The mails to be sent are in the members' outbox.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::io::AsyncWriteExt;

use crate::config::Mail;

/// The longest time of one step of the SMTP dialogue.
const SMTP_STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// A mail to one recipient.
#[derive(Clone, Debug)]
pub struct MailText {
    /// The email of the recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// The reason why a mail was not delivered.
#[derive(Debug)]
pub enum SendError {
    /// The recipient or the mail was refused; another attempt is useless.
    Permanent(String),
    /// Another attempt may succeed.
    Temporary(String),
}

/// Sends mails to a mail server, or writes them as files.
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// A folder that only this account may read: mails hold tokens.
    File(PathBuf),
}

/// Makes a folder that only this account may enter.
///
/// A folder that is there is closed to others too, if it holds nothing but mails.
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let is_mail = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|kind| kind == "eml");
    let entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    if entries.iter().all(is_mail) {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        // Earlier versions wrote mails that everybody could read.
        return entries
            .iter()
            .try_for_each(|mail| fs::set_permissions(mail.path(), Permissions::from_mode(0o600)));
    }
    let folder = folder.display();
    tracing::warn!(%folder, "Other accounts may enter the folder of mails; it is left so, since it holds other files");
    Ok(())
}

/// Writes a mail that only this account may read.
async fn write_private_file(folder: &Path, mail: &[u8]) -> std::io::Result<()> {
    let path = folder.join(format!("{}.eml", uuid::Uuid::now_v7()));
    let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await?;
    file.write_all(mail).await?;
    file.flush().await
}

impl Mailer {
    /// Builds the configured mailer, if mail is configured. Does not connect yet.
    ///
    /// `smtp://host:port` (with `?tls=opportunistic` or `?tls=required` for STARTTLS),
    /// `smtps://user:password@host`, or `file://` with a folder, by default `mail` in `data_dir`.
    pub fn new(config: &Mail, data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(url) = &config.mail_url else { return Ok(None) };
        let from =
            config.mail_from.parse().with_context(|| format!("{} is not a sender", config.mail_from))?;
        let transport = match url.split_once("://") {
            Some(("file", folder)) => {
                let folder = if folder.is_empty() { data_dir.join("mail") } else { PathBuf::from(folder) };
                make_private_folder(&folder)
                    .with_context(|| format!("making the folder {}", folder.display()))?;
                Transport::File(folder)
            }
            Some(("smtp" | "smtps", _)) => {
                // The URL may hold a password, so the cause is not shown.
                let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
                let smtp = smtp.ok().context("the mail URL is not smtp(s)://[user:password@]host[:port]")?;
                Transport::Smtp(smtp.timeout(Some(SMTP_STEP_TIMEOUT)).build())
            }
            _ => bail!("the mail URL begins with smtp://, smtps:// or file://"),
        };
        Ok(Some(Self { from, transport }))
    }

    /// Sends a mail.
    pub async fn send(&self, mail: MailText) -> Result<(), SendError> {
        let permanent = |cause: &dyn std::error::Error| SendError::Permanent(cause.to_string());
        let to: Address = mail.to.parse().map_err(|cause| permanent(&cause))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
            .map_err(|cause| permanent(&cause))?;
        match &self.transport {
            Transport::File(folder) => {
                let written = write_private_file(folder, &message.formatted()).await;
                written.map_err(|cause| SendError::Temporary(cause.to_string()))
            }
            Transport::Smtp(server) => match server.send(message).await {
                Ok(_) => Ok(()),
                Err(cause) if cause.is_permanent() => Err(permanent(&cause)),
                Err(cause) => Err(SendError::Temporary(cause.to_string())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_mailer(url: &str) -> anyhow::Result<Option<Mailer>> {
        let config =
            Mail { mail_url: Some(url.to_owned()), mail_from: "a@example.org".to_owned(), account_url: None };
        Mailer::new(&config, Path::new("/nowhere"))
    }

    #[test]
    fn a_mail_server_is_configured_before_anything_runs() {
        for url in
            ["smtp://127.0.0.1:25", "smtp://mail.example.org?tls=required", "smtps://u:p@mail.example.org"]
        {
            assert!(build_mailer(url).is_ok_and(|mailer| mailer.is_some()), "{url}");
        }
    }

    #[test]
    fn a_mail_url_that_makes_no_sense_is_refused_and_its_password_not_shown() {
        for url in ["mail.example.org", "http://mail.example.org", "smtp://u:secret@:x"] {
            let refusal = build_mailer(url).err().map(|cause| format!("{cause:#}")).unwrap();
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}
