//! Floors for single statements: pgbench runs the SQL that the server runs, on the same database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use inkstone::db::embedded::programs::Missing;
use inkstone::db::embedded::{Embedded, Options};

/// How often a request is repeated until its statements are in the log.
const LOG_ATTEMPTS: usize = 100;

/// A database whose server's log can be read.
pub struct Database {
    pub url: String,
    pub log: PathBuf,
    /// Where scripts are written.
    pub folder: PathBuf,
}

/// A statement with its parameters as text; `None` is NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sql: String,
    pub parameters: Vec<Option<String>>,
}

impl Database {
    /// Starts a private PostgreSQL in `folder`.
    pub fn start(folder: &Path) -> anyhow::Result<(Embedded, Self)> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        let data_dir = folder.join("data");
        let embedded = Embedded::start(&Options {
            data_dir: &data_dir,
            pg_bin: None,
            missing: Missing::Refuse,
            durable: true,
        })?;
        let log = data_dir.join("postgres.log");
        let database = Self { url: embedded.url(), log, folder: folder.to_owned() };
        Ok((embedded, database))
    }

    /// The output of psql for `commands`.
    pub fn psql(&self, commands: &[&str]) -> anyhow::Result<String> {
        let mut psql = Command::new("psql");
        psql.args([self.url.as_str(), "-qAtX", "-v", "ON_ERROR_STOP=1"]);
        for command in commands {
            psql.args(["-c", command]);
        }
        let done = psql.output().context("running psql")?;
        ensure!(done.status.success(), "{commands:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(String::from_utf8(done.stdout)?)
    }

    /// The longest query of articles that the server runs for `request`, as PostgreSQL logs it.
    pub async fn article_query(
        &self,
        mut request: impl AsyncFnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Statement> {
        self.psql(&["ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"])?;
        let mut found = None;
        // A connection takes up the setting at its next statement.
        for _ in 0..LOG_ATTEMPTS {
            let before = fs::read(&self.log)?.len();
            request().await?;
            let log = String::from_utf8(fs::read(&self.log)?.split_off(before))?;
            let queries = statements(&log).into_iter().filter(|one| one.sql.contains(" articles"));
            found = queries.max_by_key(|one| one.sql.len());
            if found.is_some() {
                break;
            }
        }
        self.psql(&["ALTER SYSTEM RESET log_statement", "SELECT pg_reload_conf()"])?;
        let query: Statement = found.context("no query of articles in the log")?;
        ensure!(!self.rows(&query)?.is_empty(), "finds nothing: {query:?}");
        Ok(query)
    }

    /// What `query` finds.
    fn rows(&self, query: &Statement) -> anyhow::Result<String> {
        let quoted = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
        };
        let values: Vec<String> = query.parameters.iter().map(quoted).collect();
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        self.psql(&[&format!("PREPARE query AS {}", query.sql), &format!("EXECUTE query {values}")])
    }

    /// Transactions a second of pgbench with `statement` over so many connections.
    ///
    /// Where `random` is given, a parameter of that value is a random number up to `rows` instead.
    pub fn query_rate(
        &self,
        connections: usize,
        statement: &Statement,
        random: Option<(&str, usize)>,
        seconds: u64,
    ) -> anyhow::Result<f64> {
        let (mut lines, mut defined) = (String::new(), Vec::new());
        for (at, parameter) in statement.parameters.iter().enumerate() {
            let value = parameter.as_deref().context("pgbench cannot bind NULL")?;
            match random {
                Some((chosen, rows)) if chosen == value => {
                    lines.push_str(&format!("\\set p{} random(1, {rows})\n", at + 1));
                }
                _ => defined.push(format!("p{}={value}", at + 1)),
            }
        }
        ensure!(random.is_some() != lines.is_empty(), "{random:?} is no parameter: {statement:?}");
        let sql = statement.sql.replace('\n', " ").replace('$', ":p");
        self.pgbench(connections, &format!("{lines}{sql};\n"), &defined, seconds)
    }

    /// Transactions a second of pgbench that adds the article `slug` again and again, under new names.
    pub fn insert_rate(&self, connections: usize, slug: &str, seconds: u64) -> anyhow::Result<f64> {
        let row = format!(
            "COPY (SELECT * FROM articles WHERE slug = '{slug}') TO STDOUT (FORMAT csv, HEADER, NULL '\\N')"
        );
        let row = self.psql(&[&row])?;
        let mut reader = csv::Reader::from_reader(row.as_bytes());
        let columns = reader.headers()?.clone();
        let values = reader.records().next().context("no such article")??;
        let mut defined = Vec::new();
        let marks =
            columns.iter().zip(&values).enumerate().map(|(at, (column, value))| match (column, value) {
                ("id", _) => "gen_random_uuid()".to_owned(),
                ("slug" | "external_id", _) => "cast(gen_random_uuid() AS text)".to_owned(),
                (_, "\\N") => "NULL".to_owned(),
                _ => {
                    defined.push(format!("p{at}={value}"));
                    format!(":p{at}")
                }
            });
        let marks: Vec<String> = marks.collect();
        let columns: Vec<&str> = columns.iter().collect();
        let script =
            format!("INSERT INTO articles ({}) VALUES ({});\n", columns.join(", "), marks.join(", "));
        self.pgbench(connections, &script, &defined, seconds)
    }

    fn pgbench(
        &self,
        connections: usize,
        script: &str,
        defined: &[String],
        seconds: u64,
    ) -> anyhow::Result<f64> {
        let file = self.folder.join("floor.sql");
        fs::write(&file, script)?;
        let mut pgbench = Command::new("pgbench");
        pgbench.args(["-n", "-M", "prepared", "-T", &seconds.to_string()]);
        pgbench.args(["-c", &connections.to_string()]).arg("-f").arg(&file);
        for value in defined {
            pgbench.args(["-D", value]);
        }
        let done = pgbench.arg(&self.url).output().context("running pgbench")?;
        let told = String::from_utf8_lossy(&done.stdout);
        let line = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        if !done.status.success() || !line("number of failed transactions: ").starts_with("0 ") {
            bail!("pgbench: {told}{}\n{script}", String::from_utf8_lossy(&done.stderr));
        }
        line("tps = ").split(' ').next().unwrap_or_default().parse().context("the rate of pgbench")
    }
}

/// The prepared statements in a part of PostgreSQL's log.
fn statements(log: &str) -> Vec<Statement> {
    // The further lines of an entry begin with a tab.
    let joined = log.replace("\n\t", "\u{1}");
    let mut found: Vec<Statement> = Vec::new();
    for line in joined.lines() {
        if let Some((_, executed)) = line.split_once("LOG:  execute ")
            && let Some((_, sql)) = executed.split_once(": ")
        {
            found.push(Statement { sql: sql.replace('\u{1}', "\n"), parameters: Vec::new() });
        } else if let Some((_, values)) = line.split_once("DETAIL:  parameters: $1 = ")
            && let Some(last) = found.last_mut()
        {
            let values = values.split(", $").enumerate().map(|(at, value)| match at {
                0 => value,
                _ => value.split_once(" = ").map_or(value, |(_, value)| value),
            });
            let quoted = |value: &str| Some(value.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"));
            last.parameters = values.map(quoted).collect();
        }
    }
    found
}
