//! The worker that sends the mails of the outbox.

use std::time::Duration;

use actix_web::{rt, web};
use chrono::TimeDelta;
use uuid::Uuid;

use super::model::MailKind;
use super::queries::{self, OutboxMail};
use super::templates::{self, Site};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::Result;
use crate::mail::{MailText, Mailer, SendError};
use crate::members::model::{MemberRow, MemberStatus};
use crate::members::recovery::queries::{self as recovery, Purpose};
use crate::members::{email, queries as members, secrets};
use crate::tx::Tx;

/// The pause between two looks at an empty outbox.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The longest pause between two attempts at a mail, in seconds.
const MAX_RETRY_SECONDS: f64 = 600.0;

/// Sends mails until the process ends.
pub async fn run_worker(app: web::Data<App>) {
    loop {
        let sent = match &app.mailer {
            Some(mailer) => send_next_mail(&app, mailer).await,
            None => return,
        };
        match sent {
            Ok(true) => {}
            Ok(false) => rt::time::sleep(POLL_INTERVAL).await,
            Err(error) => {
                tracing::warn!(%error, "The outbox is tried again later");
                rt::time::sleep(POLL_INTERVAL * 4).await;
            }
        }
    }
}

/// Sends one mail, if one is due; returns whether one was due.
async fn send_next_mail(app: &web::Data<App>, mailer: &Mailer) -> Result<bool> {
    let claimed = app.write(async |tx| Ok(queries::claim_mail(tx).await?)).await?;
    let Some(mail) = claimed else { return Ok(false) };
    let (shared, due) = (app.clone(), mail.clone());
    let sent = match app.write(async move |tx| compose_mail(tx, &shared, &due).await).await {
        // There is no recipient any more.
        Ok(None) => Ok(()),
        Ok(Some(text)) => mailer.send(text).await,
        Err(error) => Err(SendError::Temporary(format!("composing: {error}"))),
    };
    let (id, kind) = (mail.id, mail.kind.as_str());
    match sent {
        Ok(()) => app.write(async move |tx| Ok(queries::delete_mail(tx, id).await?)).await?,
        Err(SendError::Temporary(cause)) if !mail.is_too_old => {
            tracing::warn!(mail = %id, kind, cause, "A mail is tried again later");
            let delay = retry_delay(&mail);
            app.write(async move |tx| Ok(queries::postpone_mail(tx, id, delay).await?)).await?;
        }
        Err(SendError::Temporary(cause) | SendError::Permanent(cause)) => {
            tracing::error!(mail = %id, kind, cause, "A mail is given up");
            app.write(async move |tx| give_up_mail(tx, id).await).await?;
        }
    }
    Ok(true)
}

/// Deletes a mail that cannot be sent, and tells admins of it in the audit trail.
async fn give_up_mail(tx: &mut Tx, id: Uuid) -> Result<()> {
    queries::delete_mail(tx, id).await?;
    tx.record(Actor::SYSTEM, Change::new("give_up", "mail", id));
    Ok(())
}

/// Returns the seconds until the next attempt: doubled each time, with up to 50 % of jitter.
fn retry_delay(mail: &OutboxMail) -> f64 {
    let jitter = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 510.0;
    2_f64.powi(mail.attempts.min(20) - 1).min(MAX_RETRY_SECONDS) * (1.0 + jitter)
}

/// Composes a mail and activates its token. Returns `None` if there is no recipient any more.
async fn compose_mail(tx: &mut Tx, app: &App, mail: &OutboxMail) -> Result<Option<MailText>> {
    let Some(member) = members::lock_member_by_email(tx, &mail.email_canonical).await? else {
        return Ok(None);
    };
    let is_verified = member.email_verified_at.is_some();
    let is_active = member.account.status == MemberStatus::Active;
    let is_other_member = mail.member_id.is_some_and(|id| id != member.id);
    if !is_active || is_other_member || mail.kind == MailKind::Verify && is_verified {
        return Ok(None);
    }
    // A change of the account that came first has withdrawn the mail.
    if !queries::is_mail_wanted(tx, mail.id).await? {
        return Ok(None);
    }
    let (name, base_url, locale) = queries::load_site(tx).await?;
    let pages = app.config.mail.account_url.clone().unwrap_or(base_url);
    let link = match page_and_purpose(mail.kind) {
        None => None,
        Some((page, purpose)) => {
            let Some(token) = activate_token(tx, app, mail, &member, purpose).await? else { return Ok(None) };
            Some((format!("{}/{page}?token={token}", pages.trim_end_matches('/')), token))
        }
    };
    let locale = member.account.locale.clone().unwrap_or(locale);
    let site = Site { name, chinese: locale.to_lowercase().starts_with("zh") };
    let to = mail.recipient.clone().unwrap_or_else(|| member.account.email.clone());
    // Strangers can type a name and somebody else's email: a mail to an unverified email has no name.
    let is_proved = is_verified && mail.recipient.is_none();
    let name = if is_proved { member.account.display_name.as_str() } else { "" };
    Ok(Some(templates::render_mail(mail.kind, &site, name, &ascii_domain(&to), link)))
}

/// Returns the frontend page that a mail links to, and the purpose of the token in the link.
fn page_and_purpose(kind: MailKind) -> Option<(&'static str, Purpose)> {
    match kind {
        MailKind::Verify => Some(("verify-email", Purpose::Verify)),
        MailKind::ChangeEmail => Some(("verify-email", Purpose::ChangeEmail)),
        MailKind::Reset | MailKind::Invitation => Some(("reset-password", Purpose::Reset)),
        MailKind::AlreadyRegistered
        | MailKind::EmailChanged
        | MailKind::PasswordChanged
        | MailKind::WebhookDisabled => None,
    }
}

/// Activates the token of a mail. Returns `None` if the token was spent already.
async fn activate_token(
    tx: &mut Tx,
    app: &App,
    mail: &OutboxMail,
    member: &MemberRow,
    purpose: Purpose,
) -> Result<Option<String>> {
    let prefix = if purpose == Purpose::Reset { secrets::RESET_PREFIX } else { secrets::VERIFY_PREFIX };
    let token = secrets::derive_token(&app.keys, prefix, &[b"mail", mail.id.as_bytes()]);
    let lifetime = if mail.kind == MailKind::Reset { recovery::RESET_LIFETIME } else { TimeDelta::hours(48) };
    let new = recovery::NewToken {
        hash: secrets::hash(&token),
        member_id: member.id,
        purpose,
        email: mail.recipient.clone(),
        email_canonical: mail.recipient.as_deref().and_then(email::canonicalise),
        lifetime,
    };
    Ok(recovery::activate_token(tx, new).await?.then_some(token))
}

/// Returns the email as typed, with the domain in ASCII, as mail servers require.
fn ascii_domain(typed: &str) -> String {
    let local = typed.trim().rsplit_once('@').map(|(local, _)| local);
    let domain = email::canonicalise(typed);
    match (local, domain.as_deref().and_then(|email| email.rsplit_once('@'))) {
        (Some(local), Some((_, domain))) => format!("{local}@{domain}"),
        _ => typed.to_owned(),
    }
}
