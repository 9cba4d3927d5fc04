//! A member's own profile.

use actix_web::{HttpRequest, Responder, delete, get, patch, web};

use super::access::prove;
use super::guard::SignedIn;
use super::handlers::keep_an_admin;
use super::model::MemberRow;
use super::passwords::Hasher;
use super::recovery::view::Proof;
use super::view::{Member, OwnProfile, ProfilePatch};
use super::{queries, recovery, sessions};
use crate::app::App;
use crate::changes;
use crate::changes::model::Change;
use crate::error::Result;
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::conditional::{IfMatch, etag};
use crate::http::reply::{Data, Done, Reply};

/// Get the own profile
#[utoipa::path(tag = "members", responses((status = 200, description = "Who you are", body = Data<OwnProfile>)))]
#[get("/me")]
pub async fn get_own_profile(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    Ok(own(&app, queries::by_id(&mut *app.conn().await?, member.0.id).await?))
}

/// A profile with what is missing, and its entity tag.
fn own(app: &App, row: MemberRow) -> Reply<Data<OwnProfile>> {
    let profile_missing = row.account.missing(&app.config.access.profile_fields);
    let own = OwnProfile { member: Member::from(row), profile_missing };
    let (tag, modified) = (etag(own.member.version, &own), own.member.updated_at);
    Reply::one(own).tagged(tag).modified(Some(modified))
}

/// Change the own profile
#[utoipa::path(tag = "members", responses((status = 200, description = "The profile as changed", body = Data<OwnProfile>)))]
#[patch("/me")]
pub async fn update_own_profile(
    app: web::Data<App>,
    member: SignedIn,
    seen: IfMatch,
    body: Json<ProfilePatch>,
) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let required = app.config.access.profile_fields.clone();
    let row = app
        .write(async move |tx| {
            let row = queries::lock(tx, member.id).await?;
            seen.check(row.version)?;
            let after = body.0.clone().over(row.account.clone());
            if after == row.account {
                return Ok(row);
            }
            changes::queries::record(
                tx,
                member.actor(),
                Change::between("member", row.id, &row.account, &after),
            )
            .await?;
            let complete = after.missing(&required).is_empty();
            Ok(queries::update(tx, row.id, &after, complete).await?)
        })
        .await?;
    Ok(own(&app, row))
}

/// Delete the own account
///
/// Takes the password. Ends all sessions, frees the address and removes what
/// you told of yourself; what you wrote stays. The last active admin stays.
#[utoipa::path(tag = "members", responses((status = 204, description = "The account is gone")))]
#[delete("/me")]
pub async fn delete_own_account(
    req: HttpRequest,
    member: SignedIn,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<Proof>,
) -> Result<Done> {
    let SignedIn(member) = member;
    let row = queries::by_id(&mut *app.conn().await?, member.id).await?;
    prove(&app, &hasher, &req, &client, &row, &body.0.password).await?;
    app.write(async move |tx| {
        let row = queries::lock(tx, member.id).await?;
        keep_an_admin(tx, &row, None).await?;
        sessions::queries::end_all(tx, row.id).await?;
        recovery::queries::void_all(tx, row.id).await?;
        queries::delete(tx, row.id).await?;
        Ok(changes::queries::record(tx, member.actor(), Change::new("delete", "member", row.id)).await?)
    })
    .await?;
    Ok(Done)
}
