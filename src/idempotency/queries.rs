//! All SQL of stored answers.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use futures_util::future::try_join;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::schema::idempotency_keys;
use crate::http::reply::{JSON, Rendered};
use crate::tx::Tx;

/// An answer that was stored.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, check_for_backend(diesel::pg::Pg))]
pub struct Stored {
    /// The digest of the request.
    pub digest: Vec<u8>,
    /// The status.
    pub status: i16,
    /// Where the new thing is.
    pub location: Option<String>,
    /// The entity tag.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// The language of the sentences in the body; `None` if it has none.
    pub language: Option<String>,
}

/// Takes the name `key` of `caller` until the transaction ends. Returns whether nobody else holds
/// it, and the answer stored under it.
pub async fn claim(tx: &Tx, caller: Uuid, key: &str) -> QueryResult<(bool, Option<Stored>)> {
    // Sent together: the second statement sees what was committed before the first took the lock.
    try_join(try_lock(tx, format!("idempotency {caller} {key}")), find(tx, caller, key)).await
}

async fn try_lock(mut conn: &Connection, name: String) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Lock {
        #[diesel(sql_type = Bool)]
        is_taken: bool,
    }
    let lock: Lock = sql_query("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS is_taken")
        .bind::<Text, _>(name)
        .get_result(&mut conn)
        .await?;
    Ok(lock.is_taken)
}

async fn find(mut conn: &Connection, caller: Uuid, key: &str) -> QueryResult<Option<Stored>> {
    idempotency_keys::table.find((caller, key)).select(Stored::as_select()).first(&mut conn).await.optional()
}

/// Stores the answer to the request that `caller` has named `key`.
pub async fn store_answer(
    tx: &mut Tx,
    caller: Uuid,
    key: &str,
    digest: &[u8],
    answer: &Rendered,
) -> QueryResult<()> {
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::caller.eq(caller),
            idempotency_keys::key.eq(key),
            idempotency_keys::digest.eq(digest),
            idempotency_keys::status.eq(answer.status_code()),
            idempotency_keys::location.eq(answer.location()),
            idempotency_keys::etag.eq(answer.etag()),
            idempotency_keys::media_type.eq(JSON),
            idempotency_keys::body.eq(answer.body()),
            idempotency_keys::language.eq(answer.language()),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Deletes answers older than 24 hours.
pub async fn delete_old_answers(tx: &mut Tx) -> QueryResult<()> {
    sql_query("DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'")
        .execute(&mut **tx)
        .await?;
    Ok(())
}
