//! Sends what is in the outbox.

use std::time::Duration;

use actix_web::{rt, web};
use chrono::{TimeDelta, Utc};

use super::Kind;
use super::queries::{self, Job};
use super::templates::{self, Site};
use crate::app::App;
use crate::error::Result;
use crate::mail::{Failure, MailText, Mailer};
use crate::members::model::{MemberRow, MemberStatus};
use crate::members::recovery::queries::{self as recovery, Purpose};
use crate::members::{email, queries as members, secrets};
use crate::tx::Tx;

/// How often an empty outbox is looked at.
const POLL: Duration = Duration::from_millis(500);
/// How long a mail is tried.
const PATIENCE: TimeDelta = TimeDelta::days(3);
/// The longest pause between two tries, in seconds.
const LONGEST_PAUSE: f64 = 600.0;

/// Sends mail until the process ends.
pub async fn run(app: web::Data<App>) {
    loop {
        let sent = match &app.mailer {
            Some(mailer) => send_one(&app, mailer).await,
            None => return,
        };
        match sent {
            Ok(true) => {}
            Ok(false) => rt::time::sleep(POLL).await,
            Err(error) => {
                tracing::warn!(%error, "Mail is left for later");
                rt::time::sleep(POLL * 4).await;
            }
        }
    }
}

/// Sends one mail, if one is due.
async fn send_one(app: &web::Data<App>, mailer: &Mailer) -> Result<bool> {
    let Some(job) = queries::take(&mut *app.conn().await?).await? else { return Ok(false) };
    let (shared, due) = (app.clone(), job.clone());
    let letter = app.write(async move |tx| compose(tx, &shared, &due).await).await?;
    let sent = match letter {
        // Nobody to write to any more.
        None => Ok(()),
        Some(letter) => mailer.send(letter).await,
    };
    let mut conn = app.conn().await?;
    match sent {
        Ok(()) => queries::done(&mut conn, job.id).await?,
        Err(Failure::Passing(cause)) if job.created_at + PATIENCE > Utc::now() => {
            tracing::warn!(mail = %job.id, kind = job.kind.as_str(), cause, "Mail is left for later");
            queries::retry(&mut conn, job.id, pause(&job)).await?;
        }
        Err(Failure::Passing(cause) | Failure::Lasting(cause)) => {
            tracing::error!(mail = %job.id, kind = job.kind.as_str(), cause, "Mail is given up");
            queries::done(&mut conn, job.id).await?;
        }
    }
    Ok(true)
}

/// Seconds until the next try: doubled each time, and by chance up to half as long again.
fn pause(job: &Job) -> f64 {
    let chance = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 510.0;
    2_f64.powi(job.attempts.min(20) - 1).min(LONGEST_PAUSE) * (1.0 + chance)
}

/// The letter of a job, its token ready to be used; none when there is nobody to write to.
async fn compose(tx: &mut Tx, app: &App, job: &Job) -> Result<Option<MailText>> {
    let Some(member) = members::by_address(tx, &job.email_canonical).await? else { return Ok(None) };
    let verified = member.email_verified_at.is_some();
    let active = member.account.status == MemberStatus::Active;
    if !active || job.kind == Kind::Verify && verified {
        return Ok(None);
    }
    let (name, base_url, locale) = queries::site(tx).await?;
    let pages = app.config.mail.account_url.clone().unwrap_or(base_url);
    let link = match page_and_purpose(job.kind) {
        None => None,
        Some((page, purpose)) => {
            let Some(token) = ready_token(tx, app, job, &member, purpose).await? else { return Ok(None) };
            Some((format!("{}/{page}?token={token}", pages.trim_end_matches('/')), token))
        }
    };
    let locale = member.account.locale.clone().unwrap_or(locale);
    let site = Site { name, chinese: locale.to_lowercase().starts_with("zh") };
    let to = job.recipient.clone().unwrap_or_else(|| member.account.email.clone());
    Ok(Some(templates::render(job.kind, &site, &member.account.display_name, &deliverable(&to), link)))
}

/// The page of the frontend that a mail leads to, and what its token is good for.
fn page_and_purpose(kind: Kind) -> Option<(&'static str, Purpose)> {
    match kind {
        Kind::Verify => Some(("verify-email", Purpose::Verify)),
        Kind::ChangeEmail => Some(("verify-email", Purpose::ChangeEmail)),
        Kind::Reset | Kind::Invitation => Some(("reset-password", Purpose::Reset)),
        Kind::AlreadyRegistered | Kind::EmailChanged | Kind::PasswordChanged => None,
    }
}

/// The token of a job, good from now on; none when it was used already.
async fn ready_token(
    tx: &mut Tx,
    app: &App,
    job: &Job,
    member: &MemberRow,
    purpose: Purpose,
) -> Result<Option<String>> {
    let prefix = if purpose == Purpose::Reset { secrets::RESET } else { secrets::VERIFY };
    let token = secrets::derived(&app.keys, prefix, &[b"mail", job.id.as_bytes()]);
    let minutes = if job.kind == Kind::Reset { 30 } else { 48 * 60 };
    let new = recovery::NewToken {
        hash: secrets::hash(&token),
        member_id: member.id,
        purpose,
        email: job.recipient.clone(),
        email_canonical: job.recipient.as_deref().and_then(email::canonical),
        minutes,
    };
    Ok(recovery::ready(tx, new).await?.then_some(token))
}

/// The address as a mail server takes it: as typed, with the domain in ASCII.
fn deliverable(address: &str) -> String {
    let local = address.trim().rsplit_once('@').map(|(local, _)| local);
    let domain = email::canonical(address);
    match (local, domain.as_deref().and_then(|address| address.rsplit_once('@'))) {
        (Some(local), Some((_, domain))) => format!("{local}@{domain}"),
        _ => address.to_owned(),
    }
}
