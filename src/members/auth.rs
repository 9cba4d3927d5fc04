//! The doors: register, log in, log out, and the keys that verify tokens elsewhere.

use actix_web::http::{StatusCode, header};
use actix_web::{Either, HttpRequest, Responder, get, post, web};
use diesel::QueryResult;
use uuid::Uuid;

use super::attempts::{self, Attempt};
use super::guard::SignedIn;
use super::model::{Account, MemberRow, MemberStatus, Role};
use super::outbox::Kind;
use super::passwords::{self, Hasher};
use super::recovery::handlers::accepted_response;
use super::recovery::view::Accepted;
use super::view::{Login, Member, PasswordChange, Registration, Session};
use super::{email, outbox, queries, recovery, sessions};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::body::Json;
use crate::http::client::Client;
use crate::http::reply::{Data, Reply};
use crate::tx::Tx;

/// Register as a member
///
/// Open to everybody; the new member has the role `member`. Where the site
/// sends mail, the answer is always 202 and the address must be confirmed
/// before the first login; an address that has an account gets a mail that
/// says so. Elsewhere the member can sign in at once.
#[utoipa::path(tag = "access", security(()), responses((status = 201, description = "The new member", body = Data<Member>), (status = 202, description = "Taken; a mail follows", body = Data<Accepted>)))]
#[post("/register")]
pub async fn register_member(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<Registration>,
) -> Result<Either<Reply<Data<Member>>, Reply<Data<Accepted>>>> {
    attempts::visitor(&app, &req, &client).await?;
    let Json(new) = body;
    let site = queries::site_name(&mut *app.conn().await?).await?;
    let password = passwords::admit_on(&site, "/password", &new.password, &new.email);
    let (account, password) = Error::join(account(&new.email, Role::Member, new.display_name), password)?;
    let account = Account { locale: new.locale, ..account };
    let hash = hasher.hash(password).await?;
    if app.mailer.is_none() {
        let row = app.write(async move |tx| add(tx, Actor::VISITOR, &account, &hash).await).await?;
        let member = Member::from(row);
        return Ok(Either::Left(Reply::created("/api/v1/members/me".to_owned(), member)));
    }
    let may_write = attempts::mail(&app, &account.email_canonical).await.is_ok();
    let registered = app.write(async move |tx| register(tx, &account, &hash, may_write).await).await;
    match registered {
        // Of registrations at the same time one has won, and its mail is on the way.
        Err(Error::Faults(Code::EmailTaken, _)) | Ok(()) => Ok(Either::Right(accepted_response())),
        Err(error) => Err(error),
    }
}

/// Registers an address that must be confirmed; of registrations that wait for that, the newest counts.
async fn register(tx: &mut Tx, account: &Account, hash: &str, may_write: bool) -> Result<()> {
    let kind = match queries::by_address(tx, &account.email_canonical).await? {
        Some(known) if known.email_verified_at.is_some() => Kind::AlreadyRegistered,
        Some(waiting) => {
            queries::set_password(tx, waiting.id, hash).await?;
            Kind::Verify
        }
        None => {
            add(tx, Actor::VISITOR, account, hash).await?;
            Kind::Verify
        }
    };
    if may_write {
        outbox::queries::enqueue(tx, kind, &account.email_canonical, None).await?;
    }
    Ok(())
}

/// The canonical form of the address in a body's `email`; 422 when it is none.
pub fn canonical(address: &str) -> Result<String> {
    email::canonical(address).ok_or_else(|| {
        let fault = Fault::body("/email", Code::InvalidFormat, "must be an e-mail address");
        Error::Faults(fault.code, vec![fault])
    })
}

/// The account of a new member; 422 when the address is none.
pub fn account(address: &str, role: Role, display_name: String) -> Result<Account> {
    Ok(Account {
        email: address.trim().to_owned(),
        email_canonical: canonical(address)?,
        role,
        status: MemberStatus::Active,
        display_name,
        phone: String::new(),
        organisation: String::new(),
        title: String::new(),
        avatar_url: None,
        bio: String::new(),
        locale: None,
    })
}

/// Adds a member and records it; 409 when the address is taken.
pub async fn add(tx: &mut Tx, actor: Actor, account: &Account, hash: &str) -> Result<MemberRow> {
    let row = unless_taken(queries::insert(tx, account, hash).await)?;
    tx.record(actor, Change::new("create", "member", row.id));
    Ok(row)
}

/// What was written, or 409 when its address is that of another member.
pub fn unless_taken<T>(written: QueryResult<T>) -> Result<T> {
    written.on_constraint("members_email_key", || {
        Fault::body("/email", Code::EmailTaken, "belongs to another member")
    })
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
    client: Client,
    body: Json<Login>,
) -> Result<impl Responder> {
    let Json(login) = body;
    let attempt = Attempt::begin(&app, &req, &client, &login.email).await?;
    let known = match email::canonical(&login.email) {
        Some(address) => queries::by_email(&mut *app.conn().await?, &address).await?,
        None => None,
    };
    let (member, hash) = known.unzip();
    let stale = hash.as_deref().is_some_and(Hasher::is_stale);
    let matches = hasher.verify(&login.password, hash).await?;
    let confirmed = |member: &MemberRow| app.mailer.is_none() || member.email_verified_at.is_some();
    let suits =
        |member: &MemberRow| matches && member.account.status == MemberStatus::Active && confirmed(member);
    let Some(member) = member.clone().filter(suits) else {
        attempt.failed(&app, member.map(|member| member.id)).await?;
        return Err(Error::Refused(
            Code::InvalidCredentials,
            "The e-mail address and the password do not belong together.".to_owned(),
        ));
    };
    attempt.succeeded(&app).await?;
    if stale {
        let hash = hasher.hash(passwords::normal(&login.password)).await?;
        queries::set_password(&mut *app.conn().await?, member.id, &hash).await?;
    }
    Ok(Reply::one(begin_session(&app, member, client).await?))
}

async fn begin_session(app: &web::Data<App>, member: MemberRow, client: Client) -> Result<Session> {
    let (shared, owner) = (app.clone(), member.clone());
    let opened = app.write(async move |tx| sessions::open(tx, &shared, &owner, &client).await).await?;
    sessions::answer(app, &member, opened)
}

/// Change the own password
///
/// Takes the current one. Ends all sessions, and opens a new one for this client.
#[utoipa::path(tag = "access", responses((status = 200, description = "The new session", body = Data<Session>)))]
#[post("/password/change")]
pub async fn change_password(
    req: HttpRequest,
    member: SignedIn,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<PasswordChange>,
) -> Result<impl Responder> {
    let (SignedIn(member), Json(change)) = (member, body);
    let (row, site) = {
        let mut conn = app.conn().await?;
        (queries::by_id(&mut conn, member.id).await?, queries::site_name(&mut conn).await?)
    };
    let password = passwords::admit_on(&site, "/new_password", &change.new_password, &row.account.email)?;
    prove(&app, &hasher, &req, &client, &row, &change.current_password).await?;
    let hash = hasher.hash(password).await?;
    let shared = app.clone();
    let (row, opened) = app
        .write(async move |tx| {
            let row = queries::lock(tx, member.id).await?;
            let told = shared.mailer.is_some().then_some(&row);
            replace_password(tx, member.actor(), row.id, &hash, told).await?;
            let opened = sessions::open(tx, &shared, &row, &client).await?;
            Ok((row, opened))
        })
        .await?;
    Ok(Reply::one(sessions::answer(&app, &row, opened)?))
}

/// Refuses with 403 unless `password` is the member's own; counted like a login.
pub async fn prove(
    app: &App,
    hasher: &Hasher,
    req: &HttpRequest,
    client: &Client,
    member: &MemberRow,
    password: &str,
) -> Result<()> {
    let attempt = Attempt::begin(app, req, client, &member.account.email).await?;
    let hash = queries::password(&mut *app.conn().await?, member.id).await?;
    if !hasher.verify(password, hash).await? {
        attempt.failed(app, Some(member.id)).await?;
        return Err(Error::Refused(Code::WrongPassword, "This is not your password.".to_owned()));
    }
    attempt.succeeded(app).await
}

/// Sets a password, ends all sessions and voids all tokens: whoever knew the old one is out. Tells `told` by mail.
pub async fn replace_password(
    tx: &mut Tx,
    actor: Actor,
    member: Uuid,
    hash: &str,
    told: Option<&MemberRow>,
) -> Result<()> {
    queries::set_password(tx, member, hash).await?;
    sessions::queries::end_all(tx, member).await?;
    recovery::queries::void_all(tx, member).await?;
    if let Some(row) = told {
        outbox::queries::enqueue(tx, Kind::PasswordChanged, &row.account.email_canonical, None).await?;
    }
    let change = Change::new("update", "member", member).of_fields(vec!["password".to_owned()]);
    Ok(tx.record(actor, change))
}

/// Public keys
///
/// The keys that verify access tokens (RFC 7517), so that a frontend or an
/// edge function can check one without calling here.
#[utoipa::path(tag = "access", security(()), responses((status = 200, description = "A JSON Web Key Set", body = Object)))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(app: web::Data<App>) -> impl Responder {
    Reply::new(StatusCode::OK, app.keys.ring().jwks())
        .with_header(header::CACHE_CONTROL, "public, max-age=300".to_owned())
}
