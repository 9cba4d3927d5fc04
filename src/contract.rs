//! The OpenAPI document of this build, and the table of its operations.

use actix_web::App;
use actix_web::web::Bytes;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;

use crate::http::encoding::EncodedBody;
use crate::http::tagged_body::tag_bytes;
use crate::openapi::{Outline, complete_document};
use crate::operations::table::Table;
use crate::routes::{OPERATIONS, PAGES, routes};

/// What this build promises to clients.
pub struct Contract {
    /// The document as it is checked in, for people to read.
    pub json: String,
    /// The document as it is served: without spaces, in each coding.
    pub document: EncodedBody,
    /// The entity tag of the document that is not encoded.
    pub etag: String,
    /// Its operations, each with its entry.
    pub table: Table,
}

impl Contract {
    /// Collects the document from the handlers, and completes it from the entries.
    pub fn new() -> anyhow::Result<Self> {
        let app = App::new().into_utoipa_app().openapi(Outline::openapi()).configure(routes);
        let (_, document) = app.split_for_parts();
        let mut document = serde_json::to_value(&document)?;
        let entries: Vec<_> = OPERATIONS.iter().flat_map(|operations| operations.iter().copied()).collect();
        let table = Table::new(&document, &entries, PAGES)?;
        complete_document(&mut document, &table);
        let json = format!("{}\n", serde_json::to_string_pretty(&document)?);
        let compact = Bytes::from(serde_json::to_vec(&document)?);
        Ok(Self { etag: tag_bytes(&compact), json, document: EncodedBody::new(compact), table })
    }
}
