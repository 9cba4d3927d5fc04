//! What a change of the site does, for handlers, the demo and the start of the server.

use super::model::Row;
use super::queries;
use super::view::SitePatch;
use crate::changes::model::{Actor, Change};
use crate::db::allow_bulk;
use crate::error::{Error, Result};
use crate::http::conditional::IfMatch;
use crate::tx::Tx;

/// Applies a change and records it, unless it changes nothing.
pub async fn patch_site(tx: &mut Tx, actor: Actor, if_match: &IfMatch, patch: SitePatch) -> Result<Row> {
    if patch.timezone.is_some() {
        // A trigger counts the articles of all months anew.
        allow_bulk(tx).await?;
    }
    let row = queries::lock(tx).await?;
    if_match.check(row.version)?;
    let after = patch.over(row.content.clone()).map_err(|cause| Error::Internal(cause.into()))?;
    if after == row.content {
        return Ok(row);
    }
    tx.record(actor, Change::between("site", row.id, &row.content, &after));
    Ok(queries::update(tx, row.id, &after).await?)
}
