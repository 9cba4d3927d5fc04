//! All SQL of notices: single ones here, lists in [`lists`], links in [`links`], slugs in [`slugs`].

pub mod links;
pub mod lists;
pub mod slugs;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, now, sql};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Content, NeighborRow, Row, full_columns};
use crate::app::App;
use crate::db::connection::Connection;
use crate::db::read_clock;
use crate::db::rows::{Conditions, Value, choose_rows};
use crate::db::schema::notices;
use crate::db::types::{Audience, Status};
use crate::db::visibility::Notices;
use crate::error::Result;
use crate::follower::Snapshot;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::modified::{LastChange, ListTimes, Upcoming};
use crate::tx::Tx;

/// When notices last changed for the public.
struct PublicChange(LastChange);
/// When notices last changed for members.
struct MemberChange(LastChange);

static LAST_PUBLIC_CHANGE: AtomicI64 = AtomicI64::new(0);
static LAST_MEMBER_CHANGE: AtomicI64 = AtomicI64::new(0);

impl Snapshot for PublicChange {
    // Tags of answers: what readers do not see changes nothing.
    const ENTITIES: &'static [&'static str] = &["notices"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        Ok(Self(LastChange::new(read_clock(conn).await?, &LAST_PUBLIC_CHANGE)))
    }
}

impl Snapshot for MemberChange {
    const ENTITIES: &'static [&'static str] = &["notices", "member_notices", "scheduled_notices"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        Ok(Self(LastChange::new(read_clock(conn).await?, &LAST_MEMBER_CHANGE)))
    }
}

/// When the next notices appear and disappear.
struct UpcomingNotices {
    for_public: Arc<Upcoming>,
    for_members: Arc<Upcoming>,
    /// Whether any notice for members only is up, or will be.
    has_members_only: bool,
}

impl Snapshot for UpcomingNotices {
    const ENTITIES: &'static [&'static str] = &["notices", "scheduled_notices", "member_notices"];

    async fn load(mut conn: &Connection) -> QueryResult<Self> {
        let read_at = read_clock(conn).await?;
        let members_only = notices::table
            .filter(notices::status.eq(Status::Published))
            .filter(notices::deleted_at.is_null())
            .filter(notices::audience.eq(Audience::Members))
            .filter(notices::expires_at.is_null().or(notices::expires_at.gt(read_at).assume_not_null()));
        let has_members_only = diesel::select(exists(members_only)).get_result(&mut conn).await?;
        Ok(Self {
            for_public: load_upcoming(conn, read_at, &[Audience::Public]).await?,
            for_members: load_upcoming(conn, read_at, &[Audience::Public, Audience::Members]).await?,
            has_members_only,
        })
    }
}

/// The times around `at` at which published notices for `audiences` appear and disappear.
async fn load_upcoming(
    mut conn: &Connection,
    at: DateTime<Utc>,
    audiences: &[Audience],
) -> QueryResult<Arc<Upcoming>> {
    #[derive(QueryableByName)]
    struct Moments {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        passed: Option<DateTime<Utc>>,
        #[diesel(sql_type = Array<Timestamptz>)]
        next: Vec<DateTime<Utc>>,
    }
    let text = format!(
        "WITH moments AS (
             SELECT moment FROM notices, unnest(ARRAY[published_at, expires_at]) AS moment
             WHERE status = 'published' AND deleted_at IS NULL AND audience = ANY($2))
         SELECT (SELECT max(moment) FROM moments WHERE moment <= $1) AS passed,
                ARRAY(SELECT moment FROM moments WHERE moment > $1 ORDER BY moment LIMIT {}) AS next",
        Upcoming::MAX
    );
    let audiences: Vec<&str> = audiences.iter().map(|audience| audience.as_str()).collect();
    let query = sql_query(text).bind::<Timestamptz, _>(at).bind::<Array<Text>, _>(audiences);
    let moments: Moments = query.get_result(&mut conn).await?;
    Ok(Arc::new(Upcoming::new(moments.passed, moments.next)))
}

/// When notices change for those who see `visible`, and whether any notice for members only is up, or will be. To be asked
/// before the rows are read.
pub async fn load_times(app: &App, visible: Notices) -> Result<(ListTimes, bool)> {
    let mut upcoming = app.snapshot::<UpcomingNotices>().await?;
    if upcoming.for_members.is_exhausted(app.now()) || upcoming.for_public.is_exhausted(app.now()) {
        app.follower.drop_snapshot::<UpcomingNotices>();
        upcoming = app.snapshot::<UpcomingNotices>().await?;
    }
    let times = match visible {
        Notices::Public => {
            ListTimes::new(app.snapshot::<PublicChange>().await?.0, upcoming.for_public.clone())
        }
        Notices::ForMembers | Notices::All | Notices::Trash => {
            ListTimes::new(app.snapshot::<MemberChange>().await?.0, upcoming.for_members.clone())
        }
    };
    Ok((times, upcoming.has_members_only))
}

/// The condition that `notice` is named by, with its value bound to `conditions`.
fn name_in(conditions: &mut Conditions, notice: &IdOrSlug) -> String {
    match notice.clone() {
        IdOrSlug::Id(id) => format!("notices.id = {}", conditions.bind(Value::Id(id))),
        IdOrSlug::Slug(slug) => format!("notices.slug = {}", conditions.bind(Value::Text(slug))),
    }
}

/// One notice, if it is visible.
pub async fn get(mut conn: &Connection, notice: &IdOrSlug, visible: Notices) -> QueryResult<Row> {
    let mut conditions = Conditions::default();
    let chosen = choose_rows("notices", &name_in(&mut conditions, notice));
    conditions.and(visible.sql());
    let text = format!("SELECT {} FROM {chosen} WHERE {}", full_columns(), conditions.sql());
    conditions.statement(text).get_result(&mut conn).await
}

/// One notice, if it is visible, locked until the transaction ends.
pub async fn lock(tx: &Tx, notice: &IdOrSlug, visible: Notices) -> QueryResult<Row> {
    let mut conditions = Conditions::default();
    let name = name_in(&mut conditions, notice);
    conditions.and(name);
    conditions.and(visible.sql());
    let text = format!(
        "SELECT {} FROM notices WHERE {} FOR NO KEY UPDATE OF notices",
        full_columns(),
        conditions.sql()
    );
    conditions.statement(text).get_result(&mut &**tx).await
}

/// The notices of the same kind that came out just before and just after this one, of those that are `visible`.
pub async fn neighbors(mut conn: &Connection, row: &Row, visible: Notices) -> QueryResult<Vec<NeighborRow>> {
    let visible = visible.sql();
    let side = |is_previous: bool, sign: &str, direction: &str| {
        format!(
            "(SELECT id, slug, title, published_at, audience, {is_previous} AS is_previous FROM notices
              WHERE kind = $1 AND (published_at, id) {sign} ($2, $3) AND {visible}
              ORDER BY published_at {direction}, id {direction} LIMIT 1)"
        )
    };
    let text = format!("{} UNION ALL {}", side(true, "<", "DESC"), side(false, ">", "ASC"));
    sql_query(text)
        .bind::<Text, _>(row.content.kind)
        .bind::<Nullable<Timestamptz>, _>(row.content.published_at)
        .bind::<SqlUuid, _>(row.id)
        .load(&mut conn)
        .await
}

/// One notice by its external id, and whether it is in the trash; locked until the transaction ends.
pub async fn lock_external(tx: &mut Tx, external_id: &str) -> QueryResult<Option<(Row, bool)>> {
    notices::table
        .filter(notices::external_id.eq(external_id))
        .select((Row::as_select(), notices::deleted_at.is_not_null()))
        .for_no_key_update()
        .first(&mut **tx)
        .await
        .optional()
}

/// The next notices after `after`, in whatever state, whose body was made by a sanitiser before `version`.
pub async fn load_outdated(
    mut conn: &Connection,
    after: Uuid,
    version: i16,
    limit: i64,
) -> QueryResult<Vec<Row>> {
    let outdated = notices::table.filter(notices::id.gt(after)).filter(notices::sanitizer.lt(version));
    outdated.order(notices::id).limit(limit).select(Row::as_select()).load(&mut conn).await
}

/// A notice in whatever state, locked until the transaction ends.
pub async fn lock_any(tx: &mut Tx, id: Uuid) -> QueryResult<Option<Row>> {
    let found = notices::table.find(id).select(Row::as_select()).for_no_key_update();
    found.first(&mut **tx).await.optional()
}

/// Notes that the body is as the sanitiser `version` makes it. Nothing that clients see changes.
pub async fn set_sanitizer(tx: &mut Tx, id: Uuid, version: i16) -> QueryResult<()> {
    let update = diesel::update(notices::table.find(id)).set(notices::sanitizer.eq(version));
    update.execute(&mut **tx).await.map(drop)
}

/// Adds a notice. Constraints: `notices_window`, `notices_external_id_key`, `notices_slug_key`.
pub async fn insert(tx: &mut Tx, content: &Content) -> QueryResult<Row> {
    diesel::insert_into(notices::table)
        .values((notices::id.eq(Uuid::now_v7()), content))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Replaces what can be changed about a notice. Constraints as for [`insert`].
pub async fn update(tx: &mut Tx, id: Uuid, content: &Content) -> QueryResult<Row> {
    diesel::update(notices::table.find(id))
        .set((content, notices::version.eq(notices::version + 1), notices::updated_at.eq(now)))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}

/// Puts a notice into the trash, or takes it out.
pub async fn set_deleted(tx: &mut Tx, id: Uuid, deleted: bool) -> QueryResult<Row> {
    diesel::update(notices::table.find(id))
        .set((
            notices::deleted_at.eq(sql::<Nullable<Timestamptz>>(if deleted { "now()" } else { "NULL" })),
            notices::version.eq(notices::version + 1),
            notices::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(&mut **tx)
        .await
}
