//! Members, as admins run them.

use actix_web::{Responder, delete, get, patch, post, web};

use super::auth::{account, add};
use super::guard::Admin;
use super::model::{Account, MemberRow, MemberStatus, Role};
use super::outbox::Kind;
use super::passwords::{self, Hasher};
use super::view::{Member, MemberFilter, MemberPatch, MemberSort, NewMember};
use super::{outbox, queries, recovery, secrets, sessions};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::db::rows::{Conditions, SortColumn, Value};
use crate::error::{Code, Error, Fault, Result};
use crate::http::body::Json;
use crate::http::conditional::{IfMatch, etag};
use crate::http::id_or_slug::Id;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Reply};
use crate::tx::Tx;

/// List members
#[utoipa::path(tag = "members", params(MemberFilter, PagingParams), responses((status = 200, description = "A page of members", body = List<Member>)))]
#[get("")]
pub async fn list_members(
    app: web::Data<App>,
    _: Admin,
    filter: Query<MemberFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let Query(filter) = filter;
    let oldest_first = filter.sort == Some(MemberSort::Oldest);
    let slice = paging.page_slice(order(oldest_first))?;
    let mut conditions = Conditions::default();
    conditions.and("members.deleted_at IS NULL");
    let roles = filter.role.map(|roles| roles.iter().map(|role| role.as_str().to_owned()).collect());
    conditions.and_if("members.role = ANY(?)", roles.map(Value::Texts));
    conditions
        .and_if("members.status = ?", filter.status.map(|status| Value::Text(status.as_str().to_owned())));
    conditions.and_if(
        "strpos(lower(members.display_name || ' ' || members.email), lower(?)) > 0",
        filter.q.map(Value::Text),
    );
    match filter.verified {
        Some(true) => conditions.and("members.email_verified_at IS NOT NULL"),
        Some(false) => conditions.and("members.email_verified_at IS NULL"),
        None => {}
    }
    let mut conn = app.conn().await?;
    let total = paging.total(&mut conn, "members", &conditions).await?;
    let rows = queries::list(&mut conn, conditions, &slice).await?;
    let page = paging.page(&slice, rows, total, |row| vec![row.created_at.to_rfc3339(), row.id.to_string()]);
    Ok(Reply::list(page.map(Member::from)))
}

fn order(oldest_first: bool) -> Vec<SortColumn> {
    let descending = !oldest_first;
    vec![
        SortColumn { name: "created_at", sql: "members.created_at", cast: "timestamptz", descending },
        SortColumn { name: "id", sql: "members.id", cast: "uuid", descending },
    ]
}

/// Create a member
///
/// With a password; or without one, and the member gets an invitation by mail.
#[utoipa::path(tag = "members", responses((status = 201, description = "The new member", body = Data<Member>)))]
#[post("")]
pub async fn create_member(
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    admin: Admin,
    body: Json<NewMember>,
) -> Result<impl Responder> {
    let Json(new) = body;
    let invited = new.password.is_none();
    if invited && app.mailer.is_none() {
        let detail = "is required, since the site sends no mail to invite by";
        return Err(Error::Faults(
            Code::MissingField,
            vec![Fault::body("/password", Code::MissingField, detail)],
        ));
    }
    let site = queries::site_name(&mut *app.conn().await?).await?;
    let password = match &new.password {
        Some(password) => passwords::admit_on(&site, "/password", password, &new.email),
        // Nobody knows it; the invitation sets another.
        None => secrets::random(""),
    };
    let account = account(&new.email, new.role.unwrap_or(Role::Member), new.display_name);
    let (account, password) = Error::join(account, password)?;
    let hash = hasher.hash(password).await?;
    let row = app
        .write(async move |tx| {
            let row = add(tx, admin.0.actor(), &account, &hash).await?;
            if invited {
                outbox::queries::enqueue(tx, Kind::Invitation, &account.email_canonical, None).await?;
            } else {
                // The admin vouches for the address.
                recovery::queries::verify(tx, row.id).await?;
            }
            Ok(queries::by_id(tx, row.id).await?)
        })
        .await?;
    Ok(Reply::created(format!("/api/v1/members/{}", row.id), Member::from(row)))
}

/// Get a member
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 200, description = "The member", body = Data<Member>)))]
#[get("/{id}")]
pub async fn get_member(app: web::Data<App>, _: Admin, id: Id) -> Result<impl Responder> {
    let row = queries::by_id(&mut *app.conn().await?, id.0).await?;
    Ok(one(row))
}

/// A member with its entity tag.
pub fn one(row: MemberRow) -> Reply<Data<Member>> {
    let member = Member::from(row);
    let tag = etag(member.version, &member);
    let modified = member.updated_at;
    Reply::one(member).with_etag(tag).with_last_modified(Some(modified))
}

/// Change a member
///
/// Role and status, felt by the member's next request. The last active admin
/// can be neither demoted nor suspended.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 200, description = "The member as changed", body = Data<Member>)))]
#[patch("/{id}")]
pub async fn update_member(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    if_match: IfMatch,
    body: Json<MemberPatch>,
) -> Result<impl Responder> {
    let required = app.config.access.profile_fields.clone();
    let row = app
        .write(async move |tx| {
            let row = queries::lock(tx, id.0).await?;
            if_match.check(row.version)?;
            let after = patched(row.account.clone(), body.0.clone());
            if after == row.account {
                return Ok(row);
            }
            keep_an_admin(tx, &row, Some(&after)).await?;
            if after.status == MemberStatus::Suspended {
                recovery::queries::void_all(tx, row.id).await?;
                sessions::queries::end_all(tx, row.id).await?;
            }
            let change = Change::between("member", row.id, &row.account, &after);
            tx.record(admin.0.actor(), change);
            let complete = after.missing(&required).is_empty();
            Ok(queries::update(tx, row.id, &after, complete).await?)
        })
        .await?;
    Ok(one(row))
}

fn patched(current: Account, patch: MemberPatch) -> Account {
    Account {
        role: patch.role.unwrap_or(current.role),
        status: patch.status.unwrap_or(current.status),
        display_name: patch.display_name.unwrap_or(current.display_name),
        ..current
    }
}

/// Refuses a change (or, without `after`, a deletion) that would leave no active admin.
pub async fn keep_an_admin(tx: &mut Tx, row: &MemberRow, after: Option<&Account>) -> Result<()> {
    let is_admin = |account: &Account| account.role == Role::Admin && account.status == MemberStatus::Active;
    if is_admin(&row.account)
        && !after.is_some_and(is_admin)
        && !queries::other_admin_remains(tx, row.id).await?
    {
        return Err(Error::Refused(Code::LastAdmin, "This is the last active admin.".to_owned()));
    }
    Ok(())
}

/// Delete a member
///
/// Ends all sessions and frees the address. The last active admin stays.
#[utoipa::path(tag = "members", params(("id" = uuid::Uuid, Path, description = "The member's id")), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_member(
    app: web::Data<App>,
    admin: Admin,
    id: Id,
    if_match: IfMatch,
) -> Result<NoContent> {
    app.write(async move |tx| {
        let row = queries::lock(tx, id.0).await?;
        if_match.check(row.version)?;
        remove(tx, admin.0.actor(), &row).await
    })
    .await?;
    Ok(NoContent)
}

/// Deletes a member with all that gave access, and records it; 409 for the last active admin.
pub async fn remove(tx: &mut Tx, actor: Actor, row: &MemberRow) -> Result<()> {
    keep_an_admin(tx, row, None).await?;
    sessions::queries::end_all(tx, row.id).await?;
    recovery::queries::void_all(tx, row.id).await?;
    queries::delete(tx, row.id).await?;
    Ok(tx.record(actor, Change::new("delete", "member", row.id)))
}
