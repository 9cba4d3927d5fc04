//! The doors: register, log in, log out, and the keys that verify tokens elsewhere.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, USER_AGENT};
use actix_web::{HttpRequest, Responder, get, post, web};
use uuid::Uuid;

use super::guard::SignedIn;
use super::model::{Account, MemberRow, MemberStatus, Role};
use super::passwords::{self, Hasher};
use super::view::{Login, Member, Registration, Session, SignedInMember};
use super::{email, queries, tokens};
use crate::app::{App, Tx};
use crate::changes;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::body::Json;
use crate::http::reply::{Data, Done, Reply};

/// Register as a member
///
/// Open to everybody. The new member has the role `member` and can sign in at once.
#[utoipa::path(tag = "access", security(()), responses((status = 201, description = "The new member", body = Data<Member>)))]
#[post("/register")]
pub async fn register_member(
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    body: Json<Registration>,
) -> Result<impl Responder> {
    let Json(new) = body;
    let password = passwords::admit("/password", &new.password, &new.email);
    let (account, password) = Error::join(account(&new.email, Role::Member, new.display_name), password)?;
    let hash = hasher.hash(password).await?;
    let row = app.write(async move |tx| add(tx, Actor::VISITOR, &account, &hash).await).await?;
    Ok(Reply::created("/api/v1/members/me".to_owned(), Member::from(row)))
}

/// The account of a new member; 422 when the address is none.
pub fn account(address: &str, role: Role, display_name: String) -> Result<Account> {
    let canonical = email::canonical(address).ok_or_else(|| {
        let fault = Fault::body("/email", Code::InvalidFormat, "must be an e-mail address");
        Error::Faults(fault.code, vec![fault])
    })?;
    Ok(Account {
        email: address.trim().to_owned(),
        email_canonical: canonical,
        role,
        status: MemberStatus::Active,
        display_name,
        phone: String::new(),
        organisation: String::new(),
        title: String::new(),
        avatar_url: None,
        bio: String::new(),
    })
}

/// Adds a member and records it; 409 when the address is taken.
pub async fn add(tx: &mut Tx, actor: Actor, account: &Account, hash: &str) -> Result<MemberRow> {
    let row = queries::insert(tx, account, hash).await.on_constraint("members_email_key", || {
        Fault::body("/email", Code::EmailTaken, "belongs to another member")
    })?;
    changes::queries::record(tx, actor, Change::new("create", "member", row.id)).await?;
    Ok(row)
}

/// Log in
///
/// Gives an access token for the address and the password. Every failure is
/// the same 401 and takes the same time, whether the account exists or not.
#[utoipa::path(tag = "access", security(()), responses((status = 200, description = "A session", body = Data<Session>)))]
#[post("/login")]
pub async fn login_member(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    body: Json<Login>,
) -> Result<impl Responder> {
    let Json(login) = body;
    let known = match email::canonical(&login.email) {
        Some(address) => queries::by_email(&mut *app.conn().await?, &address).await?,
        None => None,
    };
    let (member, hash) = known.unzip();
    let matches = hasher.verify(&login.password, hash).await?;
    let member = member
        .filter(|member| matches && member.account.status == MemberStatus::Active)
        .ok_or_else(|| {
            Error::Refused(
                Code::InvalidCredentials,
                "The e-mail address and the password do not belong together.".to_owned(),
            )
        })?;
    let session = open_session(&app, &member, device(&req)).await?;
    Ok(Reply::new(StatusCode::OK, Data { data: session }))
}

/// What the client calls itself, for the member's list of sessions.
fn device(req: &HttpRequest) -> String {
    let agent = req.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.chars().take(200).collect()
}

async fn open_session(app: &web::Data<App>, member: &MemberRow, device: String) -> Result<Session> {
    let (id, owner) = (Uuid::now_v7(), member.id);
    let ttl = app.config.access.access_token_ttl;
    // Nothing renews a session yet, so it lives as long as its token.
    let lifetime = ttl + std::time::Duration::from_secs(tokens::LEEWAY);
    let began = app
        .write(async move |tx| {
            let began = queries::open_session(tx, id, owner, &device, lifetime).await?;
            changes::queries::record(tx, Actor::member(owner), Change::new("create", "session", id)).await?;
            Ok(began)
        })
        .await?;
    Ok(Session {
        access_token: tokens::issue(&app.keys, owner, id, began, ttl.as_secs())?,
        token_type: "Bearer",
        expires_in: ttl.as_secs(),
        member: SignedInMember {
            id: owner,
            email: member.account.email.clone(),
            role: member.account.role,
            display_name: member.account.display_name.clone(),
        },
    })
}

/// Log out
///
/// Ends the session of the token that this request carries, on every node at once.
#[utoipa::path(tag = "access", responses((status = 204, description = "The session has ended")))]
#[post("/logout")]
pub async fn logout_member(app: web::Data<App>, member: SignedIn) -> Result<Done> {
    let SignedIn(member) = member;
    app.write(async move |tx| {
        queries::end_session(tx, member.session).await?;
        let change = Change::new("delete", "session", member.session);
        Ok(changes::queries::record(tx, member.actor(), change).await?)
    })
    .await?;
    Ok(Done)
}

/// Public keys
///
/// The keys that verify access tokens (RFC 7517), so that a frontend or an
/// edge function can check one without calling here.
#[utoipa::path(tag = "access", security(()), responses((status = 200, description = "A JSON Web Key Set", body = Object)))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(app: web::Data<App>) -> impl Responder {
    Reply::new(StatusCode::OK, app.keys.jwks()).with(header::CACHE_CONTROL, "public, max-age=300".to_owned())
}
