//! Reading lists: a statement put together from trusted text and bound values.
//!
//! diesel's own builder cannot say `LATERAL`, nor a keyset condition whose
//! columns are chosen by the request. Here the text comes from `&'static str`s
//! of the feature's `queries.rs` alone; whatever a client sent is bound.

use super::connection::Connection;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub enum Value {
    /// `text`
    Text(String),
    /// `text[]`
    Texts(Vec<String>),
    /// `uuid`
    Id(Uuid),
    /// `uuid[]`
    Ids(Vec<Uuid>),
    /// `timestamptz`
    Time(DateTime<Utc>),
    /// `bigint`
    Number(i64),
}

/// Conditions joined by AND, and the values they bind.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// A condition without a value.
    pub fn and(&mut self, sql: impl Into<String>) {
        self.sql.push(sql.into());
    }

    /// A condition in which `?` stands for `value`, if there is one.
    pub fn and_if(&mut self, sql: &str, value: Option<Value>) {
        if let Some(value) = value {
            let mark = self.bind(value);
            self.sql.push(sql.replace('?', &mark));
        }
    }

    /// Binds a value and returns its mark (`$1`, `$2`, …).
    pub fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// The conditions that `add` adds, as one expression that does not belong to these.
    pub fn apart(&mut self, add: impl FnOnce(&mut Self)) -> String {
        let kept = std::mem::take(&mut self.sql);
        add(self);
        let apart = self.sql();
        self.sql = kept;
        apart
    }

    /// The conditions as one expression.
    pub fn sql(&self) -> String {
        if self.sql.is_empty() { "true".to_owned() } else { self.sql.join(" AND ") }
    }

    /// The rows of `from` in `slice` that meet these conditions.
    pub fn page_query(
        mut self,
        columns: &str,
        from: &str,
        slice: &PageSlice,
    ) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        slice.add_cursor(&mut self);
        let (met, order) = (self.sql(), slice.order_by());
        let limit = slice.limit_and_offset(&mut self);
        self.statement(format!("SELECT {columns} FROM {from} WHERE {met} {order} {limit}"))
    }

    /// The statement `text` with the values of these conditions bound.
    pub fn statement(self, text: String) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        self.values.into_iter().fold(sql_query(text).into_boxed(), |query, value| match value {
            Value::Text(value) => query.bind::<Text, _>(value),
            Value::Texts(value) => query.bind::<Array<Text>, _>(value),
            Value::Id(value) => query.bind::<SqlUuid, _>(value),
            Value::Ids(value) => query.bind::<Array<SqlUuid>, _>(value),
            Value::Time(value) => query.bind::<Timestamptz, _>(value),
            Value::Number(value) => query.bind::<BigInt, _>(value),
        })
    }
}

/// One column of a list's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortColumn {
    /// The name clients use.
    pub name: &'static str,
    /// The SQL expression; never null.
    pub sql: &'static str,
    /// The SQL type a cursor's text is cast to.
    pub cast: &'static str,
    /// Newest or largest first.
    pub descending: bool,
}

/// Which rows of a list a page takes.
#[derive(Clone, Debug)]
pub struct PageSlice {
    /// The list's order; the last column is unique, so that no two rows tie.
    pub order: Vec<SortColumn>,
    /// The order columns of the row to go on from, as text.
    pub keys: Option<Vec<String>>,
    /// Towards the beginning of the list.
    pub backwards: bool,
    /// Rows wanted at most: one more than a page, to know whether there is a next one.
    pub limit: i64,
    /// Rows to skip (page numbers only).
    pub offset: i64,
}

impl PageSlice {
    /// The first `limit` rows in this order.
    pub const fn first(order: Vec<SortColumn>, limit: i64) -> Self {
        Self { order, keys: None, backwards: false, limit, offset: 0 }
    }

    /// Adds the condition for the rows beyond the row to go on from.
    pub fn add_cursor(&self, conditions: &mut Conditions) {
        if let Some(keys) = &self.keys {
            after_cursor(conditions, &self.order, keys, self.backwards);
        }
    }

    /// `LIMIT` and, if rows are to be skipped, `OFFSET`.
    ///
    /// The limit stands in the text: bound, it would be unknown to the planner, which then plans
    /// each time anew. There are as many texts as page sizes.
    pub fn limit_and_offset(&self, conditions: &mut Conditions) -> String {
        match self.offset {
            0 => format!("LIMIT {}", self.limit),
            offset => format!("LIMIT {} OFFSET {}", self.limit, conditions.bind(Value::Number(offset))),
        }
    }

    /// `ORDER BY`, reversed for a page before the cursor.
    pub fn order_by(&self) -> String {
        self.order_by_each(|column| column.sql)
    }

    /// As [`PageSlice::order_by`], over columns that have the names which clients use.
    pub fn order_by_names(&self) -> String {
        self.order_by_each(|column| column.name)
    }

    fn order_by_each(&self, expression: impl Fn(&SortColumn) -> &'static str) -> String {
        let columns = self.order.iter().map(|column| {
            let direction = if column.descending == self.backwards { "ASC" } else { "DESC" };
            format!("{} {direction}", expression(column))
        });
        format!("ORDER BY {}", columns.collect::<Vec<_>>().join(", "))
    }
}

/// Bytes of bodies on a page at most; its first row is always there.
pub const MAX_PAGE_BYTES: i64 = 4 << 20;

/// A row of which only the id is asked for.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct IdRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
}

/// A row, and how long its body is.
#[derive(Debug, QueryableByName)]
pub struct SizedRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The bytes of its body.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

/// The first of `rows` whose bodies are few enough bytes, and whether others are left out.
pub fn fit_rows(rows: &[SizedRow]) -> (Vec<Uuid>, bool) {
    let mut bytes = 0;
    let fits = |row: &&SizedRow| {
        let is_first = bytes == 0;
        bytes += row.bytes;
        is_first || bytes <= MAX_PAGE_BYTES
    };
    let ids: Vec<Uuid> = rows.iter().take_while(fits).map(|row| row.id).collect();
    let is_cut = ids.len() < rows.len();
    (ids, is_cut)
}

/// A condition on `table`, whose rows have bodies: the first of its rows that `wanted` names (WHERE, and what follows) that begin
/// within [`MAX_PAGE_BYTES`] of bodies, by `order`. There is always one. The length of a body is known without reading it.
pub fn begins_within_bytes(table: &str, wanted: &str, order: &str) -> String {
    format!(
        "{table}.id IN (
             SELECT id FROM (
                 SELECT id, sum(bytes) OVER (ORDER BY {order}) - bytes AS bytes_before
                 FROM (SELECT id, octet_length(body) AS bytes FROM {table} {wanted}) AS sized
             ) AS placed WHERE bytes_before < {MAX_PAGE_BYTES})"
    )
}

/// The rows of `table` that meet `condition`, as a table of this name. They are found by it before any other condition is looked
/// at: another index may seem better to the planner, above all while it knows nothing of the rows, as during an import. It would
/// then read that as a whole.
pub fn choose_rows(table: &str, condition: &str) -> String {
    format!("(SELECT * FROM {table} WHERE {condition} OFFSET 0) AS {table}")
}

/// Rows that [`delete_batch`] deletes at most.
const MAX_DELETED_ROWS: usize = 10_000;

/// Deletes rows of `table` that meet `conditions`, the first by the column `order`, a bounded number; returns whether there may be
/// more.
pub async fn delete_batch(
    mut conn: &Connection,
    table: &str,
    conditions: Conditions,
    order: &str,
) -> QueryResult<bool> {
    let text = format!(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM {table} WHERE {} ORDER BY {order} LIMIT {MAX_DELETED_ROWS}))",
        conditions.sql()
    );
    Ok(conditions.statement(text).execute(&mut conn).await? == MAX_DELETED_ROWS)
}

/// How many rows of `from` meet `conditions`; counts to `most` only, if that is given.
pub async fn count(
    mut conn: &Connection,
    from: &str,
    conditions: Conditions,
    most: Option<i64>,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let met = conditions.sql();
    let text = match most {
        None => format!("SELECT count(*) FROM {from} WHERE {met}"),
        Some(most) => {
            format!("SELECT count(*) FROM (SELECT FROM {from} WHERE {met} LIMIT {most}) AS counted")
        }
    };
    let row: Count = conditions.statement(text).get_result(&mut conn).await?;
    Ok(row.count)
}

/// The condition for rows beyond `keys`, the order columns of the last row seen.
///
/// Columns that all run one way compare as a row, which an index answers
/// directly. Otherwise the first column bounds the scan and the rest is spelled out.
fn after_cursor(into: &mut Conditions, order: &[SortColumn], keys: &[String], backwards: bool) {
    let marks: Vec<String> = order
        .iter()
        .zip(keys)
        .map(|(column, key)| {
            let mark = into.bind(Value::Text(key.clone()));
            format!("{mark}::{}", column.cast)
        })
        .collect();
    let down = |column: &SortColumn| column.descending != backwards;
    let sign = |column: &SortColumn| if down(column) { "<" } else { ">" };
    let Some(first) = order.first() else { return };
    if order.iter().all(|column| down(column) == down(first)) {
        let columns: Vec<_> = order.iter().map(|column| column.sql).collect();
        let (columns, marks) = (columns.join(", "), marks.join(", "));
        into.and(format!("({columns}) {} ({marks})", sign(first)));
        return;
    }
    let alternatives: Vec<String> = order
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let mut parts: Vec<String> = order[..at]
                .iter()
                .zip(&marks)
                .map(|(earlier, mark)| format!("{} = {mark}", earlier.sql))
                .collect();
            parts.push(format!("{} {} {}", column.sql, sign(column), marks[at]));
            format!("({})", parts.join(" AND "))
        })
        .collect();
    into.and(format!("{} {}= {}", first.sql, sign(first), marks[0]));
    into.and(format!("({})", alternatives.join(" OR ")));
}
