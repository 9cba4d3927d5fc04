//! Changes to members. Handlers, commands and the first start call these functions.

use diesel::QueryResult;
use uuid::Uuid;

use super::model::{Account, MemberRow, MemberStatus};
use super::outbox::model::MailKind;
use super::outbox::queries::NewMail;
use super::view::{MemberPatch, ProfilePatch};
use super::{email, outbox, passwords, queries, recovery, sessions};
use crate::changes::model::{Actor, Change};
use crate::config::ProfileField;
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::conditional::IfMatch;
use crate::operations::Role;
use crate::text;
use crate::tx::Tx;

/// Returns the canonical form of the `email` of a body; fails with 422 if it is not an email.
///
/// An email with invisible characters looks like another one, and is refused. An account that has
/// one from an earlier version can still be found by it.
pub fn parse_email(typed: &str) -> Result<String> {
    let refuse = |detail| Err(Fault::body("/email", Code::InvalidFormat, detail).into());
    match email::canonicalise(typed) {
        None => refuse("must be an e-mail address"),
        Some(_) if text::has_invisible(typed.trim()) => refuse("must not contain invisible characters"),
        Some(canonical) => Ok(canonical),
    }
}

/// Fails with what is wrong with the email and the password of a new member of the site `site`, as far as they are given.
pub fn check_account(site: &str, email: Option<&str>, password: Option<&str>) -> Result<()> {
    let judge =
        |password| passwords::validate_for_site(site, "/password", password, email.unwrap_or_default());
    Error::join(email.map(parse_email).transpose(), password.map(judge).transpose()).map(drop)
}

/// Builds the account of a new member; fails with 422 if `email` is not an email.
pub fn parse_account(email: &str, role: Role, display_name: String) -> Result<Account> {
    Ok(Account {
        email: email::tidy(email),
        email_canonical: parse_email(email)?,
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

/// Turns a violated unique constraint on the email into 409.
fn map_email_taken<T>(result: QueryResult<T>) -> Result<T> {
    result.on_constraint("members_email_key", || {
        Fault::body("/email", Code::EmailTaken, "already used by another member")
    })
}

/// Adds a member and records the change; fails with 409 if the email is taken.
pub async fn add_member(tx: &mut Tx, actor: Actor, account: &Account, hash: &str) -> Result<MemberRow> {
    let row = map_email_taken(queries::insert_member(tx, account, hash).await)?;
    tx.record(actor, Change::new("create", "member", row.id));
    Ok(row)
}

/// Adds a member whose email counts as verified, because `actor` vouches for it.
pub async fn add_verified_member(
    tx: &mut Tx,
    actor: Actor,
    account: &Account,
    hash: &str,
) -> Result<MemberRow> {
    let row = add_member(tx, actor, account, hash).await?;
    recovery::queries::mark_email_verified(tx, row.id).await?;
    Ok(queries::load_member(tx, row.id).await?)
}

/// Adds a member and sends an invitation, by which the member sets a password.
pub async fn invite_member(tx: &mut Tx, actor: Actor, account: &Account, hash: &str) -> Result<MemberRow> {
    let row = add_member(tx, actor, account, hash).await?;
    outbox::queries::enqueue_mail(tx, NewMail::to_member(MailKind::Invitation, &row)).await?;
    Ok(queries::load_member(tx, row.id).await?)
}

/// Adds the first admin, unless there is an admin; returns whether it did.
///
/// Takes a lock, so that processes that start at once add one admin.
pub async fn add_first_admin(tx: &mut Tx, account: &Account, hash: &str) -> Result<bool> {
    queries::lock_first_start(tx).await?;
    if queries::has_admin(tx).await? {
        return Ok(false);
    }
    add_verified_member(tx, Actor::SYSTEM, account, hash).await?;
    Ok(true)
}

/// A registration whose email must be verified.
#[derive(Clone)]
pub struct NewRegistration {
    /// The account that was asked for.
    pub account: Account,
    /// The hash of its password.
    pub hash: String,
    /// The stored hash that the same password matches, from an earlier registration.
    pub known_hash: Option<String>,
    /// Whether the email gets a mail.
    pub may_send_mail: bool,
}

/// Registers a member whose email must be verified, and sends a mail if that is permitted.
///
/// If an unverified member has the email and another password, the password is disputed: nobody
/// knows which of the two belongs to the mailbox. If a verified member has the email, that member
/// gets a mail and nothing changes.
pub async fn register_member(tx: &mut Tx, new: &NewRegistration) -> Result<()> {
    let (member, is_new) = find_or_add_member(tx, new).await?;
    let kind = match member.email_verified_at {
        Some(_) => MailKind::AlreadyRegistered,
        None => MailKind::Verify,
    };
    if kind == MailKind::Verify && !is_new {
        let stored = queries::load_password_hash(tx, member.id).await?;
        if stored.is_none() || stored != new.known_hash {
            queries::dispute_password(tx, member.id).await?;
        }
    }
    if new.may_send_mail {
        outbox::queries::enqueue_mail(tx, NewMail::to_member(kind, &member)).await?;
    }
    Ok(())
}

/// Returns the locked member with the email of a registration, and whether it is new.
async fn find_or_add_member(tx: &mut Tx, new: &NewRegistration) -> Result<(MemberRow, bool)> {
    let canonical = &new.account.email_canonical;
    if let Some(member) = queries::lock_member_by_email(tx, canonical).await? {
        return Ok((member, false));
    }
    let add = async |tx: &mut Tx| add_member(tx, Actor::VISITOR, &new.account, &new.hash).await;
    match tx.try_step(add).await? {
        Ok(member) => Ok((member, true)),
        // Another registration of the email has won at the same time.
        Err(Error::Faults(Code::EmailTaken, _)) => {
            let member = queries::lock_member_by_email(tx, canonical).await?;
            let vanished = || Error::Contended("the member of the email was deleted meanwhile".to_owned());
            member.ok_or_else(vanished).map(|member| (member, false))
        }
        Err(error) => Err(error),
    }
}

/// Changes role, status and name of a member; suspension ends all sessions and voids all tokens.
///
/// Fails with 409 if no active admin would remain.
pub async fn update_member(
    tx: &mut Tx,
    actor: Actor,
    id: Uuid,
    if_match: &IfMatch,
    patch: MemberPatch,
    required: &[ProfileField],
) -> Result<MemberRow> {
    let row = queries::lock_member(tx, id).await?;
    if_match.check(row.version)?;
    let after = patch.apply_to(row.account.clone());
    if after == row.account {
        return Ok(row);
    }
    keep_an_admin(tx, &row, Some(&after)).await?;
    if after.status == MemberStatus::Suspended {
        recovery::queries::void_tokens(tx, row.id).await?;
        sessions::queries::end_all_sessions(tx, row.id).await?;
    }
    save_account(tx, actor, &row, &after, required).await
}

/// Changes the profile of a member.
pub async fn update_profile(
    tx: &mut Tx,
    actor: Actor,
    id: Uuid,
    if_match: &IfMatch,
    patch: ProfilePatch,
    required: &[ProfileField],
) -> Result<MemberRow> {
    let row = queries::lock_member(tx, id).await?;
    if_match.check(row.version)?;
    let after = patch.apply_to(row.account.clone());
    if after == row.account {
        return Ok(row);
    }
    save_account(tx, actor, &row, &after, required).await
}

/// Stores a changed account and records the change.
async fn save_account(
    tx: &mut Tx,
    actor: Actor,
    before: &MemberRow,
    after: &Account,
    required: &[ProfileField],
) -> Result<MemberRow> {
    let change = Change::between("member", before.id, &before.account, after);
    tx.record(actor, change);
    let is_complete = after.list_missing_fields(required).is_empty();
    Ok(queries::update_member(tx, before.id, after, is_complete).await?)
}

/// Fails with 409 if a change to `row` would leave no active admin. `after` is `None` for a deletion.
pub async fn keep_an_admin(tx: &mut Tx, row: &MemberRow, after: Option<&Account>) -> Result<()> {
    let is_admin = |account: &Account| account.role == Role::Admin && account.status == MemberStatus::Active;
    if is_admin(&row.account) && !after.is_some_and(is_admin) && !queries::has_other_admin(tx, row.id).await?
    {
        return Err(Error::Refused(Code::LastAdmin, "This is the last active admin.".into()));
    }
    Ok(())
}

/// Deletes a member, ends all sessions and voids all tokens; fails with 409 for the last active admin.
pub async fn delete_member(tx: &mut Tx, actor: Actor, row: &MemberRow) -> Result<()> {
    keep_an_admin(tx, row, None).await?;
    sessions::queries::end_all_sessions(tx, row.id).await?;
    recovery::queries::void_tokens(tx, row.id).await?;
    queries::delete_member(tx, row.id).await?;
    tx.record(actor, Change::new("delete", "member", row.id));
    Ok(())
}

/// Sets a password, ends all sessions and voids all tokens. Sends a mail to `notify`, if given.
pub async fn replace_password(
    tx: &mut Tx,
    actor: Actor,
    member: Uuid,
    hash: &str,
    notify: Option<&MemberRow>,
) -> Result<()> {
    queries::set_password_hash(tx, member, hash).await?;
    sessions::queries::end_all_sessions(tx, member).await?;
    recovery::queries::void_tokens(tx, member).await?;
    if let Some(row) = notify {
        outbox::queries::enqueue_mail(tx, NewMail::to_member(MailKind::PasswordChanged, row)).await?;
    }
    let change = Change::new("update", "member", member).of_fields(vec!["password".to_owned()]);
    tx.record(actor, change);
    Ok(())
}

/// Sets a member's email, ends all sessions and voids all tokens; fails with 409 if the email is taken.
///
/// With `notify`, the old email gets a mail.
pub async fn change_email_address(
    tx: &mut Tx,
    member: Uuid,
    email: &str,
    canonical: &str,
    notify: bool,
) -> Result<()> {
    let row = queries::lock_member(tx, member).await?;
    let after =
        Account { email: email.to_owned(), email_canonical: canonical.to_owned(), ..row.account.clone() };
    // Requests for mails under the old email are found by it.
    recovery::queries::void_tokens(tx, member).await?;
    let is_complete = row.profile_completed_at.is_some();
    let changed = map_email_taken(queries::update_member(tx, member, &after, is_complete).await)?;
    sessions::queries::end_all_sessions(tx, member).await?;
    if notify {
        let mail = NewMail::to_member(MailKind::EmailChanged, &changed);
        outbox::queries::enqueue_mail(tx, NewMail { recipient: Some(row.account.email.clone()), ..mail })
            .await?;
    }
    let change = Change::between("member", member, &row.account, &after);
    tx.record(Actor::member(member), change);
    Ok(())
}
