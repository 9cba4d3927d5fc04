//! `inkstone doctor`: which PostgreSQL a start would use.

use std::fmt::Write;

use anyhow::bail;

use crate::config::Database;
use crate::db::describe_servers;
use crate::db::embedded::Embedded;
use crate::db::embedded::diagnosis::diagnose;
use crate::db::pool::open_client;

/// `inkstone doctor`. Returns the text to print. Fails if a start would find no PostgreSQL.
pub async fn doctor(config: &Database) -> anyhow::Result<String> {
    let mut text = String::new();
    if let Some(url) = &config.database_url {
        let servers = describe_servers(url);
        let version = match open_client(url).await {
            Ok(client) => client.query_one("SHOW server_version", &[]).await?.try_get::<_, String>(0)?,
            Err(cause) => bail!("DATABASE_URL (--database-url), {servers}: {cause:#}"),
        };
        writeln!(text, "Database: DATABASE_URL, {servers}")?;
        writeln!(text, "Used:     PostgreSQL {version} there")?;
        return Ok(text);
    }
    let found = diagnose(&config.data_dir, config.pg_bin.as_deref());
    let state = match &found.major {
        Some(major) => format!("made by PostgreSQL {major}"),
        None => "not made yet".to_owned(),
    };
    writeln!(text, "Database: private, in {} ({state})", found.cluster.display())?;
    if Embedded::find_running(&config.data_dir).is_some() {
        writeln!(text, "          an Inkstone is running on it")?;
    }
    match (&config.postgres_archive, &found.used) {
        (Some(archive), _) => writeln!(text, "Used:     the archive {archive}")?,
        (None, Ok(used)) => writeln!(text, "Used:     {used}")?,
        (None, Err(_)) => writeln!(text, "Used:     none")?,
    }
    for other in &found.others {
        writeln!(text, "Also:     {other}")?;
    }
    for way in &found.ways {
        writeln!(text, "Can get:  {way}")?;
    }
    match found.used {
        Err(cause) if config.postgres_archive.is_none() => bail!("{}\n{cause}", text.trim_end()),
        _ => Ok(text),
    }
}
