//! The database of a command or a server, opened and migrated.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::config::{Access, Database};
use crate::db;
use crate::db::embedded::programs::Missing;
use crate::db::embedded::{Embedded, Options};
use crate::keys::Keys;

/// How long a retired key verifies beyond the life of a token: nodes notice a change within seconds.
const RETIRED_FOR: Duration = Duration::from_secs(120);

/// The database, migrated, and the runtime that drives its connections.
pub struct SiteDatabase {
    /// Its address.
    pub url: String,
    /// The runtime that drives its connections.
    pub runtime: Runtime,
    /// Dropped last: a private PostgreSQL stops when nothing uses it any more.
    _embedded: Option<Embedded>,
}

impl SiteDatabase {
    /// The database that a running server uses, or else as [`SiteDatabase::open`].
    pub fn open_running(config: &Database) -> anyhow::Result<Self> {
        let running = match config.database_url {
            Some(_) => None,
            None => Embedded::find_running(&config.data_dir),
        };
        let config = Database { database_url: running.or(config.database_url.clone()), ..config.clone() };
        Self::open(&config)
    }

    /// The database that the settings name, or the private one, migrated.
    pub fn open(config: &Database) -> anyhow::Result<Self> {
        let embedded = match config.database_url {
            Some(_) => None,
            None => Some(Embedded::start(&Options {
                data_dir: &config.data_dir,
                pg_bin: config.pg_bin.as_deref(),
                missing: choose_missing(config),
                durable: true,
            })?),
        };
        let url = match &embedded {
            Some(embedded) => embedded.url(),
            None => config.database_url.clone().unwrap_or_default(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        let to = url.clone();
        let ran = runtime.block_on(runtime.spawn(async move { db::migrate(&to).await }))?;
        let ran = ran.with_context(|| match config.database_url {
            Some(_) => format!("DATABASE_URL (--database-url), {}", db::describe_servers(&url)),
            None => "the private PostgreSQL".to_owned(),
        })?;
        if ran > 0 {
            tracing::info!(migrations = ran, "Migrated the database: {ran} migrations");
        }
        Ok(Self { url, runtime, _embedded: embedded })
    }

    /// Keeps the search index of `app` up to date.
    pub fn follow_index(&self, app: Arc<App>) {
        let root = app.config.index_root();
        self.runtime.spawn(crate::search::follower::follow(app, self.url.clone(), root));
    }

    /// The keys of the site; those that retired verify for as long as their tokens live.
    pub fn keys(&self, access: &Access) -> anyhow::Result<Keys> {
        let (url, files) = (self.url.clone(), access.signing_key_file.clone());
        let kept = access.access_token_ttl + RETIRED_FOR;
        let opening = self.runtime.spawn(async move {
            let mut conn = db::pool::open(url).await?;
            Keys::open(&mut conn, &files, kept).await
        });
        self.runtime.block_on(opening)?
    }
}

/// What happens if the machine has no PostgreSQL.
fn choose_missing(config: &Database) -> Missing<'_> {
    match &config.postgres_archive {
        Some(address) => Missing::UseArchive(address),
        None if config.get_postgres => Missing::Fetch,
        None => Missing::Ask,
    }
}
