//! Values on their way between diesel and tokio-postgres, as the bytes of PostgreSQL's binary format.

use std::cell::Cell;
use std::error::Error;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bytes::BytesMut;
use diesel::pg::{Pg, PgValue, TypeOidLookup};
use diesel::row::{Field, PartialRow, Row, RowIndex, RowSealed};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

/// A row of an answer.
pub struct PgRow {
    row: tokio_postgres::Row,
    /// The types of its columns, shared by all rows of an answer.
    oids: Arc<[Oid]>,
    /// Where the next name is looked for first: most names are asked for in the order of the columns.
    next: Cell<usize>,
}

/// The type of a column; 0, which no type has, is never looked up.
#[derive(Clone, Copy)]
pub struct Oid(u32);

impl TypeOidLookup for Oid {
    fn lookup(&self) -> NonZeroU32 {
        NonZeroU32::new(self.0).unwrap_or(NonZeroU32::MIN)
    }
}

impl PgRow {
    /// Wraps `row`. `oids` are those of the answer, taken from its first row.
    pub fn new(row: tokio_postgres::Row, oids: &mut Option<Arc<[Oid]>>) -> Self {
        let columns = || row.columns().iter().map(|column| Oid(column.type_().oid())).collect();
        let oids = oids.get_or_insert_with(columns).clone();
        Self { row, oids, next: Cell::new(0) }
    }
}

impl RowSealed for PgRow {}

impl<'a> Row<'a, Pg> for PgRow {
    type InnerPartialRow = Self;
    type Field<'b>
        = PgField<'b>
    where
        Self: 'b,
        'a: 'b;

    fn field_count(&self) -> usize {
        self.row.len()
    }

    fn get<'b, I>(&'b self, idx: I) -> Option<Self::Field<'b>>
    where
        'a: 'b,
        Self: RowIndex<I>,
    {
        self.idx(idx).map(|at| PgField { row: self, at })
    }

    fn partial_row(&self, range: Range<usize>) -> PartialRow<'_, Self> {
        PartialRow::new(self, range)
    }
}

impl RowIndex<usize> for PgRow {
    fn idx(&self, at: usize) -> Option<usize> {
        (at < self.row.len()).then_some(at)
    }
}

impl<'n> RowIndex<&'n str> for PgRow {
    fn idx(&self, name: &'n str) -> Option<usize> {
        let columns = self.row.columns();
        let next = self.next.get();
        let at = match columns.get(next).filter(|column| column.name() == name) {
            Some(_) => next,
            None => columns.iter().position(|column| column.name() == name)?,
        };
        self.next.set(at + 1);
        Some(at)
    }
}

/// A value of a row.
pub struct PgField<'r> {
    row: &'r PgRow,
    at: usize,
}

impl Field<'_, Pg> for PgField<'_> {
    fn field_name(&self) -> Option<&str> {
        self.row.row.columns().get(self.at).map(tokio_postgres::Column::name)
    }

    fn value(&self) -> Option<PgValue<'_>> {
        let RawBytes(bytes) = self.row.row.try_get(self.at).ok()?;
        Some(PgValue::new(bytes?, self.row.oids.get(self.at)?))
    }
}

/// The bytes of a value, whatever its type.
struct RawBytes<'r>(Option<&'r [u8]>);

impl<'r> FromSql<'r> for RawBytes<'r> {
    fn from_sql(_: &Type, bytes: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(bytes)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A value bound to a statement, already in the binary format; `None` is NULL.
#[derive(Debug)]
pub struct Bind(pub Option<Vec<u8>>);

impl ToSql for Bind {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(bytes) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
