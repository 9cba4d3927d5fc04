//! The first admin.

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::passwords::{self, Hasher};
use super::{queries, writing};
use crate::app::App;
use crate::config::{Bootstrap, SettingError};
use crate::error::Error;
use crate::operations::Role;

/// Checks the configured email and password of the first admin.
pub fn check_first_admin(config: &Bootstrap) -> Result<(), SettingError> {
    if writing::parse_account(&config.admin_email, Role::Admin, String::new()).is_err() {
        return Err(SettingError::new("INKSTONE_ADMIN_EMAIL (--admin-email)", "must be an e-mail address"));
    }
    let password = config.admin_password.as_deref();
    match password.map(|password| passwords::validate("", password, &config.admin_email)) {
        Some(Err(cause)) => {
            Err(SettingError::new("INKSTONE_ADMIN_PASSWORD (--admin-password)", &describe_error(&cause)))
        }
        _ => Ok(()),
    }
}

/// Adds the first admin unless there is an admin; returns the password if it was generated.
pub async fn ensure_first_admin(app: &App, hasher: &Hasher) -> anyhow::Result<Option<String>> {
    if queries::has_admin(&*app.long_reader().await?).await? {
        return Ok(None);
    }
    let config = &app.config.bootstrap;
    let generated = match &config.admin_password {
        Some(_) => None,
        None => Some(generate_password()?),
    };
    let password =
        config.admin_password.as_ref().or(generated.as_ref()).context("a password was given or generated")?;
    let password = passwords::validate("", password, &config.admin_email)
        .map_err(|cause| anyhow!("the admin password {}", describe_error(&cause)))?;
    let Ok(account) = writing::parse_account(&config.admin_email, Role::Admin, "Admin".to_owned()) else {
        bail!("{} is not an e-mail address", config.admin_email)
    };
    let hash = hasher.hash(password).await?;
    let is_added = app.write(async move |tx| writing::add_first_admin(tx, &account, &hash).await).await?;
    Ok(generated.filter(|_| is_added))
}

/// Describes an error for a terminal.
pub fn describe_error(error: &Error) -> String {
    match error {
        Error::Faults(_, faults) => faults.iter().map(|fault| fault.sentence()).collect(),
        other => other.to_string(),
    }
}

/// Generates a password of 120 random bits.
pub fn generate_password() -> anyhow::Result<String> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
