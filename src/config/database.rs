//! The database and the data directory.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::archive::parse_archive;
use super::values::{parse_bound, parse_database_url, parse_folder, parse_pg_bin, parse_pool_size};

/// The database and the data directory.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// The PostgreSQL server to use. Without it, a private server is started in the data directory.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_parser = parse_database_url, value_name = "URL")]
    pub database_url: Option<String>,
    /// The directory of the private PostgreSQL server and of mail written as files.
    #[arg(
        long,
        global = true,
        env = "INKSTONE_DATA_DIR",
        default_value = "./inkstone-data",
        value_parser = parse_folder,
        value_name = "DIR"
    )]
    pub data_dir: PathBuf,
    /// The directory of the PostgreSQL programs, if they are not found automatically.
    #[arg(long, global = true, env = "INKSTONE_PG_BIN", value_parser = parse_pg_bin, value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
    /// Fetch a private copy of the PostgreSQL programs into the data directory if none are found. --demo does so too.
    #[arg(long, global = true, env = "INKSTONE_GET_POSTGRES", value_parser = BoolishValueParser::new())]
    pub get_postgres: bool,
    /// The archive of PostgreSQL programs to use, a .tar.gz, .zip or .whl, whatever the machine has. The fragment
    /// #sha256=DIGEST says what it must be.
    #[arg(long, global = true, env = "INKSTONE_POSTGRES_ARCHIVE", value_parser = parse_archive, value_name = "URL|FILE", conflicts_with = "pg_bin")]
    pub postgres_archive: Option<String>,
    /// Transactions that run at a time. Long reads use up to a third as many connections more; each worker has
    /// one for short reads, and the followers of the change log and of the search index one each.
    #[arg(long, global = true, env = "INKSTONE_POOL_SIZE", default_value_t = 12, value_parser = parse_pool_size, value_name = "N")]
    pub pool_size: usize,
    /// Categories that the site may have. Every process keeps all of them in memory.
    #[arg(long, global = true, env = "INKSTONE_MAX_CATEGORIES", default_value_t = 2000, value_parser = parse_bound, value_name = "N")]
    pub max_categories: usize,
}
