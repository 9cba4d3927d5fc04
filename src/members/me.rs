//! A member's own profile.

use actix_web::{Responder, get, patch, web};

use super::guard::SignedIn;
use super::handlers::one;
use super::queries;
use super::view::{Member, ProfilePatch};
use crate::app::App;
use crate::changes;
use crate::changes::model::Change;
use crate::error::Result;
use crate::http::body::Json;
use crate::http::conditional::IfMatch;
use crate::http::reply::Data;

/// Get the own profile
#[utoipa::path(tag = "members", responses((status = 200, description = "Who you are", body = Data<Member>)))]
#[get("/me")]
pub async fn get_own_profile(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    Ok(one(queries::by_id(&mut *app.conn().await?, member.0.id).await?))
}

/// Change the own profile
#[utoipa::path(tag = "members", responses((status = 200, description = "The profile as changed", body = Data<Member>)))]
#[patch("/me")]
pub async fn update_own_profile(
    app: web::Data<App>,
    member: SignedIn,
    seen: IfMatch,
    body: Json<ProfilePatch>,
) -> Result<impl Responder> {
    let SignedIn(member) = member;
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
            Ok(queries::update(tx, row.id, &after).await?)
        })
        .await?;
    Ok(one(row))
}
