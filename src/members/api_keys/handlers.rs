//! API keys: made, listed, revoked.

use actix_web::{Responder, delete, get, post, web};
use uuid::Uuid;

use super::queries::{self, NewKeyRow};
use super::secret;
use super::view::{ApiKey, CreatedKey, NewApiKey};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Error, Result};
use crate::http::body::Json;
use crate::http::id_or_slug::Id;
use crate::http::paging::List;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::Admin;
use crate::tx::Tx;

/// List API keys
///
/// All that were not revoked, the newest first.
#[utoipa::path(tag = "access", responses((status = 200, description = "The keys", body = List<ApiKey>)))]
#[get("/api-keys")]
pub async fn list_api_keys(app: web::Data<App>, _: Admin) -> Result<impl Responder> {
    let rows = queries::list(&mut *app.conn().await?).await?;
    Ok(Reply::list(List::whole(rows.into_iter().map(ApiKey::from).collect())))
}

/// Create an API key
///
/// For a script. The key is shown this once. It works as long as you are an active admin.
#[utoipa::path(tag = "access", responses((status = 201, description = "The new key", body = Data<CreatedKey>)))]
#[post("/api-keys")]
pub async fn create_api_key(
    app: web::Data<App>,
    admin: Admin,
    body: Json<NewApiKey>,
) -> Result<impl Responder> {
    let (Admin(admin), Json(new)) = (admin, body);
    let created =
        app.write(async move |tx| add(tx, admin.actor(), Some(admin.id), new.clone()).await).await?;
    Ok(Reply::created("/api/v1/api-keys".to_owned(), created))
}

/// Makes a key and records it.
pub async fn add(tx: &mut Tx, actor: Actor, owner: Option<Uuid>, new: NewApiKey) -> Result<CreatedKey> {
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
    let row = queries::insert(tx, &row).await?;
    tx.record(actor, Change::new("create", "api_key", row.id));
    Ok(CreatedKey { api_key: row.into(), key: key.text })
}

/// Revoke an API key
///
/// It stops working at once.
#[utoipa::path(tag = "access", params(("id" = uuid::Uuid, Path, description = "The key's id")), responses((status = 204, description = "Revoked")))]
#[delete("/api-keys/{id}")]
pub async fn delete_api_key(app: web::Data<App>, admin: Admin, id: Id) -> Result<NoContent> {
    app.write(async move |tx| {
        if !queries::revoke(tx, id.0).await? {
            return Err(Error::not_found());
        }
        Ok(tx.record(admin.0.actor(), Change::new("delete", "api_key", id.0)))
    })
    .await?;
    Ok(NoContent)
}
