//! SQL of lists of notices.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SizedRow, SortColumn, Value, begins_within_bytes, fit_rows};
use crate::db::visibility::Notices;
use crate::notices::model::{NoticeKind, Row, full_columns};
use crate::search::highlights::Texts;

/// A notice's columns without its body, which is long and stored apart.
const CARD_COLUMNS: &str = "id, slug, external_id, kind, title, summary, summary_made, '' AS body, \
     NULL::text AS body_source, body_format, sanitizer, pinned, audience, status, published_at, expires_at, version, \
     created_at, updated_at, NULL::jsonb AS media";
/// The kinds in the order in which a list by kinds has them.
const KINDS: [NoticeKind; 2] = [NoticeKind::Notice, NoticeKind::Announcement];

/// Pinned first, then newest first. Drafts without a publication time count as newest.
pub fn order(visible: Notices) -> Vec<SortColumn> {
    let published_at = match visible {
        Notices::Public | Notices::ForMembers => "notices.published_at",
        Notices::All | Notices::Trash => "coalesce(notices.published_at, 'infinity')",
    };
    vec![
        SortColumn { name: "pinned", sql: "notices.pinned", cast: "boolean", descending: true },
        SortColumn { name: "published_at", sql: published_at, cast: "timestamptz", descending: true },
        SortColumn { name: "id", sql: "notices.id", cast: "uuid", descending: true },
    ]
}

/// The columns of a notice in a list.
fn columns(with_body: bool) -> String {
    if with_body { full_columns() } else { CARD_COLUMNS.to_owned() }
}

/// Notices that meet `conditions`, without their bodies.
pub async fn load_cards(
    mut conn: &Connection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<Vec<Row>> {
    conditions.page_query(CARD_COLUMNS, "notices", slice).load(&mut conn).await
}

/// The first `most` notices of `kind`, or of both kinds, that are `visible`, without their bodies.
pub async fn load_first(
    conn: &Connection,
    kind: Option<NoticeKind>,
    visible: Notices,
    most: i64,
) -> QueryResult<Vec<Row>> {
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    conditions.and_if("notices.kind = ?", kind.map(|kind| Value::Text(kind.as_str().to_owned())));
    let slice = PageSlice::first(order(visible), most);
    load_cards(conn, conditions, &slice).await
}

/// Notices that meet `conditions`, with their bodies, as far as these are few enough bytes; and whether there is another
/// one that would be too many.
pub async fn load_full(
    mut conn: &Connection,
    conditions: Conditions,
    slice: &PageSlice,
) -> QueryResult<(Vec<Row>, bool)> {
    // The length of a body is known without reading it.
    let sizes = "notices.id, octet_length(notices.body)::bigint AS bytes";
    let chosen: Vec<SizedRow> = conditions.page_query(sizes, "notices", slice).load(&mut conn).await?;
    let (ids, is_cut) = fit_rows(&chosen);
    let mut conditions = Conditions::default();
    conditions.and_if("notices.id = ANY(?)", Some(Value::Ids(ids)));
    let text =
        format!("SELECT {} FROM notices WHERE {} {}", full_columns(), conditions.sql(), slice.order_by());
    Ok((conditions.statement(text).load(&mut conn).await?, is_cut))
}

/// The first notices of each kind that meet `conditions`, without their bodies: `most` of each, in the order of `slice`.
pub async fn load_per_kind(
    mut conn: &Connection,
    conditions: Conditions,
    slice: &PageSlice,
    most: i64,
) -> QueryResult<Vec<Row>> {
    let (met, order) = (conditions.sql(), slice.order_by());
    let of_kind = |kind: NoticeKind| {
        let kind = kind.as_str();
        format!("(SELECT * FROM notices WHERE {met} AND notices.kind = '{kind}' {order} LIMIT {most})")
    };
    let text = format!("SELECT {CARD_COLUMNS} FROM ({}) AS notices", KINDS.map(of_kind).join(" UNION ALL "));
    let mut rows: Vec<Row> = conditions.statement(text).load(&mut conn).await?;
    let place = |row: &Row| KINDS.iter().position(|kind| *kind == row.content.kind);
    rows.sort_by_key(place);
    Ok(rows)
}

/// All notices that meet `conditions`, in any order.
pub async fn load_all(
    mut conn: &Connection,
    conditions: Conditions,
    with_body: bool,
) -> QueryResult<Vec<Row>> {
    let text = format!("SELECT {} FROM notices WHERE {}", columns(with_body), conditions.sql());
    conditions.statement(text).load(&mut conn).await
}

/// The texts of notices among `ids` that are `visible`: of those whose bodies begin within 4 MiB, by id.
pub async fn load_texts(mut conn: &Connection, visible: Notices, ids: Vec<Uuid>) -> QueryResult<Vec<Texts>> {
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    conditions.and_if("notices.id = ANY(?)", Some(Value::Ids(ids)));
    let wanted = format!("WHERE {}", conditions.sql());
    let text = format!(
        "SELECT id, title, summary, body FROM notices WHERE {}",
        begins_within_bytes("notices", &wanted, "id")
    );
    conditions.statement(text).load(&mut conn).await
}
