//! The first admin.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::auth::{account, add};
use super::model::Role;
use super::passwords::{self, Hasher};
use super::{queries, recovery};
use crate::app::App;
use crate::changes::model::Actor;
use crate::error::Error;

/// The key of the advisory lock under which a site gets its first contents.
const FIRST_START_LOCK: i64 = 0x696e_6b66_6972_7374;

/// Makes the first admin unless there is one, and returns a password that was made up for it.
///
/// Processes that start at once make one admin: they queue on a lock.
pub async fn first_admin(app: &App, hasher: &Hasher) -> anyhow::Result<Option<String>> {
    if queries::any_admin(&mut *app.conn().await?).await? {
        return Ok(None);
    }
    let config = &app.config.bootstrap;
    let made_up = match &config.admin_password {
        Some(_) => None,
        None => Some(random_password()?),
    };
    let password =
        config.admin_password.as_ref().or(made_up.as_ref()).context("a password was given or made up")?;
    let password = passwords::admit("", password, &config.admin_email)
        .map_err(|cause| anyhow::anyhow!("the admin password {}", detail(&cause)))?;
    let account = match account(&config.admin_email, Role::Admin, "Admin".to_owned()) {
        Ok(account) => account,
        Err(_) => bail!("{} is not an e-mail address", config.admin_email),
    };
    let hash = hasher.hash(password).await?;
    let made = app
        .write(async move |tx| {
            diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
                .bind::<BigInt, _>(FIRST_START_LOCK)
                .execute(tx)
                .await?;
            if queries::any_admin(tx).await? {
                return Ok(false);
            }
            let row = add(tx, Actor::SYSTEM, &account, &hash).await?;
            recovery::queries::verify(tx, row.id).await?;
            Ok(true)
        })
        .await?;
    Ok(made_up.filter(|_| made))
}

/// What an error says, for a terminal.
pub fn detail(error: &Error) -> String {
    match error {
        Error::Faults(_, faults) => faults.iter().map(|fault| fault.detail.as_str()).collect(),
        other => other.to_string(),
    }
}

/// A password that nobody guesses: 120 bits.
pub fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
