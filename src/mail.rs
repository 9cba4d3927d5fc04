//! Mail: how one letter is handed over. What waits to be sent is in the members' outbox.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::Mail;

/// How long a mail server may take for one step.
const PATIENCE: Duration = Duration::from_secs(20);

/// One letter to one person.
#[derive(Clone, Debug)]
pub struct MailText {
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// Why a letter was not handed over.
#[derive(Debug)]
pub enum Failure {
    /// It never will be: the address or the letter is refused.
    Lasting(String),
    /// It may be later.
    Passing(String),
}

/// Hands letters to a mail server, or writes them as files.
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    File(AsyncFileTransport<Tokio1Executor>),
}

impl Mailer {
    /// The configured way to send mail, if there is one. Connects to nothing yet.
    ///
    /// `smtp://host:port` (with `?tls=opportunistic` or `?tls=required` for STARTTLS),
    /// `smtps://user:password@host`, or `file://` with a folder, by default `mail` in `data_dir`.
    pub fn new(config: &Mail, data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(url) = &config.mail_url else { return Ok(None) };
        let from = config.mail_from.parse().with_context(|| format!("{} is no sender", config.mail_from))?;
        let transport = match url.split_once("://") {
            Some(("file", folder)) => {
                let folder = if folder.is_empty() { data_dir.join("mail") } else { PathBuf::from(folder) };
                std::fs::create_dir_all(&folder)
                    .with_context(|| format!("making the folder {}", folder.display()))?;
                Transport::File(AsyncFileTransport::new(folder))
            }
            Some(("smtp" | "smtps", _)) => {
                // The address may hold a password: the cause is not shown.
                let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
                let smtp = smtp.ok().context("the mail URL is not smtp(s)://[user:password@]host[:port]")?;
                Transport::Smtp(smtp.timeout(Some(PATIENCE)).build())
            }
            _ => bail!("the mail URL begins with smtp://, smtps:// or file://"),
        };
        Ok(Some(Self { from, transport }))
    }

    /// Hands a letter over.
    pub async fn send(&self, letter: MailText) -> Result<(), Failure> {
        let lasting = |cause: &dyn std::error::Error| Failure::Lasting(cause.to_string());
        let to: Address = letter.to.parse().map_err(|cause| lasting(&cause))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .map_err(|cause| lasting(&cause))?;
        match &self.transport {
            Transport::File(folder) => {
                folder.send(message).await.map(drop).map_err(|cause| Failure::Passing(cause.to_string()))
            }
            Transport::Smtp(server) => match server.send(message).await {
                Ok(_) => Ok(()),
                Err(cause) if cause.is_permanent() => Err(lasting(&cause)),
                Err(cause) => Err(Failure::Passing(cause.to_string())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(url: &str) -> anyhow::Result<Option<Mailer>> {
        let config =
            Mail { mail_url: Some(url.to_owned()), mail_from: "a@example.org".to_owned(), account_url: None };
        Mailer::new(&config, Path::new("/nowhere"))
    }

    #[test]
    fn a_mail_server_is_configured_before_anything_runs() {
        for url in
            ["smtp://127.0.0.1:25", "smtp://mail.example.org?tls=required", "smtps://u:p@mail.example.org"]
        {
            assert!(made(url).is_ok_and(|mailer| mailer.is_some()), "{url}");
        }
    }

    #[test]
    fn a_mail_url_that_makes_no_sense_is_refused_and_its_password_not_shown() {
        for url in ["mail.example.org", "http://mail.example.org", "smtp://u:secret@:x"] {
            let refusal = made(url).err().map(|cause| format!("{cause:#}")).unwrap();
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}
