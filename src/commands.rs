//! The commands of the binary: members, API keys, signing keys, imports and exports.
//!
//! A command follows the rules of the API and is recorded in the change log, with the system
//! as its actor.

pub mod doctor;
pub mod export;
mod fetched_media;
mod file;
mod images;
pub mod import;
pub mod media;
pub mod media_target;
mod monitor;
mod no_rows;
mod progress;
pub mod remote;
mod report;
mod resume;
pub mod site_database;
mod source;
mod table;
mod trust;

use std::fmt::Write;
use std::io::Read;

use actix_web::web;
use anyhow::{Context, anyhow, bail};
use chrono::TimeDelta;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as NameError, StrDeserializer};
use uuid::Uuid;

use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::config::{ApiKeyCommand, MemberCommand, SigningKeyCommand};
use crate::db::rows::{Conditions, PageSlice, SortColumn};
use crate::error::Error;
use crate::keys::{self, Ring};
use crate::members::api_keys::view::NewApiKey;
use crate::members::api_keys::{queries as key_queries, writing as api_keys};
use crate::members::bootstrap::{describe_error, generate_password};
use crate::members::model::MemberRow;
use crate::members::passwords::{self, Hasher};
use crate::members::writing::{add_verified_member, keep_an_admin, parse_account, replace_password};
use crate::members::{email, queries};
use crate::operations::Role;
use crate::operations::scope::Scope;
use crate::{text, upgrade};

/// `inkstone member …`. Returns the text to print.
pub async fn member(app: &web::Data<App>, hasher: &Hasher, command: MemberCommand) -> anyhow::Result<String> {
    match command {
        MemberCommand::Create { email, role, name, password_stdin } => {
            check_name(&name)?;
            let account = parse_account(&email, parse_role(&role)?, name).map_err(to_anyhow)?;
            let (password, note) = read_or_make_password(password_stdin, &account.email)?;
            let hash = hasher.hash(password).await.map_err(to_anyhow)?;
            let create =
                app.write(async move |tx| add_verified_member(tx, Actor::SYSTEM, &account, &hash).await);
            let row = create.await.map_err(to_anyhow)?;
            Ok(format!("{} {} {}{note}", row.id, row.account.email, row.account.role.as_str()))
        }
        MemberCommand::List => list_members(app).await,
        MemberCommand::SetRole { email, role } => set_role(app, &email, parse_role(&role)?).await,
        MemberCommand::SetPassword { email, password_stdin } => {
            let row = find_member(app, &email).await?;
            let (password, note) = read_or_make_password(password_stdin, &row.account.email)?;
            let hash = hasher.hash(password).await.map_err(to_anyhow)?;
            let sends_mail = app.mailer.is_some();
            let update = app.write(async move |tx| {
                let row = queries::lock_member(tx, row.id).await?;
                let mail = sends_mail.then_some(&row);
                replace_password(tx, Actor::SYSTEM, row.id, &hash, mail).await
            });
            update.await.map_err(to_anyhow)?;
            Ok(format!("The password is set; all sessions have ended.{note}"))
        }
    }
}

/// `inkstone reindex`. Returns the text to print.
pub async fn reindex(app: &web::Data<App>) -> anyhow::Result<String> {
    let ask = app.write(async |tx| {
        tx.record(Actor::SYSTEM, Change::new("rebuild", "search", Uuid::nil()));
        Ok(())
    });
    ask.await.map_err(to_anyhow)?;
    Ok("Every server builds its search index anew, at once or when it starts.".to_owned())
}

/// `inkstone resanitise`, or with `all` of every body. Returns the text to print. Fails if a body could not be rendered.
pub async fn resanitise(app: &web::Data<App>, all: bool) -> anyhow::Result<String> {
    let done = upgrade::resanitise(app, all).await.map_err(to_anyhow)?;
    let text = format!("{} bodies rendered again, {} of them changed", done.rendered, done.changed);
    if done.refused.is_empty() {
        return Ok(text);
    }
    bail!("{text}; {} are as they were:\n{}", done.refused.len(), done.refused.join("\n"))
}

/// `inkstone api-key …`. Returns the text to print.
pub async fn api_key(app: &web::Data<App>, command: ApiKeyCommand) -> anyhow::Result<String> {
    match command {
        ApiKeyCommand::Create { name, scopes, expires_in_days } => {
            create_api_key(app, name, &scopes, expires_in_days).await
        }
        ApiKeyCommand::List => {
            let mut text = String::new();
            for row in key_queries::list_keys(&*app.long_reader().await.map_err(to_anyhow)?).await? {
                let last_used = row.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
                let scopes = row.scopes.join(",");
                writeln!(text, "{} {} {} used {last_used} {}", row.id, row.prefix, scopes, row.name)?;
            }
            Ok(text)
        }
        ApiKeyCommand::Revoke { key } => {
            let rows = key_queries::list_keys(&*app.long_reader().await.map_err(to_anyhow)?).await?;
            let row = rows.into_iter().find(|row| row.prefix == key || row.id.to_string() == key);
            let id = row.with_context(|| format!("there is no key {key}"))?.id;
            let revoke = app.write(async move |tx| {
                key_queries::revoke_key(tx, id).await?;
                tx.record(Actor::SYSTEM, Change::new("delete", "api_key", id));
                Ok(())
            });
            revoke.await.map_err(to_anyhow)?;
            Ok("The key is revoked.".to_owned())
        }
    }
}

async fn create_api_key(
    app: &web::Data<App>,
    name: String,
    scopes: &[String],
    expires_in_days: Option<i64>,
) -> anyhow::Result<String> {
    let scope = |text: &String| {
        let known = || Scope::all().iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
        Scope::parse(text).ok_or_else(|| anyhow!("there is no scope {text}; there are {}", known()))
    };
    check_name(&name)?;
    let scopes = scopes.iter().map(scope).collect::<anyhow::Result<_>>()?;
    let new = NewApiKey { name, scopes, expires_at: None };
    let create = app.write(async move |tx| {
        let now = tx.now().await?;
        let expires_at = expires_in_days.map(|days| now + TimeDelta::days(days));
        let new = NewApiKey { expires_at, ..new.clone() };
        api_keys::create_api_key(tx, Actor::SYSTEM, None, new).await
    });
    Ok(create.await.map_err(to_anyhow)?.key)
}

/// `inkstone signing-key …`. Returns the text to print.
pub async fn signing_key(app: &web::Data<App>, command: SigningKeyCommand) -> anyhow::Result<String> {
    if matches!(command, SigningKeyCommand::Rotate) {
        if !app.config.access.signing_key_file.is_empty() {
            bail!("the signing keys are configured files: change INKSTONE_SIGNING_KEY_FILE instead");
        }
        let fresh = Ring::seed()?;
        let rotate = app.write(async move |tx| {
            keys::queries::rotate(tx, &fresh).await?;
            tx.record(Actor::SYSTEM, Change::new("rotate", "signing_key", Uuid::now_v7()));
            Ok(())
        });
        rotate.await.map_err(to_anyhow)?;
    }
    let mut text = String::new();
    for row in keys::queries::list(&*app.long_reader().await.map_err(to_anyhow)?).await? {
        writeln!(text, "{} {} {}", row.kid, row.state, row.created_at.to_rfc3339())?;
    }
    Ok(text)
}

async fn list_members(app: &App) -> anyhow::Result<String> {
    let order =
        vec![SortColumn { name: "email", sql: "members.email_canonical", cast: "text", descending: false }];
    let slice = PageSlice::first(order, i64::MAX);
    let mut conditions = Conditions::default();
    conditions.and("members.deleted_at IS NULL");
    let mut text = String::new();
    for row in
        queries::list_members(&*app.long_reader().await.map_err(to_anyhow)?, conditions, &slice).await?
    {
        let account = row.account;
        writeln!(text, "{} {} {} {}", row.id, account.email, account.role.as_str(), account.status.as_str())?;
    }
    Ok(text)
}

async fn set_role(app: &App, email: &str, role: Role) -> anyhow::Result<String> {
    let id = find_member(app, email).await?.id;
    let update = app.write(async move |tx| {
        let row = queries::lock_member(tx, id).await?;
        let mut after = row.account.clone();
        after.role = role;
        if after == row.account {
            return Ok(());
        }
        keep_an_admin(tx, &row, Some(&after)).await?;
        queries::update_member(tx, id, &after, row.profile_completed_at.is_some()).await?;
        let change = Change::between("member", id, &row.account, &after);
        tx.record(Actor::SYSTEM, change);
        Ok(())
    });
    update.await.map_err(to_anyhow)?;
    Ok(format!("{email} is {} now.", role.as_str()))
}

async fn find_member(app: &App, email: &str) -> anyhow::Result<MemberRow> {
    let canonical =
        email::canonicalise(email).with_context(|| format!("{email} is not an e-mail address"))?;
    let found = app.write(async move |tx| Ok(queries::lock_member_by_email(tx, &canonical).await?));
    let found = found.await.map_err(to_anyhow)?;
    found.with_context(|| format!("there is no member {email}"))
}

/// Reads the password from standard input, or makes a random one. Returns the password and a
/// note that shows a random one.
fn read_or_make_password(from_stdin: bool, email: &str) -> anyhow::Result<(String, String)> {
    if !from_stdin {
        let random = generate_password()?;
        return Ok((random.clone(), format!("\npassword: {random}   (shown this once)")));
    }
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).context("reading the password")?;
    let password = passwords::validate("", input.trim_end_matches(['\r', '\n']), email);
    Ok((password.map_err(to_anyhow)?, String::new()))
}

/// Fails on characters that the API refuses in a name.
fn check_name(name: &str) -> anyhow::Result<()> {
    if text::is_plain(name) {
        Ok(())
    } else {
        bail!("the name has invisible or bidirectional control characters")
    }
}

fn parse_role(role: &str) -> anyhow::Result<Role> {
    let name: StrDeserializer<'_, NameError> = role.into_deserializer();
    Ok(Role::deserialize(name)?)
}

/// Converts an error to its text for the terminal.
fn to_anyhow(error: Error) -> anyhow::Error {
    anyhow!("{}", describe_error(&error))
}
