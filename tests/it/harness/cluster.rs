//! One PostgreSQL for the whole run, a template with the newest schema, a copy for each test.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use diesel_async::RunQueryDsl;
use inkstone::db;
use inkstone::db::embedded::{Embedded, Options};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::OnceCell;
use uuid::Uuid;

const TEMPLATE: &str = "inkstone_test_template";

/// Drives the connections of all tests.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// The server's address, without a database's name. Stops with this process.
static SERVER: LazyLock<(Option<Embedded>, String)> = LazyLock::new(|| match std::env::var("DATABASE_URL") {
    Ok(url) => (None, url),
    Err(_) => {
        let options = Options { data_dir: folder(), pg_bin: None, durable: false };
        let embedded = Embedded::start(&options).unwrap();
        let url = embedded.url();
        (Some(embedded), url)
    }
});

/// A folder of this process; those of earlier runs are removed.
pub fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for entry in std::fs::read_dir(all).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let owner = name.strip_prefix("run-").and_then(|pid| pid.parse::<u32>().ok());
            if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let folder = all.join(format!("run-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    });
    &FOLDER
}

/// `url` with another database's name.
fn named(url: &str, database: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let (server, _) = before.rsplit_once('/').unwrap();
    query.map_or_else(|| format!("{server}/{database}"), |query| format!("{server}/{database}?{query}"))
}

/// Runs `sql` on the server, outside every test's database.
pub async fn administer(sql: String) {
    let task = RUNTIME.spawn(async move {
        let mut conn = db::pool::open(SERVER.1.clone()).await.unwrap();
        diesel::sql_query("SET statement_timeout = 0").execute(&mut conn).await.unwrap();
        diesel::sql_query(sql).execute(&mut conn).await.unwrap();
    });
    task.await.unwrap();
}

/// A database of a test.
#[derive(Clone)]
pub struct TestDb {
    pub url: String,
}

/// An empty, migrated database.
pub async fn fresh_database() -> TestDb {
    static TEMPLATE_IS_THERE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE_IS_THERE.get_or_init(make_template).await;
    let name = format!("inkstone_test_{}", Uuid::new_v4().simple());
    administer(format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await;
    TestDb { url: named(&SERVER.1, &name) }
}

/// A database with nothing in it, not even the schema.
pub async fn bare_database() -> TestDb {
    let name = format!("inkstone_test_{}", Uuid::new_v4().simple());
    administer(format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    TestDb { url: named(&SERVER.1, &name) }
}

async fn make_template() {
    tokio::task::spawn_blocking(|| LazyLock::force(&SERVER)).await.unwrap();
    administer(format!("DROP DATABASE IF EXISTS {TEMPLATE}")).await;
    administer(format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0")).await;
    migrate(named(&SERVER.1, TEMPLATE)).await;
}

/// Brings the database at `url` to the newest schema, and says how many migrations ran.
pub async fn migrate(url: String) -> usize {
    let task = RUNTIME.spawn(async move { db::migrate(&url).await.unwrap() });
    task.await.unwrap()
}

/// What drives the connections of all tests.
pub fn runtime() -> Handle {
    RUNTIME.handle().clone()
}
