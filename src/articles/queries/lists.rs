//! SQL of lists of articles.
//!
//! The ids of a page are chosen first, as [`branches`](super::branches) tells, and then the rows of the page are read
//! whole.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::branches::Branches;
use super::counting::count_statement;
use super::listing::Listing;
use super::slugs::NO_FORMER_SLUGS;
use super::{VIEWS, full_columns, list_columns};
use crate::articles::model::Row;
use crate::db::connection::Connection;
use crate::db::rows::{Conditions, PageSlice, SizedRow, Value, fit_rows};

/// The articles of one page of a list, without their bodies.
pub async fn load_cards(mut conn: &Connection, listing: Listing, slice: &PageSlice) -> QueryResult<Vec<Row>> {
    let (conditions, text) = card_statement(listing, slice);
    conditions.statement(text).load(&mut conn).await
}

/// The statement of [`load_cards`], and the values it binds.
pub fn card_statement(listing: Listing, slice: &PageSlice) -> (Conditions, String) {
    let columns = list_columns();
    let branches = Branches::new(listing, slice);
    if let Some(text) = branches.select_in_index_order(&format!("SELECT {columns} FROM articles {VIEWS}")) {
        return (branches.values, text);
    }
    let (conditions, choose) = branches.choose_ids();
    // Rows chosen by their ids come in any order.
    let order = slice.order_by();
    let text = format!(
        "SELECT {columns} FROM ({choose}) AS chosen JOIN articles ON articles.id = chosen.id {VIEWS} {order}"
    );
    (conditions, text)
}

/// How many articles a list shows; counts to `most` only, if that is given.
pub async fn count(mut conn: &Connection, listing: Listing, most: Option<i64>) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let (conditions, text) = count_statement(listing, most);
    let row: Count = conditions.statement(text).get_result(&mut conn).await?;
    Ok(row.count)
}

/// A page of articles with their bodies.
#[derive(Debug)]
pub struct FullPage {
    /// The rows, one more than a page at most.
    pub rows: Vec<Row>,
    /// Whether there is another row, whose body would exceed [`MAX_PAGE_BYTES`](crate::db::rows::MAX_PAGE_BYTES).
    pub is_cut: bool,
}

/// The articles of one page of a list, with their bodies, as far as these are few enough bytes.
pub async fn load_full(mut conn: &Connection, listing: Listing, slice: &PageSlice) -> QueryResult<FullPage> {
    let order = slice.order_by();
    let (conditions, choose) = Branches::new(listing, slice).choose_ids();
    // The length of a body is known without reading it.
    let text = format!(
        "SELECT articles.id, octet_length(articles.body)::bigint AS bytes \
         FROM ({choose}) AS chosen JOIN articles ON articles.id = chosen.id {VIEWS} {order}"
    );
    let chosen: Vec<SizedRow> = conditions.statement(text).load(&mut conn).await?;
    let (ids, is_cut) = fit_rows(&chosen);
    let mut conditions = Conditions::default();
    let mark = conditions.bind(Value::Ids(ids));
    let text = format!(
        "SELECT {} FROM articles {VIEWS} WHERE articles.id = ANY({mark}) {order}",
        full_columns("NULL::text", NO_FORMER_SLUGS)
    );
    Ok(FullPage { rows: conditions.statement(text).load(&mut conn).await?, is_cut })
}
