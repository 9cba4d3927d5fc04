//! `inkstone export`: exports articles from the database or from a running server.

use std::io::{self, Write};
use std::path::Path;

use actix_web::web;
use anyhow::{Context, anyhow};
use futures_util::{Stream, StreamExt};
use url::form_urlencoded;

use super::remote::{Server, send_request};
use super::to_anyhow;
use crate::app::App;
use crate::config::bulk::Export;
use crate::db::visibility::Articles;
use crate::http::query;
use crate::interchange::export::{ExportFormat, start_export};

/// Exports through a running server.
pub async fn remotely(server: &Server, export: &Export) -> anyhow::Result<()> {
    let mut query = export.filters();
    query.push(("format", export.format.clone()));
    let response = send_request(server.get("articles/export", &query)?).await?;
    let chunks = response.bytes_stream().map(|chunk| chunk.map_err(io::Error::other));
    write_chunks(chunks, export.output.as_deref()).await
}

/// Exports from the database.
pub async fn directly(app: &web::Data<App>, export: &Export) -> anyhow::Result<()> {
    let filters = form_urlencoded::Serializer::new(String::new()).extend_pairs(export.filters()).finish();
    let filter = query::read(&filters).map_err(to_anyhow)?;
    let format = if export.format == "csv" { ExportFormat::Csv } else { ExportFormat::Ndjson };
    let chunks = start_export(app.clone(), Articles::All, filter, format, None).await.map_err(to_anyhow)?;
    write_chunks(chunks, export.output.as_deref()).await
}

/// Writes the chunks to `output`. The file is replaced only when all chunks have arrived.
async fn write_chunks(
    chunks: impl Stream<Item = io::Result<web::Bytes>>,
    output: Option<&Path>,
) -> anyhow::Result<()> {
    let mut chunks = std::pin::pin!(chunks);
    let Some(path) = output else {
        let mut out = io::stdout().lock();
        while let Some(chunk) = chunks.next().await {
            out.write_all(&chunk.context("the export ended early")?)?;
        }
        return Ok(out.flush()?);
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("writing {}", path.display()))?;
    while let Some(chunk) = chunks.next().await {
        file.write_all(&chunk.context("the export ended early")?)?;
    }
    file.persist(path).map_err(|cause| anyhow!("writing {}: {cause}", path.display()))?;
    Ok(())
}
