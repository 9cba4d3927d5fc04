//! Operations on API keys: list, create, revoke.

use actix_web::{Responder, delete, get, post, web};

use super::view::{ApiKey, CreatedKey, NewApiKey};
use super::{queries, writing};
use crate::app::App;
use crate::error::Result;
use crate::http::body::Unchecked;
use crate::http::id_or_slug::Id;
use crate::http::paging::List;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::Admin;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_api_keys`].
pub const LIST_API_KEYS: Operation =
    Operation::read("list_api_keys", Caller::Role(Role::Admin)).without_last_modified();

/// List API keys
///
/// All keys that are not revoked, newest first.
#[utoipa::path(tag = "access", responses((status = 200, description = "The keys", body = List<ApiKey>)))]
#[get("/api-keys")]
pub async fn list_api_keys(app: web::Data<App>, _: Admin) -> Result<impl Responder> {
    let rows = queries::list_keys(&*app.long_reader().await?).await?;
    Ok(Reply::list(List::unpaged(rows.into_iter().map(ApiKey::from).collect())))
}

/// The entry of [`create_api_key`].
pub const CREATE_API_KEY: Operation =
    Operation::post("create_api_key", Caller::Role(Role::Admin)).telling_a_secret();

/// Create an API key
///
/// For a script. The key is shown only in this answer. It works as long as you are an active admin.
#[utoipa::path(tag = "access", request_body = NewApiKey, responses((status = 201, description = "The new key", body = Data<CreatedKey>)))]
#[post("/api-keys")]
pub async fn create_api_key(
    app: web::Data<App>,
    admin: Admin,
    body: Unchecked<NewApiKey>,
) -> Result<impl Responder> {
    let Admin(admin) = admin;
    let new = body.check(async |new| writing::check_key(&new, app.now())).await?;
    let created = app
        .write(async move |tx| writing::create_api_key(tx, admin.actor(), Some(admin.id), new.clone()).await);
    Ok(Reply::created("/api/v1/api-keys".to_owned(), created.await?))
}

/// The entry of [`delete_api_key`].
pub const DELETE_API_KEY: Operation =
    Operation::delete("delete_api_key", Caller::Role(Role::Admin)).without_version();

/// Revoke an API key
///
/// The key stops working at once.
#[utoipa::path(tag = "access", params(("id" = uuid::Uuid, Path, description = "The key's id")), responses((status = 204, description = "Revoked")))]
#[delete("/api-keys/{id}")]
pub async fn delete_api_key(app: web::Data<App>, admin: Admin, id: Id) -> Result<NoContent> {
    app.write(async move |tx| writing::revoke_api_key(tx, admin.0.actor(), id.0).await).await?;
    Ok(NoContent)
}
