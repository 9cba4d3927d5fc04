//! Registration, login, password change, and the public keys that verify access tokens.

use actix_web::http::{StatusCode, header};
use actix_web::{Either, HttpRequest, Responder, get, post, web};

use super::credentials::{confirm_login, confirm_own_password, verify_login, verify_own_password};
use super::guard::SignedIn;
use super::model::{Account, MemberRow};
use super::passwords::{self, Hasher};
use super::recovery::reply::accepted_response;
use super::recovery::view::Accepted;
use super::sessions::writing::{build_session, open_session};
use super::view::{Login, Member, PasswordChange, Registration, Session};
use super::{attempts, queries, writing};
use crate::app::App;
use crate::changes::model::Actor;
use crate::error::{Error, Result};
use crate::http::body::{Json, Unchecked};
use crate::http::client::Client;
use crate::http::reply::{Data, Reply};
use crate::operations::{Caller, Operation, Role};

/// The entry of [`register_member`].
pub const REGISTER_MEMBER: Operation = Operation::post("register_member", Caller::Anyone).throttled();

/// Register as a member
///
/// Needs no credential. The new member has the role `member`. If the site sends
/// mail, the answer is always 202, and the email must be verified before the
/// first login; an email that already has an account gets a mail that says so.
/// If another password was given for the email before it is verified, the link
/// in the mail proves the mailbox only, and the member then sets a password.
/// If the site sends no mail, the member can sign in at once.
#[utoipa::path(tag = "access", request_body = Registration, responses((status = 201, description = "The new member", body = Data<Member>), (status = 202, description = "Accepted; a mail follows", body = Data<Accepted>)))]
#[post("/register")]
pub async fn register_member(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Unchecked<Registration>,
) -> Result<Either<Reply<Data<Member>>, Reply<Data<Accepted>>>> {
    attempts::count_visitor(&app, &req, &client).await?;
    let site = queries::load_site_name(&*app.reader().await?).await?;
    let (email, password) = (body.clone_text("email"), body.clone_text("password"));
    let check = async |_| writing::check_account(&site, email.as_deref(), password.as_deref());
    let new = body.check(check).await?;
    let password = passwords::validate_for_site(&site, "/password", &new.password, &new.email);
    let account = writing::parse_account(&new.email, Role::Member, new.display_name);
    let (account, password) = Error::join(account, password)?;
    let account = Account { locale: new.locale, ..account };
    if app.mailer.is_none() {
        let hash = hasher.hash(password).await?;
        let added = app.write_for_sign_in(async move |tx| {
            writing::add_member(tx, Actor::VISITOR, &account, &hash).await
        });
        let member = Member::from(added.await?);
        let version = member.version;
        let reply = Reply::created("/api/v1/members/me".to_owned(), member).with_version(version);
        return Ok(Either::Left(reply));
    }
    let known_hash = find_known_hash(&app, &hasher, &account.email_canonical, &password).await?;
    let hash = hasher.hash(password).await?;
    let may_send_mail = attempts::admit_mail(&app, &client, &account.email_canonical).await?;
    let new = writing::NewRegistration { account, hash, known_hash, may_send_mail };
    app.write_for_sign_in(async move |tx| writing::register_member(tx, &new).await).await?;
    Ok(Either::Right(accepted_response()))
}

/// Returns the hash of the unverified member with this email, if it is one of `password`.
///
/// It takes the same time whether the account exists or not.
async fn find_known_hash(
    app: &App,
    hasher: &Hasher,
    canonical: &str,
    password: &str,
) -> Result<Option<String>> {
    let found = queries::load_with_password_hash(&*app.reader().await?, canonical).await?;
    let waiting = found.filter(|(member, _)| member.email_verified_at.is_none());
    let hash = waiting.map(|(_, hash)| hash);
    let matches = hasher.verify(password, hash.clone()).await?;
    Ok(hash.filter(|_| matches))
}

/// The entry of [`login_member`].
pub const LOGIN_MEMBER: Operation =
    Operation::post("login_member", Caller::Anyone).checking_a_credential().throttled();

/// Log in
///
/// Returns tokens for an email and a password. Every failure is the same 401
/// and takes the same time, whether the account exists or not.
#[utoipa::path(tag = "access", responses((status = 200, description = "A session", body = Data<Session>)))]
#[post("/login")]
pub async fn login_member(
    req: HttpRequest,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Json<Login>,
) -> Result<impl Responder> {
    let proven = verify_login(&app, &hasher, &req, &client, &body.0).await?;
    let shared = app.clone();
    let opened = app.write_for_sign_in(async move |tx| {
        let member = confirm_login(tx, &shared, &proven).await?;
        let opened = open_session(tx, &shared, &member, &client).await?;
        Ok((member, opened))
    });
    let (member, opened) = opened.await?;
    Ok(Reply::one(build_session(&app, &member, opened).await?))
}

/// The entry of [`change_password`].
pub const CHANGE_PASSWORD: Operation =
    Operation::post("change_password", Caller::Role(Role::Member)).throttled();

/// Change the own password
///
/// Requires the current password. Ends all sessions, and opens a new one for this client.
#[utoipa::path(tag = "access", request_body = PasswordChange, responses((status = 200, description = "The new session", body = Data<Session>)))]
#[post("/password/change")]
pub async fn change_password(
    req: HttpRequest,
    member: SignedIn,
    app: web::Data<App>,
    hasher: web::Data<Hasher>,
    client: Client,
    body: Unchecked<PasswordChange>,
) -> Result<impl Responder> {
    let SignedIn(member) = member;
    let (row, site) = load_member_and_site(&app, member.id).await?;
    let validate = |change: &PasswordChange| {
        passwords::validate_for_site(&site, "/new_password", &change.new_password, &row.account.email)
    };
    let change = body.check(async |change| validate(&change).map(drop)).await?;
    let password = validate(&change)?;
    let proven = verify_own_password(&app, &hasher, &req, &client, &row, &change.current_password).await?;
    let hash = hasher.hash(password).await?;
    let shared = app.clone();
    let changed = app.write_for_sign_in(async move |tx| {
        let row = confirm_own_password(tx, &proven).await?;
        let notify = shared.mailer.is_some().then_some(&row);
        writing::replace_password(tx, member.actor(), row.id, &hash, notify).await?;
        if shared.mailer.is_some() && row.email_verified_at.is_none() {
            queries::dispute_password(tx, row.id).await?;
        }
        let opened = open_session(tx, &shared, &row, &client).await?;
        Ok((row, opened))
    });
    let (row, opened) = changed.await?;
    Ok(Reply::one(build_session(&app, &row, opened).await?))
}

async fn load_member_and_site(app: &App, id: uuid::Uuid) -> Result<(MemberRow, String)> {
    let conn = app.long_reader().await?;
    Ok((queries::load_member(&conn, id).await?, queries::load_site_name(&conn).await?))
}

/// The entry of [`get_jwks`].
pub const GET_JWKS: Operation =
    Operation::read("get_jwks", Caller::Anyone).unconditional().outside_the_contract();

/// Public keys
///
/// The keys that verify access tokens (RFC 7517). With them, a frontend or an
/// edge function can verify a token without a request to this API.
#[utoipa::path(tag = "access", responses((status = 200, description = "A JSON Web Key Set", body = Object)))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(app: web::Data<App>) -> Result<impl Responder> {
    Ok(Reply::new(StatusCode::OK, app.ring().await?.jwks(app.now() - app.keys.retired_for))
        .with_header(header::CACHE_CONTROL, "public, max-age=300".to_owned()))
}
