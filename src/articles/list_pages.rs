//! Pages of lists of articles, without a search.

use std::collections::HashMap;

use uuid::Uuid;

use super::listing::{ArticleFilter, ArticleShape, cursor_keys};
use super::model::Row;
use super::queries::listing::Listing;
use super::queries::popular::{self, Window};
use super::queries::{found, lists};
use super::view::ArticleField;
use crate::app::App;
use crate::db::connection::Connection;
use crate::db::rows::PageSlice;
use crate::db::visibility::Articles;
use crate::error::Result;
use crate::http::paging::{List, Paging};
use crate::members::guard::Reader;

/// A request for a list.
pub struct ListReader<'r> {
    /// The process.
    pub app: &'r App,
    /// Who asks.
    pub reader: &'r Reader,
    /// Which page.
    pub paging: &'r Paging,
    /// The same as rows.
    pub slice: &'r PageSlice,
    /// Which articles.
    pub filter: &'r ArticleFilter,
    /// In which order, and how much of each.
    pub shape: &'r ArticleShape,
    /// What may be seen.
    pub visible: Articles,
}

impl ListReader<'_> {
    /// The page of `listing`.
    pub async fn load_page(&self, listing: Listing) -> Result<List<Row>> {
        if let Some(ids) = &self.shape.ids {
            return self.load_chosen(listing, ids).await;
        }
        if let Some(popular) = self.shape.popular {
            return self.load_popular(&listing, popular.window()).await;
        }
        let is_short = self.slice.offset == 0
            && !self.has_bodies()
            && self.filter.is_short(&listing, self.shape, self.visible);
        if is_short && !self.paging.counts() {
            let rows = lists::load_cards(&*self.app.reader().await?, listing, self.slice).await?;
            return Ok(self.paging.page(self.slice, rows, None, |row| cursor_keys(&self.slice.order, row)));
        }
        self.read_long(async |conn| self.load_long_page(conn, listing).await).await
    }

    /// Reads what may take long. Few visitors do so at a time.
    async fn read_long<T>(&self, read: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        match self.reader.staff() {
            Some(_) => read(&*self.app.long_reader().await?).await,
            None => read(&*self.app.costly_reader().await?).await,
        }
    }

    fn has_bodies(&self) -> bool {
        self.shape.fields.as_ref().is_some_and(|fields| fields.contains(&ArticleField::Body))
    }

    /// A page that is not read in a moment: deep, counted, with bodies, or without an index for all of it.
    async fn load_long_page(&self, conn: &Connection, listing: Listing) -> Result<List<Row>> {
        let (paging, slice) = (self.paging, self.slice);
        let total = paging.total(|most| lists::count(conn, listing.clone(), most)).await?;
        let keys = |row: &Row| cursor_keys(&slice.order, row);
        if !self.has_bodies() {
            return Ok(paging.page(slice, lists::load_cards(conn, listing, slice).await?, total, keys));
        }
        let page = lists::load_full(conn, listing, slice).await?;
        if page.is_cut {
            paging.cut_page(slice, page.rows, total, keys)
        } else {
            Ok(paging.page(slice, page.rows, total, keys))
        }
    }

    /// The articles with `ids`, in this order.
    async fn load_chosen(&self, listing: Listing, ids: &[Uuid]) -> Result<List<Row>> {
        let conn = self.app.reader().await?;
        let rows = found::load_cards(&conn, listing.to_conditions(), ids.to_vec(), None).await?;
        Ok(List::unpaged(in_order_of(ids, rows)))
    }

    /// A page of what is popular.
    async fn load_popular(&self, listing: &Listing, window: Window) -> Result<List<Row>> {
        let (paging, slice) = (self.paging, self.slice);
        self.read_long(async |conn| {
            let total = paging.total(|most| popular::count(conn, listing, window, most)).await?;
            let chosen = popular::choose(conn, listing, window, slice).await?;
            let ids: Vec<Uuid> = chosen.iter().map(|one| one.id).collect();
            let page =
                paging.page(slice, chosen, total, |one| vec![one.score.to_string(), one.id.to_string()]);
            let rows = found::load_cards(conn, listing.to_conditions(), ids, None).await?;
            let mut rows: HashMap<Uuid, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
            Ok(page.filter_map(|one| rows.remove(&one.id)))
        })
        .await
    }
}

/// The rows in the order of `ids`.
pub fn in_order_of(ids: &[Uuid], rows: Vec<Row>) -> Vec<Row> {
    let mut rows: HashMap<Uuid, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
    ids.iter().filter_map(|id| rows.remove(id)).collect()
}
