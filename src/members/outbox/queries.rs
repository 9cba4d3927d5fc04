//! All SQL of the outbox.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::MailKind;
use crate::db::connection::Connection;
use crate::db::schema::{outbox, site};
use crate::members::model::MemberRow;
use crate::tx::Tx;

/// The age at which a mail is given up.
const MAX_MAIL_AGE: &str = "3 days";
/// The time for which a worker has a mail to itself.
pub const MAIL_LEASE: Duration = Duration::from_secs(120);

/// A mail to be sent.
#[derive(Clone, Debug, QueryableByName)]
pub struct OutboxMail {
    /// The id, from which the token is derived.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The kind of the mail.
    #[diesel(sql_type = Text)]
    pub kind: MailKind,
    /// The account, by its canonical email.
    #[diesel(sql_type = Text)]
    pub email_canonical: String,
    /// The recipient, if it is not the account's email.
    #[diesel(sql_type = Nullable<Text>)]
    pub recipient: Option<String>,
    /// The member the mail is for. Without one, the member who has the email.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub member_id: Option<Uuid>,
    /// The number of attempts, this one included.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// Whether the mail was asked for over the longest age of a mail ago, by the database's clock.
    #[diesel(sql_type = Bool)]
    pub is_too_old: bool,
}

/// A mail to be put into the outbox.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// The kind of the mail.
    pub kind: MailKind,
    /// The account, by its canonical email.
    pub email_canonical: String,
    /// The recipient, if it is not the account's email.
    pub recipient: Option<String>,
    /// The member the mail is for, if that is known.
    pub member_id: Option<Uuid>,
}

impl NewMail {
    /// A mail to the email of a member.
    pub fn to_member(kind: MailKind, row: &MemberRow) -> Self {
        let email_canonical = row.account.email_canonical.clone();
        Self { kind, email_canonical, recipient: None, member_id: Some(row.id) }
    }
}

/// Puts a mail into the outbox. Replaces a mail of the same kind for this account that was not tried yet.
pub async fn enqueue_mail(tx: &mut Tx, mail: NewMail) -> QueryResult<()> {
    diesel::delete(outbox::table)
        .filter(outbox::kind.eq(mail.kind.as_str()))
        .filter(outbox::email_canonical.eq(&mail.email_canonical))
        .filter(outbox::attempts.eq(0))
        .execute(&mut **tx)
        .await?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(Uuid::now_v7()),
            outbox::kind.eq(mail.kind.as_str()),
            outbox::email_canonical.eq(&mail.email_canonical),
            outbox::recipient.eq(&mail.recipient),
            outbox::member_id.eq(mail.member_id),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether a mail is still in the outbox. The caller has locked its member, so it stays there.
pub async fn is_mail_wanted(mut conn: &Connection, id: Uuid) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(outbox::table.find(id))).get_result(&mut conn).await
}

/// Counts the mails that wait to be sent.
pub async fn count_pending(mut conn: &Connection) -> QueryResult<i64> {
    outbox::table.count().get_result(&mut conn).await
}

/// Claims a mail that is due. No other worker gets it for [`MAIL_LEASE`], so it is tried again if this worker dies.
pub async fn claim_mail(tx: &mut Tx) -> QueryResult<Option<OutboxMail>> {
    sql_query(format!(
        "UPDATE auth.outbox SET attempts = attempts + 1, due_at = now() + interval '{} seconds'
         WHERE id = (SELECT id FROM auth.outbox WHERE due_at <= now()
                     ORDER BY due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
         RETURNING id, kind, email_canonical, recipient, member_id, attempts,
                   created_at < now() - interval '{MAX_MAIL_AGE}' AS is_too_old",
        MAIL_LEASE.as_secs()
    ))
    .get_result(&mut **tx)
    .await
    .optional()
}

/// Deletes a mail that was sent or given up.
pub async fn delete_mail(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
    diesel::delete(outbox::table.find(id)).execute(&mut **tx).await?;
    Ok(())
}

/// Makes a mail due again in `seconds`.
pub async fn postpone_mail(tx: &mut Tx, id: Uuid, seconds: f64) -> QueryResult<()> {
    sql_query("UPDATE auth.outbox SET due_at = now() + make_interval(secs => $2) WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Double, _>(seconds)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Loads the site's name, public URL and language.
pub async fn load_site(mut conn: &Connection) -> QueryResult<(String, String, String)> {
    site::table.select((site::name, site::base_url, site::locale)).first(&mut conn).await
}
