//! Operations of admins on members.

use actix_web::{HttpRequest, Responder, delete, get, patch, post, web};

use super::guard::Admin;
use super::model::MemberRow;
use super::passwords::{self, Hasher};
use super::view::{Member, MemberFilter, MemberPatch, MemberSort, NewMember};
use super::{queries, secrets, writing};
use crate::app::App;
use crate::db::rows::count;
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::{Json, Unchecked};
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::Id;
use crate::http::modified::Modified;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Reply};
use crate::idempotency::{NamedRequest, write_once};
use crate::operations::{Caller, Operation, Role};

/// The entry of [`list_members`].
pub const LIST_MEMBERS: Operation =
    Operation::list("list_members", Caller::Role(Role::Admin)).without_last_modified();

/// List members
///
/// All accounts, newest first unless `sort` says otherwise. Filters add up.
#[utoipa::path(tag = "members", params(MemberFilter, PagingParams), responses((status = 200, description = "A page of members", body = List<Member>)))]
#[get("")]
pub async fn list_members(
    app: web::Data<App>,
    _: Admin,
    filter: Query<MemberFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let Query(filter) = filter;
    let oldest_first = filter.sort.as_deref() == Some(&[MemberSort::Oldest]);
    let slice = paging.page_slice(queries::order_members(oldest_first))?;
    let conditions = queries::filter_members(filter.into());
    let conn = app.long_reader().await?;
    let total = paging.total(|most| count(&conn, "members", conditions.clone(), most)).await?;
    let rows = queries::list_members(&conn, conditions, &slice).await?;
    let page = paging.page(&slice, rows, total, |row| vec![row.created_at.to_rfc3339(), row.id.to_string()]);
    Ok(Reply::list(page.map(Member::from)))
}

/// The fault of a new member without a password, whom no mail can invite to set one.
fn cannot_invite() -> Fault {
    let detail = "is required, because the site sends no mail, and so no invitation";
    Fault::body("/password", Code::MissingField, detail)
}

/// The entry of [`create_member`].
pub const CREATE_MEMBER: Operation =
    Operation::post("create_member", Caller::Role(Role::Admin)).once_per_key();

/// Create a member
///
/// Without a password, the member gets an invitation by mail.
#[utoipa::path(tag = "members", request_body = NewMember, responses((status = 201, description = "The new member", body = Data<Member>)))]
#[post("")]
pub async fn create_member(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    admin: Admin,
    body: Unchecked<NewMember>,
) -> Result<impl Responder> {
    let site = queries::load_site_name(&*app.reader().await?).await?;
    let (email, password) = (body.clone_text("email"), body.clone_text("password"));
    let is_invitable = password.is_some() || app.mailer.is_some();
    let check = async |_| {
        let account = writing::check_account(&site, email.as_deref(), password.as_deref());
        let invitation = if is_invitable { Ok(()) } else { Err(cannot_invite().into()) };
        Error::join(account, invitation).map(drop)
    };
    let new = body.check(check).await?;
    let invite = new.password.is_none();
    let password = match &new.password {
        Some(password) => passwords::validate_for_site(&site, "/password", password, &new.email),
        None if app.mailer.is_none() => Error::body(vec![cannot_invite()]).map(|()| String::new()),
        // A random password; the member sets another by the invitation.
        None => secrets::generate_token(""),
    };
    let account = writing::parse_account(&new.email, new.role.unwrap_or(Role::Member), new.display_name);
    let (account, password) = Error::join(account, password)?;
    let hash = hasher.hash(password).await?;
    let named = NamedRequest::read(&app, &req, admin.0.id)?;
    write_once(&app, named, async move |tx| {
        let row = match invite {
            true => writing::invite_member(tx, admin.0.actor(), &account, &hash).await?,
            false => writing::add_verified_member(tx, admin.0.actor(), &account, &hash).await?,
        };
        let (location, version) = (format!("/api/v1/members/{}", row.id), row.version);
        Reply::created(location, Member::from(row)).with_version(version).render()
    })
    .await
}

/// The entry of [`get_member`].
pub const GET_MEMBER: Operation = Operation::read("get_member", Caller::Role(Role::Admin));

/// Get a member
///
/// An account, with its role and status.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 200, description = "The member", body = Data<Member>)))]
#[get("/{id}")]
pub async fn get_member(app: web::Data<App>, _: Admin, id: Id) -> Result<impl Responder> {
    let row = queries::load_member(&*app.reader().await?, id.0).await?;
    Ok(member_response(row))
}

/// Returns a member with its entity tag.
fn member_response(row: MemberRow) -> Reply<Data<Member>> {
    let member = Member::from(row);
    let version = member.version;
    let modified = member.updated_at;
    Reply::one(member).with_version(version).with_last_modified(Modified::of_row(modified))
}

/// The entry of [`update_member`].
pub const UPDATE_MEMBER: Operation = Operation::patch("update_member", Caller::Role(Role::Admin));

/// Change a member
///
/// A new role or status takes effect with the member's next request. The last
/// active admin can be neither demoted nor suspended.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 200, description = "The changed member", body = Data<Member>)))]
#[patch("/{id}")]
pub async fn update_member(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    if_match: IfMatch,
    body: Json<MemberPatch>,
) -> Result<impl Responder> {
    let required = app.config.access.profile_fields.clone();
    let updated = app.write(async move |tx| {
        let patch = body.0.clone();
        writing::update_member(tx, admin.0.actor(), id.0, &if_match, patch, &required).await
    });
    Ok(member_response(updated.await?))
}

/// The entry of [`delete_member`].
pub const DELETE_MEMBER: Operation = Operation::delete("delete_member", Caller::Role(Role::Admin));

/// Delete a member
///
/// Ends all sessions and frees the email. The last active admin cannot be deleted.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_member(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    if_match: IfMatch,
) -> Result<NoContent> {
    app.write(async move |tx| {
        let row = queries::lock_member(tx, id.0).await?;
        if_match.check(row.version)?;
        writing::delete_member(tx, admin.0.actor(), &row).await
    })
    .await?;
    Ok(NoContent)
}
