//! Reading and changing the site.

use actix_web::{Responder, get, patch, web};
use url::Url;

use super::model::Row;
use super::queries;
use super::view::{Site, SitePatch};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::Json;
use crate::http::conditional::{IfMatch, etag};
use crate::http::reply::{Data, Reply};
use crate::members::guard::{Admin, Reader};
use crate::tx::Tx;

/// Get the site
#[utoipa::path(tag = "site", security((), ("bearer" = [])), responses((status = 200, description = "The site", body = Data<Site>)))]
#[get("/site")]
pub async fn get_site(app: web::Data<App>, _: Reader) -> Result<impl Responder> {
    reply_with(queries::get(&mut *app.conn().await?).await?)
}

fn reply_with(row: Row) -> Result<Reply<Data<Site>>> {
    let site = Site::try_from(row).map_err(|cause| Error::Internal(cause.into()))?;
    let (tag, modified) = (etag(site.version, &site), site.updated_at);
    Ok(Reply::one(site)
        .with_etag(tag)
        .with_last_modified(Some(modified))
        .with_surrogate_keys(&["site".to_owned()]))
}

/// Change the site
#[utoipa::path(tag = "site", responses((status = 200, description = "The site as changed", body = Data<Site>)))]
#[patch("/site")]
pub async fn update_site(
    app: web::Data<App>,
    admin: Admin,
    if_match: IfMatch,
    body: Json<SitePatch>,
) -> Result<impl Responder> {
    if body.0.base_url.as_deref().is_some_and(|url| Url::parse(url).is_err()) {
        let fault =
            Fault::body("/base_url", Code::InvalidFormat, "must be an address that a browser can open");
        return Err(Error::Faults(fault.code, vec![fault]));
    }
    let row = app.write(async move |tx| change(tx, admin.0.actor(), &if_match, body.0.clone()).await).await?;
    reply_with(row)
}

/// Applies a change and records it, unless it changes nothing.
pub async fn change(tx: &mut Tx, actor: Actor, if_match: &IfMatch, patch: SitePatch) -> Result<Row> {
    let row = queries::lock(tx).await?;
    if_match.check(row.version)?;
    let after = patch.over(row.content.clone()).map_err(|cause| Error::Internal(cause.into()))?;
    if after == row.content {
        return Ok(row);
    }
    tx.record(actor, Change::between("site", row.id, &row.content, &after));
    Ok(queries::update(tx, row.id, &after).await?)
}
