//! All SQL of the site.

use std::sync::atomic::AtomicI64;

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, Row};
use crate::db::connection::Connection;
use crate::db::read_clock;
use crate::db::schema::site;
use crate::follower::Snapshot;
use crate::http::modified::LastChange;
use crate::tx::Tx;

impl Snapshot for Row {
    const ENTITIES: &'static [&'static str] = &["site"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        get(conn).await
    }
}

/// When the site last changed.
pub struct SiteChange(pub LastChange);

static LAST_CHANGE: AtomicI64 = AtomicI64::new(0);

impl Snapshot for SiteChange {
    const ENTITIES: &'static [&'static str] = &["site"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        Ok(Self(LastChange::new(read_clock(conn).await?, &LAST_CHANGE)))
    }
}

/// The site.
pub async fn get(mut conn: &Connection) -> QueryResult<Row> {
    site::table.select(Row::as_select()).first(&mut conn).await
}

/// The site, locked until the transaction ends.
pub async fn lock(tx: &mut Tx) -> QueryResult<Row> {
    site::table.select(Row::as_select()).for_no_key_update().first(&mut **tx).await
}

/// Replaces what can be changed about the site.
pub async fn update(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(site::table.find(id))
        .set((content, site::version.eq(site::version + 1), site::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}
