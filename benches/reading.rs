//! Single requests against their floor: pgbench with the SQL that the server runs, in the same run.
//!
//! Reads are uncached: each one reaches PostgreSQL.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "support/connection.rs"]
mod connection;
#[path = "support/drive.rs"]
mod drive;
#[path = "support/floor.rs"]
mod floor;
#[path = "support/rows.rs"]
mod rows;
mod support;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use anyhow::{Context, ensure};
use connection::Connection;
use drive::{SPAN, rate};
use floor::{Database, Statement};
use inkstone::db::embedded::programs::Missing;
use inkstone::db::embedded::{Embedded, Options};
use reqwest::Client;
use serde_json::{Value, json};
use support::{ADMIN, PASSWORD, Server, block_on, login};

/// Articles to read from. Their slugs are their numbers.
const ARTICLES: usize = 10_000;
const CONNECTIONS: [usize; 3] = [1, 8, 32];

/// What the measurements need.
struct Site {
    database: Database,
    address: SocketAddr,
    /// An API key that may write articles.
    key: String,
    /// A category with others below it.
    category: String,
}

impl Site {
    /// Imports the articles, and makes the key.
    async fn fill(server: &Server, database: Database) -> anyhow::Result<Self> {
        let client = Client::new();
        let session = server.post(&client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
        let session: Value = session.error_for_status()?.json().await?;
        let token = session["data"]["access_token"].as_str().context("a token")?;
        let rows: String = (1..=ARTICLES).map(|at| format!("{}\n", article(at))).collect();
        let import = format!("{}/api/v1/articles/import?create_categories=true", server.url);
        let import = client.post(import).bearer_auth(token).header("content-type", "application/x-ndjson");
        let summary: Value = import.body(rows).send().await?.error_for_status()?.json().await?;
        ensure!(summary["data"]["created"] == ARTICLES, "{summary:#}");
        let wanted = json!({"name": "bench", "scopes": ["articles:write"]});
        let made = server.post(&client, "/api-keys", &wanted).bearer_auth(token).send().await?;
        let made: Value = made.error_for_status()?.json().await?;
        let card: Value =
            client.get(format!("{}/api/v1/articles/1", server.url)).send().await?.json().await?;
        database.psql(&["VACUUM (ANALYZE)", "CHECKPOINT"])?;
        Ok(Self {
            database,
            address: server.url.trim_start_matches("http://").parse()?,
            key: made["data"]["key"].as_str().context("a key")?.to_owned(),
            category: card["data"]["category"]["path"][0]["slug"].as_str().context("a category")?.to_owned(),
        })
    }

    /// The query of articles that the server runs for a GET of `path`.
    async fn query(&self, path: &str) -> anyhow::Result<Statement> {
        let mut connection = Connection::open(self.address).await?;
        let request = get(path);
        self.database
            .article_query(async || {
                let status = connection.send(request.as_bytes()).await?;
                ensure!(status == 200, "{path} answers {status}");
                Ok(())
            })
            .await
    }

    async fn measure_reads(&self) -> anyhow::Result<()> {
        let query = self.query("/articles/1").await?;
        for connections in CONNECTIONS {
            let served = rate(self.address, connections, 200, |random, request| {
                let slug = random as usize % ARTICLES + 1;
                request.extend_from_slice(get(&format!("/articles/{slug}")).as_bytes());
            });
            let floor = || self.database.query_rate(connections, &query, Some(("1", ARTICLES)));
            report("one article", connections, served.await?, floor()?);
        }
        let lists = [
            ("list", "/articles".to_owned()),
            ("list of a category", format!("/articles?category={}", self.category)),
        ];
        for (name, path) in lists {
            let (query, request) = (self.query(&path).await?, get(&path));
            for connections in CONNECTIONS {
                let served = rate(self.address, connections, 200, |_, bytes| {
                    bytes.extend_from_slice(request.as_bytes());
                });
                report(
                    name,
                    connections,
                    served.await?,
                    self.database.query_rate(connections, &query, None)?,
                );
            }
        }
        Ok(())
    }

    async fn measure_creates(&self) -> anyhow::Result<()> {
        let mut number = ARTICLES;
        for connections in CONNECTIONS {
            let served = rate(self.address, connections, 201, |_, request| {
                number += 1;
                request.extend_from_slice(self.post(number).as_bytes());
            });
            let floor = || self.database.insert_rate(connections, "1");
            report("create an article", connections, served.await?, floor()?);
        }
        Ok(())
    }

    /// A POST of the article `number`.
    fn post(&self, number: usize) -> String {
        let mut article = article(number);
        article["category"] = json!(self.category);
        article.as_object_mut().map(|article| article.remove("slug"));
        let (key, body) = (&self.key, article.to_string());
        format!(
            "POST /api/v1/articles HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// The article `number`, in one of 5 categories with 8 below each.
fn article(number: usize) -> Value {
    let mut article = rows::row(number);
    article["slug"] = json!(number.to_string());
    article["category"] = json!(format!("新闻{}/栏目{}", number % 5, number % 40));
    // Only imports of admins set them.
    article.as_object_mut().map(|article| article.remove("views"));
    article
}

fn get(path: &str) -> String {
    format!("GET /api/v1{path} HTTP/1.1\r\nHost: bench\r\n\r\n")
}

fn report(name: &str, connections: usize, served: f64, floor: f64) {
    println!(
        "{name:<20} {connections:>3} connections {served:9.0} {floor:9.0}   ratio {:.2}",
        served / floor
    );
}

/// Seconds of processor time that this process has used, its server and pgbench not included.
fn own_cpu() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(") ").context("the fields of stat")?.1.split(' ');
    let ticks: u32 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    Ok(f64::from(ticks) / 100.0)
}

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let data_dir = folder.path().join("data");
    let embedded = Embedded::start(&Options {
        data_dir: &data_dir,
        pg_bin: None,
        missing: Missing::Refuse,
        durable: true,
    })?;
    let server = Server::start(&["--database-url", &embedded.url()])?;
    let database = Database {
        url: embedded.url(),
        log: data_dir.join("postgres.log"),
        folder: folder.path().to_owned(),
    };
    block_on(async {
        let site = Site::fill(&server, database).await?;
        println!("{ARTICLES} articles; requests a second, and transactions a second of pgbench");
        let (began, before) = (Instant::now(), own_cpu()?);
        site.measure_reads().await?;
        site.measure_creates().await?;
        // Half of the time belongs to pgbench.
        let share = (own_cpu()? - before) / (began.elapsed().as_secs_f64() / 2.0);
        println!("the load driver took {share:.2} of one core; each figure is of {} s", SPAN.as_secs());
        Ok(())
    })
}
