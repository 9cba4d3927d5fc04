//! A member's own profile.

use actix_web::{HttpRequest, Responder, delete, get, patch, web};

use super::auth::prove;
use super::guard::SignedIn;
use super::handlers::remove;
use super::model::MemberRow;
use super::passwords::Hasher;
use super::recovery::view::Proof;
use super::sessions::view::OpenSession;
use super::view::{Activity, Member, OwnData, OwnProfile, ProfilePatch};
use super::{queries, sessions};
use crate::app::App;
use crate::changes;
use crate::changes::model::Change;
use crate::db::rows::{Conditions, PageSlice, Value};
use crate::error::Result;
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::conditional::{IfMatch, etag};
use crate::http::reply::{Data, NoContent, Reply};

/// Get the own profile
#[utoipa::path(tag = "members", responses((status = 200, description = "Who you are", body = Data<OwnProfile>)))]
#[get("/me")]
pub async fn get_own_profile(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    Ok(own(&app, queries::by_id(&mut *app.conn().await?, member.0.id).await?))
}

/// A profile with what is missing.
fn profile(app: &App, row: MemberRow) -> OwnProfile {
    let profile_missing = row.account.missing(&app.config.access.profile_fields);
    OwnProfile { member: Member::from(row), profile_missing }
}

/// A profile with what is missing, and its entity tag.
fn own(app: &App, row: MemberRow) -> Reply<Data<OwnProfile>> {
    let own = profile(app, row);
    let (tag, modified) = (etag(own.member.version, &own), own.member.updated_at);
    Reply::one(own).with_etag(tag).with_last_modified(Some(modified))
}

/// Change the own profile
#[utoipa::path(tag = "members", responses((status = 200, description = "The profile as changed", body = Data<OwnProfile>)))]
#[patch("/me")]
pub async fn update_own_profile(
    app: web::Data<App>,
    member: SignedIn,
    if_match: IfMatch,
    body: Json<ProfilePatch>,
) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let required = app.config.access.profile_fields.clone();
    let row = app
        .write(async move |tx| {
            let row = queries::lock(tx, member.id).await?;
            if_match.check(row.version)?;
            let after = body.0.clone().over(row.account.clone());
            if after == row.account {
                return Ok(row);
            }
            tx.record(member.actor(), Change::between("member", row.id, &row.account, &after));
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
) -> Result<NoContent> {
    let SignedIn(member) = member;
    let row = queries::by_id(&mut *app.conn().await?, member.id).await?;
    prove(&app, &hasher, &req, &client, &row, &body.0.password).await?;
    app.write(async move |tx| {
        let row = queries::lock(tx, member.id).await?;
        remove(tx, member.actor(), &row).await
    })
    .await?;
    Ok(NoContent)
}

/// Lines of the change log that an export holds at most.
const MOST_ACTIVITY: i64 = 10_000;

/// Export the own data
///
/// All that the site keeps about you: profile, sessions, and what you did, the newest first.
#[utoipa::path(tag = "members", responses((status = 200, description = "Your data", body = Data<OwnData>)))]
#[get("/me/export")]
pub async fn get_own_data(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let mut conn = app.conn().await?;
    let row = queries::by_id(&mut conn, member.id).await?;
    let sessions = sessions::queries::list(&mut conn, member.id).await?;
    let mut mine = Conditions::default();
    mine.and_if("actor_id = ?", Some(Value::Id(member.id)));
    let order = vec![changes::queries::NEWEST_FIRST];
    let slice = PageSlice { order, keys: None, backwards: false, limit: MOST_ACTIVITY, offset: 0 };
    let activity = changes::queries::list(&mut conn, mine, &slice).await?;
    let own = OwnData {
        profile: profile(&app, row),
        sessions: sessions.into_iter().map(|row| OpenSession::new(row, Some(member.session))).collect(),
        activity: activity.into_iter().map(Activity::from).collect(),
    };
    let (tag, modified) = (etag(own.profile.member.version, &own), own.profile.member.updated_at);
    Ok(Reply::one(own).with_etag(tag).with_last_modified(Some(modified)))
}
