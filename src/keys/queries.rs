//! All SQL of the secrets.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;

use crate::db::connection::Connection;
use crate::db::schema::{signing_keys, site_secret};

/// For how long the list remembers retired keys.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// A signing key as kept.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub struct KeyRow {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Its secret half.
    pub secret: Vec<u8>,
    /// `next`, `active` or `retired`.
    pub state: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stopped signing.
    pub retired_at: Option<DateTime<Utc>>,
}

/// The site's secret: `fresh` if there is none yet.
pub async fn site_secret(conn: &mut Connection, fresh: Vec<u8>) -> QueryResult<Vec<u8>> {
    diesel::insert_into(site_secret::table)
        .values(site_secret::secret.eq(fresh))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    site_secret::table.select(site_secret::secret).first(conn).await
}

/// Fills the places of the active and the next key that are empty; of processes that try at once, one does.
pub async fn fill(conn: &mut Connection, fresh: &[(String, [u8; 32]); 2]) -> QueryResult<()> {
    for (state, (kid, secret)) in ["active", "next"].into_iter().zip(fresh) {
        diesel::insert_into(signing_keys::table)
            .values((
                signing_keys::kid.eq(kid),
                signing_keys::secret.eq(secret.as_slice()),
                signing_keys::state.eq(state),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The ring, with the keys that retired in the last 30 days.
pub async fn list(mut conn: &Connection) -> QueryResult<Vec<KeyRow>> {
    let remembered_since = (now.into_sql::<Timestamptz>() - REMEMBERED).nullable();
    signing_keys::table
        .filter(signing_keys::retired_at.is_null().or(signing_keys::retired_at.gt(remembered_since)))
        .order(signing_keys::created_at)
        .select(KeyRow::as_select())
        .load(&mut conn)
        .await
}

/// Retires the active key, puts the next one in its place, and announces `fresh`. Call it in a transaction.
pub async fn rotate(conn: &mut Connection, fresh: &(String, [u8; 32])) -> QueryResult<()> {
    let in_state = |state: &'static str| signing_keys::table.filter(signing_keys::state.eq(state));
    diesel::update(in_state("active"))
        .set((signing_keys::state.eq("retired"), signing_keys::retired_at.eq(now)))
        .execute(conn)
        .await?;
    diesel::update(in_state("next")).set(signing_keys::state.eq("active")).execute(conn).await?;
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&fresh.0),
            signing_keys::secret.eq(fresh.1.as_slice()),
            signing_keys::state.eq("next"),
        ))
        .execute(conn)
        .await?;
    diesel::delete(signing_keys::table)
        .filter(signing_keys::retired_at.lt((now.into_sql::<Timestamptz>() - REMEMBERED).nullable()))
        .execute(conn)
        .await?;
    Ok(())
}
