//! All SQL of the outbox.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Kind;
use crate::db::connection::Connection;
use crate::db::schema::{outbox, site};

/// A mail to be sent.
#[derive(Clone, Debug, QueryableByName)]
pub struct Job {
    /// Its id, from which its token follows.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it is about.
    #[diesel(sql_type = Text)]
    pub kind: Kind,
    /// The account, by its canonical address.
    #[diesel(sql_type = Text)]
    pub email_canonical: String,
    /// Where it goes instead of the account's address.
    #[diesel(sql_type = Nullable<Text>)]
    pub recipient: Option<String>,
    /// Attempts so far, this one included.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// When it was asked for.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// Puts a mail into the outbox; one of its kind for this account that still waits is replaced.
pub async fn enqueue(
    conn: &mut Connection,
    kind: Kind,
    canonical: &str,
    recipient: Option<&str>,
) -> QueryResult<()> {
    diesel::delete(outbox::table)
        .filter(outbox::kind.eq(kind.as_str()))
        .filter(outbox::email_canonical.eq(canonical))
        .filter(outbox::attempts.eq(0))
        .execute(conn)
        .await?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(Uuid::now_v7()),
            outbox::kind.eq(kind.as_str()),
            outbox::email_canonical.eq(canonical),
            outbox::recipient.eq(recipient),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes a mail that is due: nobody else gets it for two minutes, in which it is sent or its sender dies.
pub async fn take(conn: &mut Connection) -> QueryResult<Option<Job>> {
    sql_query(
        "UPDATE auth.outbox SET attempts = attempts + 1, due_at = now() + interval '2 minutes'
         WHERE id = (SELECT id FROM auth.outbox WHERE due_at <= now()
                     ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, kind, email_canonical, recipient, attempts, created_at",
    )
    .get_result(conn)
    .await
    .optional()
}

/// Removes a mail that was sent, or never will be.
pub async fn done(conn: &mut Connection, id: Uuid) -> QueryResult<()> {
    diesel::delete(outbox::table.find(id)).execute(conn).await?;
    Ok(())
}

/// Leaves a mail for later.
pub async fn retry(conn: &mut Connection, id: Uuid, seconds: f64) -> QueryResult<()> {
    sql_query("UPDATE auth.outbox SET due_at = now() + make_interval(secs => $2) WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Double, _>(seconds)
        .execute(conn)
        .await?;
    Ok(())
}

/// The site's name, public address and language.
pub async fn site(conn: &mut Connection) -> QueryResult<(String, String, String)> {
    site::table.select((site::name, site::base_url, site::locale)).first(conn).await
}
