//! One PostgreSQL for the whole run, a template with the newest schema, a copy for each test.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use diesel_async::RunQueryDsl;
use inkstone::db;
use inkstone::db::embedded::programs::{Missing, prepare_programs};
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
        let embedded = Embedded::start(&options(folder(), false)).unwrap();
        let url = embedded.url();
        (Some(embedded), url)
    }
});

/// Bytes that the memory's file system must have free, for the tests to use it.
const MIN_MEMORY_BYTES: u64 = 2 << 30;

/// Where runs have their folders: in memory where there is room. On some file systems, creating
/// thousands of files is slow where thousands were removed.
fn find_place() -> PathBuf {
    let memory = c"/dev/shm";
    // SAFETY: zeroes are a valid value, and the call writes nothing else.
    let free = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        if libc::statvfs(memory.as_ptr(), &mut stat) == 0 { stat.f_bavail * stat.f_frsize } else { 0 }
    };
    if free < MIN_MEMORY_BYTES {
        return Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned();
    }
    // The name has the user's number: folders of another user cannot be removed.
    PathBuf::from(format!("/dev/shm/inkstone-tests-{}", unsafe { libc::geteuid() }))
}

/// A folder of this process; those of earlier runs are removed.
pub fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let all = find_place();
        for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
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

/// The programs of the private copy that this run uses; none if the machine has its own.
pub fn pg_bin() -> Option<&'static Path> {
    static PG_BIN: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
        let archive = std::env::var("INKSTONE_POSTGRES_ARCHIVE");
        let missing = archive.as_deref().map_or(Missing::Fetch, Missing::UseArchive);
        prepare_programs(&folder, missing).unwrap()
    });
    PG_BIN.as_deref()
}

/// The options of a private PostgreSQL in `data_dir`.
pub fn options(data_dir: &Path, durable: bool) -> Options<'_> {
    Options { data_dir, pg_bin: pg_bin(), missing: Missing::Refuse, durable }
}

/// `url` with another database's name.
fn named(url: &str, database: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let (server, _) = before.rsplit_once('/').unwrap();
    query.map_or_else(|| format!("{server}/{database}"), |query| format!("{server}/{database}?{query}"))
}

/// Runs `sql` on the server, outside every test's database.
pub async fn administer(sql: String) {
    RUNTIME.spawn(execute(sql)).await.unwrap();
}

async fn execute(sql: String) {
    let mut conn = db::pool::open(SERVER.1.clone()).await.unwrap();
    diesel::sql_query("SET statement_timeout = 0").execute(&mut conn).await.unwrap();
    diesel::sql_query(sql).execute(&mut conn).await.unwrap();
}

/// A database of a test. Dropped on the server with the last of its clones.
#[derive(Clone)]
pub struct TestDb {
    pub url: String,
    _created: Option<Arc<Created>>,
}

impl TestDb {
    /// A database that another server has, or that nobody has.
    pub fn elsewhere(url: String) -> Self {
        Self { url, _created: None }
    }

    async fn create(template: &str) -> Self {
        let name = format!("inkstone_test_{}", Uuid::new_v4().simple());
        static STRATEGY: OnceCell<&str> = OnceCell::const_new();
        let strategy = STRATEGY.get_or_init(find_strategy).await;
        administer(format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}")).await;
        Self { url: named(&SERVER.1, &name), _created: Some(Arc::new(Created(name))) }
    }
}

/// The words that make the server copy files, which is four times as fast as its default.
/// PostgreSQL 14 knows no other way, and no words for it.
async fn find_strategy() -> &'static str {
    let task = RUNTIME.spawn(async {
        let client = db::pool::open_client(&SERVER.1).await.unwrap();
        let sql = "SELECT current_setting('server_version_num')::int4";
        client.query_one(sql, &[]).await.unwrap().get::<_, i32>(0)
    });
    if task.await.unwrap() < 150_000 { "" } else { "STRATEGY FILE_COPY" }
}

/// The name of a database that the harness has created.
struct Created(String);

impl Drop for Created {
    fn drop(&mut self) {
        // Nobody waits for it: what is left at the end of the run goes with the server's folder.
        drop(RUNTIME.spawn(execute(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.0))));
    }
}

/// An empty, migrated database.
pub async fn fresh_database() -> TestDb {
    static TEMPLATE_IS_THERE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE_IS_THERE.get_or_init(make_template).await;
    TestDb::create(TEMPLATE).await
}

/// A database with nothing in it, not even the schema.
pub async fn bare_database() -> TestDb {
    TestDb::create("template0").await
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
