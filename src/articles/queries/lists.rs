//! SQL of lists of articles.
//!
//! The ids of a page are chosen first, in the order of an index, and then the rows of the page are
//! read whole. Where a list has several parts (the categories of a subtree; what is public and what
//! is an author's own), the first rows of each part are taken from an index that has their order,
//! and merged: the cost follows the number of parts, not of articles.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::slugs::NO_FORMER_SLUGS;
use super::{CARD_COLUMNS, EXTRA_COLUMNS, VIEWS};
use crate::articles::model::Row;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, Value};

/// Bytes of bodies on a page at most; its first row is always there.
pub const MAX_PAGE_BYTES: i64 = 4 << 20;

/// Which articles a list shows, and how much of each.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Conditions on `articles` that all of them meet, apart from visibility.
    pub conditions: Conditions,
    /// The conditions of visibility: each article meets one of them at most.
    pub alternatives: Vec<String>,
    /// Only those in these categories.
    pub categories: Option<Vec<Uuid>>,
    /// Whether another condition is expected to leave fewer articles than the categories have: then
    /// their indexes are not walked one by one.
    pub is_narrow: bool,
}

impl Listing {
    /// The conditions as a plain condition on `articles`, for counting.
    pub fn to_conditions(&self) -> Conditions {
        let mut conditions = self.conditions.clone();
        conditions.and(format!("({})", self.alternatives.join(" OR ")));
        conditions.and_if("articles.category_id = ANY(?)", self.categories.clone().map(Value::Ids));
        conditions
    }
}

/// The articles of one page of a list, without their bodies.
pub async fn load_cards(mut conn: &Connection, listing: Listing, slice: &PageSlice) -> QueryResult<Vec<Row>> {
    let (conditions, text) = card_statement(listing, slice);
    conditions.statement(text).load(&mut conn).await
}

/// The statement of [`load_cards`], and the values it binds.
pub fn card_statement(listing: Listing, slice: &PageSlice) -> (Conditions, String) {
    let columns = format!(
        "{CARD_COLUMNS}, '' AS body, NULL::text AS body_source, {EXTRA_COLUMNS}, {NO_FORMER_SLUGS} AS former_slugs"
    );
    let order = slice.order_by();
    if listing.alternatives.len() == 1 && listing.categories.is_none() && slice.offset == 0 {
        let mut conditions = listing.to_conditions();
        slice.add_cursor(&mut conditions);
        let (met, limit) = (conditions.sql(), slice.limit);
        let text = format!("SELECT {columns} FROM articles {VIEWS} WHERE {met} {order} LIMIT {limit}");
        return (conditions, text);
    }
    let (conditions, choose) = choose_ids(listing, slice);
    // Rows chosen by their ids come in any order.
    let text = format!(
        "SELECT {columns} FROM ({choose}) AS chosen JOIN articles ON articles.id = chosen.id {VIEWS} {order}"
    );
    (conditions, text)
}

/// A page of articles with their bodies.
#[derive(Debug)]
pub struct FullPage {
    /// The rows, one more than a page at most.
    pub rows: Vec<Row>,
    /// Whether there is another row, whose body would exceed [`MAX_PAGE_BYTES`].
    pub is_cut: bool,
}

/// The articles of one page of a list, with their bodies, as far as these are few enough bytes.
pub async fn load_full(mut conn: &Connection, listing: Listing, slice: &PageSlice) -> QueryResult<FullPage> {
    #[derive(QueryableByName)]
    struct Sized {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let order = slice.order_by();
    let (conditions, choose) = choose_ids(listing, slice);
    // The length of a body is known without reading it.
    let text = format!(
        "SELECT articles.id, octet_length(articles.body)::bigint AS bytes \
         FROM ({choose}) AS chosen JOIN articles ON articles.id = chosen.id {order}"
    );
    let chosen: Vec<Sized> = conditions.statement(text).load(&mut conn).await?;
    let mut bytes = 0;
    let fits = |row: &&Sized| {
        let is_first = bytes == 0;
        bytes += row.bytes;
        is_first || bytes <= MAX_PAGE_BYTES
    };
    let ids: Vec<Uuid> = chosen.iter().take_while(fits).map(|row| row.id).collect();
    let is_cut = ids.len() < chosen.len();
    let mut conditions = Conditions::default();
    let mark = conditions.bind(Value::Ids(ids));
    let text = format!(
        "SELECT {CARD_COLUMNS}, articles.body, NULL::text AS body_source, {EXTRA_COLUMNS}, {NO_FORMER_SLUGS} AS former_slugs \
         FROM articles {VIEWS} WHERE articles.id = ANY({mark}) {order}"
    );
    Ok(FullPage { rows: conditions.statement(text).load(&mut conn).await?, is_cut })
}

/// The statement that chooses the ids of the rows of `slice`, and the values it binds.
fn choose_ids(listing: Listing, slice: &PageSlice) -> (Conditions, String) {
    let Listing { mut conditions, alternatives, categories, is_narrow } = listing;
    slice.add_cursor(&mut conditions);
    let categories = match categories {
        Some(one) if one.len() == 1 || is_narrow => {
            conditions.and_if("articles.category_id = ANY(?)", Some(Value::Ids(one)));
            None
        }
        several => several,
    };
    let categories = categories.map(|ids| conditions.bind(Value::Ids(ids)));
    let (met, order) = (conditions.sql(), slice.order_by());
    let limit = slice.limit_and_offset(&mut conditions);
    if let ([visible], None) = (&alternatives[..], &categories) {
        let text = format!("SELECT articles.id FROM articles WHERE {met} AND {visible} {order} {limit}");
        return (conditions, text);
    }
    let columns: Vec<_> = slice.order.iter().map(|column| column.name).collect();
    let columns = columns.join(", ");
    // Rounded up, so that pages share a few texts, which stay prepared.
    let most = (slice.limit + slice.offset).unsigned_abs().next_power_of_two();
    let parts = alternatives.iter().map(|visible| match &categories {
        None => format!("(SELECT {columns} FROM articles WHERE {met} AND {visible} {order} LIMIT {most})"),
        Some(mark) => format!(
            "(SELECT articles.* FROM unnest({mark}::uuid[]) AS category(id) CROSS JOIN LATERAL (
                 SELECT {columns} FROM articles
                 WHERE articles.category_id = category.id AND {met} AND {visible} {order} LIMIT {most}
             ) AS articles)"
        ),
    });
    let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
    (conditions, format!("SELECT articles.id FROM ({parts}) AS articles {order} {limit}"))
}
