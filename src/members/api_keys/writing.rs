//! Creating and revoking API keys.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::queries::{self, NewKeyRow};
use super::secret;
use super::view::{CreatedKey, NewApiKey};
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, Result};
use crate::tx::Tx;

/// Fails with 422 if a new key would have expired by `now`.
pub fn check_key(new: &NewApiKey, now: DateTime<Utc>) -> Result<()> {
    match new.expires_at {
        Some(end) if end <= now => {
            Err(Fault::body("/expires_at", Code::OutOfRange, "must be in the future").into())
        }
        _ => Ok(()),
    }
}

/// Creates a key and records the change; fails with 422 if it would have expired already.
///
/// A key without an owner does not depend on a member's rights.
pub async fn create_api_key(
    tx: &mut Tx,
    actor: Actor,
    owner: Option<Uuid>,
    new: NewApiKey,
) -> Result<CreatedKey> {
    check_key(&new, tx.now().await?)?;
    let key = secret::generate()?;
    let mut scopes: Vec<String> = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    scopes.sort();
    scopes.dedup();
    let row = NewKeyRow {
        id: Uuid::now_v7(),
        prefix: key.prefix,
        hash: key.hash,
        name: new.name,
        scopes,
        member_id: owner,
        expires_at: new.expires_at,
    };
    let row = queries::insert_key(tx, &row).await?;
    tx.record(actor, Change::new("create", "api_key", row.id));
    Ok(CreatedKey { api_key: row.into(), key: key.text })
}

/// Revokes a key and records the change; fails with 404 if there is no such key.
pub async fn revoke_api_key(tx: &mut Tx, actor: Actor, id: Uuid) -> Result<()> {
    if !queries::revoke_key(tx, id).await? {
        return Err(Error::not_found());
    }
    tx.record(actor, Change::new("delete", "api_key", id));
    Ok(())
}
