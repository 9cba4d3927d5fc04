//! All configuration of `serve`.

use std::path::PathBuf;

use clap::Args;

use super::access::Access;
use super::bodies::Bodies;
use super::bootstrap::Bootstrap;
use super::database::Database;
use super::http::Http;
use super::mail::Mail;
use super::media::Media;
use super::transfers::Transfers;
use super::webhooks::Webhooks;

/// The configuration of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// The HTTP server.
    #[command(flatten)]
    pub http: Http,
    /// The database and the data directory.
    #[command(flatten)]
    pub database: Database,
    /// Tokens, passwords and profiles.
    #[command(flatten)]
    pub access: Access,
    /// Outgoing mail.
    #[command(flatten)]
    pub mail: Mail,
    /// What bodies may hold.
    #[command(flatten)]
    pub bodies: Bodies,
    /// Pictures and files.
    #[command(flatten)]
    pub media: Media,
    /// Servers that are told what has changed.
    #[command(flatten)]
    pub webhooks: Webhooks,
    /// Imports and exports through the API.
    #[command(flatten)]
    pub transfers: Transfers,
    /// The contents that the first start adds.
    #[command(flatten)]
    pub bootstrap: Bootstrap,
}

impl Config {
    /// The addresses below which readers find media, as far as settings say.
    pub fn media_bases(&self) -> Vec<String> {
        self.media.base_url.iter().chain(&self.http.base_url).cloned().collect()
    }

    /// The folder below which the search index is.
    pub fn index_root(&self) -> PathBuf {
        self.http.index_dir.clone().unwrap_or_else(|| self.database.data_dir.join("search"))
    }
}
