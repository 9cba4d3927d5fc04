//! Operations of a member on the own account.

use actix_web::{HttpRequest, Responder, delete, get, patch, web};

use super::credentials::{confirm_own_password, verify_own_password};
use super::guard::SignedIn;
use super::model::MemberRow;
use super::passwords::Hasher;
use super::recovery::view::PasswordProof;
use super::sessions::view::OpenSession;
use super::view::{Activity, Member, OwnData, OwnProfile, ProfilePatch};
use super::{queries, sessions, writing};
use crate::app::App;
use crate::error::Result;
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::conditional::IfMatch;
use crate::http::modified::Modified;
use crate::http::reply::{Data, NoContent, Reply};
use crate::operations::{Caller, Operation, Role};

/// The entry of [`get_own_profile`].
pub const GET_OWN_PROFILE: Operation = Operation::read("get_own_profile", Caller::Role(Role::Member));

/// Get the own profile
///
/// Your account as admins see it, with the required fields that are still empty.
#[utoipa::path(tag = "members", responses((status = 200, description = "The own profile", body = Data<OwnProfile>)))]
#[get("/me")]
pub async fn get_own_profile(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    Ok(profile_response(&app, queries::load_member(&*app.reader().await?, member.0.id).await?))
}

fn build_profile(app: &App, row: MemberRow) -> OwnProfile {
    let profile_missing = row.account.list_missing_fields(&app.config.access.profile_fields);
    OwnProfile { member: Member::from(row), profile_missing }
}

/// Returns the own profile with its entity tag.
fn profile_response(app: &App, row: MemberRow) -> Reply<Data<OwnProfile>> {
    let profile = build_profile(app, row);
    let (version, modified) = (profile.member.version, profile.member.updated_at);
    Reply::one(profile).with_version(version).with_last_modified(Modified::of_row(modified))
}

/// The entry of [`update_own_profile`].
pub const UPDATE_OWN_PROFILE: Operation = Operation::patch("update_own_profile", Caller::Role(Role::Member));

/// Change the own profile
///
/// A merge patch: keys that are absent are kept, null clears. The email and the password have
/// operations of their own.
#[utoipa::path(tag = "members", responses((status = 200, description = "The changed profile", body = Data<OwnProfile>)))]
#[patch("/me")]
pub async fn update_own_profile(
    app: web::Data<App>,
    member: SignedIn,
    if_match: IfMatch,
    body: Json<ProfilePatch>,
) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let required = app.config.access.profile_fields.clone();
    let updated = app.write(async move |tx| {
        let patch = body.0.clone();
        writing::update_profile(tx, member.actor(), member.id, &if_match, patch, &required).await
    });
    Ok(profile_response(&app, updated.await?))
}

/// The entry of [`delete_own_account`].
pub const DELETE_OWN_ACCOUNT: Operation = Operation::delete("delete_own_account", Caller::Role(Role::Member))
    .without_version()
    .with_json_body()
    .throttled();

/// Delete the own account
///
/// Requires the password. Ends all sessions, frees the email and removes the
/// profile. Articles and notices stay. The last active admin cannot be deleted.
#[utoipa::path(tag = "members", responses((status = 204, description = "The account is deleted")))]
#[delete("/me")]
pub async fn delete_own_account(
    req: HttpRequest,
    member: SignedIn,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<PasswordProof>,
) -> Result<NoContent> {
    let SignedIn(member) = member;
    let row = queries::load_member(&*app.reader().await?, member.id).await?;
    let proven = verify_own_password(&app, &hasher, &req, &client, &row, &body.0.password).await?;
    app.write(async move |tx| {
        let row = confirm_own_password(tx, &proven).await?;
        writing::delete_member(tx, member.actor(), &row).await
    })
    .await?;
    Ok(NoContent)
}

/// The most entries of the change log in an export.
const MAX_ACTIVITY_ENTRIES: i64 = 10_000;

/// The entry of [`get_own_data`].
pub const GET_OWN_DATA: Operation = Operation::export("get_own_data", Caller::Role(Role::Member));

/// Export the own data
///
/// All data that the site stores about you: profile, sessions, and your changes, newest first.
#[utoipa::path(tag = "members", responses((status = 200, description = "Your data", body = Data<OwnData>)))]
#[get("/me/export")]
pub async fn get_own_data(app: web::Data<App>, member: SignedIn) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let conn = app.long_reader().await?;
    let row = queries::load_member(&conn, member.id).await?;
    let sessions = sessions::queries::list_sessions(&conn, member.id).await?;
    let activity = queries::list_activity(&conn, member.id, MAX_ACTIVITY_ENTRIES).await?;
    let own = OwnData {
        profile: build_profile(&app, row),
        sessions: sessions.into_iter().map(|row| OpenSession::new(row, Some(member.session))).collect(),
        activity: activity.into_iter().map(Activity::from).collect(),
    };
    Ok(Reply::one(own))
}
