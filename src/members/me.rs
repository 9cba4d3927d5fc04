//! A member's own profile.

use actix_web::{Responder, get, patch, web};

use super::guard::SignedIn;
use super::model::MemberRow;
use super::queries;
use super::view::{Member, OwnProfile, ProfilePatch};
use crate::app::App;
use crate::changes;
use crate::changes::model::Change;
use crate::error::Result;
use crate::http::body::Json;
use crate::http::conditional::{IfMatch, etag};
use crate::http::reply::{Data, Reply};

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
