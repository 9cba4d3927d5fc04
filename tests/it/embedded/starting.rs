//! First starts, later starts, and starts that are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use inkstone::db::embedded::Embedded;
use serde_json::json;

use crate::harness::machine::{
    ask, copy, execute, is_root, kill, made_folder, make_in, owner, postmaster, processes_in, refusal, start,
    until,
};
use crate::harness::process::{Process, inkstone, open_folder};
use crate::harness::{Client, cluster};

/// Builds `inkstone serve` with a private PostgreSQL in `dir`, and no password for the first admin.
fn serve(dir: &Path) -> Command {
    inkstone(&["serve", "--listen", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()])
}

/// Returns the lines of standard error that are not log lines.
fn read_messages(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr).into_owned();
    text.lines().filter(|line| !line.starts_with('{')).map(str::to_owned).collect()
}

fn file_mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[actix_web::test]
async fn a_first_start_creates_a_durable_cluster_that_others_cannot_enter() {
    let dir = open_folder();
    let options = cluster::options(dir.path(), true);
    let mut first = Embedded::start(&options).unwrap();
    let url = first.url();
    for (name, value) in [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("server_encoding", "UTF8"),
        ("unix_socket_permissions", "0700"),
    ] {
        assert_eq!(ask(&url, &format!("current_setting('{name}')")).await, value, "{name}");
    }
    for name in ["postgres", "run"] {
        assert_eq!(file_mode(&dir.path().join(name)), 0o700, "{name}");
    }
    let pid = first.postmaster_pid().unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let group = stat.rsplit(')').next().unwrap().split_whitespace().nth(2).unwrap();
    assert_eq!(group, pid.to_string(), "Ctrl-C must not reach PostgreSQL");

    execute(&url, "CREATE TABLE notes AS SELECT 'kept' AS text").await;
    first.stop();
    assert_eq!(first.postmaster_pid(), None);
    assert!(processes_in(dir.path()).is_empty());
    first.stop();
    let second = Embedded::start(&options).unwrap();
    assert_eq!(ask(&second.url(), "SELECT text FROM notes").await, "kept");
    drop(second);
    assert!(processes_in(dir.path()).is_empty());
}

async fn sign_in(process: &Process, password: &str) -> Client {
    let login = json!({"email": "admin@localhost", "password": password});
    let session = process.client().post("/api/v1/auth/login", login).await.data(200);
    Client::new(&process.url, session["access_token"].as_str().map(str::to_owned))
}

#[actix_web::test]
async fn a_later_start_keeps_all_rows_and_prints_no_password() {
    let dir = open_folder();
    let mut first = Process::start(serve(dir.path()));
    let line = first.printed.iter().find_map(|line| line.trim().strip_prefix("password: "));
    let password = line.unwrap().split_whitespace().next().unwrap().to_owned();
    let admin = sign_in(&first, &password).await;
    let article = admin.article("Kept", None).await;
    first.signal("TERM");
    assert!(first.wait().success());

    let second = Process::start(serve(dir.path()));
    let printed = second.printed.join("\n");
    assert!(!printed.contains("password") && !printed.contains("First admin"), "{printed}");
    sign_in(&second, &password).await;
    let path = format!("/api/v1/articles/{}", article["id"].as_str().unwrap());
    assert_eq!(second.client().get(&path).await.data(200)["title"], "Kept");
}

#[actix_web::test]
async fn a_second_process_in_one_directory_is_refused_with_one_line() {
    let dir = made_folder();
    let first = Process::serve(dir.path(), &[]);
    let refused = serve(dir.path()).output().unwrap();
    let pid = fs::read_to_string(dir.path().join("inkstone.lock")).unwrap();
    let line = format!(
        "inkstone: another Inkstone is already using {} (pid {})",
        fs::canonicalize(dir.path()).unwrap().display(),
        pid.trim()
    );
    assert_eq!(read_messages(&refused.stderr), [line]);
    assert_eq!(refused.status.code(), Some(1));
    first.client().get("/readyz").await.expect(200);
}

/// Returns the staging directory of a cluster that is being created.
fn find_staging_dir(dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("/postgres.new."))
}

#[actix_web::test]
async fn an_interrupted_first_start_is_repeated() {
    let stages: [fn(&Path) -> bool; 3] = [
        |dir| find_staging_dir(dir).is_some(),
        |dir| find_staging_dir(dir).is_some_and(|new| new.join("global/pg_control").exists()),
        |dir| dir.join("postgres").exists(),
    ];
    for reached in stages {
        let dir = open_folder();
        fs::create_dir_all(dir.path().join("postgres.new/base")).unwrap();
        let mut command = serve(dir.path());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the stage to interrupt", async || reached(dir.path())).await;
        process.kill().unwrap();
        process.wait().unwrap();
        let again = Process::serve(dir.path(), &[]);
        again.client().get("/readyz").await.expect(200);
        assert!(!dir.path().join("postgres.new").exists(), "what older attempts left goes");
    }
}

#[test]
fn a_folder_without_postgresql_is_refused_in_one_line() {
    let dir = open_folder();
    let empty = open_folder();
    for path_is_set in [true, false] {
        let mut command = serve(dir.path());
        command.env("INKSTONE_PG_BIN", empty.path());
        if !path_is_set {
            command.env_remove("PATH");
        }
        let refused = command.output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "a setting is wrong");
        let messages = read_messages(&refused.stderr);
        assert_eq!(messages.len(), 1, "{messages:?}");
        for part in ["INKSTONE_PG_BIN", "--pg-bin", "a folder with postgres and initdb in it"] {
            assert!(messages[0].contains(part), "{part} is not in: {}", messages[0]);
        }
        assert!(!dir.path().join("postgres").exists());
    }
}

#[actix_web::test]
async fn any_directory_name_works() {
    let dir = open_folder();
    let long = dir.path().join("x".repeat(120));
    make_in(&long);
    let cluster = start(&long);
    let url = cluster.url();
    assert!(url.contains("@%2Ftmp%2Finkstone-"), "a socket's path has at most 107 bytes: {url}");
    assert_eq!(ask(&url, "SELECT 1").await, "1");
    drop(cluster);
    assert!(processes_in(&long).is_empty());
    let sockets = url.split(['@', ':']).nth(2).unwrap().replace("%2F", "/");
    fs::remove_dir(sockets).unwrap();

    let odd = dir.path().join("a, \"b' %41é");
    make_in(&odd);
    let cluster = start(&odd);
    assert!(cluster.url().ends_with("%2Frun:5432/inkstone"), "{}", cluster.url());
    assert_eq!(ask(&cluster.url(), "SELECT 1").await, "1");
}

#[actix_web::test]
async fn postgresql_never_runs_as_root() {
    let dir = made_folder();
    let process = || format!("/proc/{}", postmaster(dir.path()).unwrap());
    let mut server = Process::serve(dir.path(), &[]);
    let user = owner(process());
    assert_eq!(user, owner(dir.path().join("postgres")));
    assert!(user != 0 && (is_root() || user == owner("/proc/self")), "it runs as {user}");
    server.client().get("/readyz").await.expect(200);
    server.signal("TERM");
    assert!(server.wait().success());

    if is_root() {
        // As after a restore from a backup, or from another machine.
        for account in ["root", "nobody"] {
            let chown = Command::new("chown").args(["-R", account]).arg(dir.path()).status();
            assert!(chown.unwrap().success());
            let given = owner(dir.path());
            let _cluster = start(dir.path());
            let user = owner(process());
            assert!(user != 0 && (given == 0 || user == given), "of {account}, it runs as {user}");
        }
    }
}

#[actix_web::test]
async fn a_directory_that_postgresql_cannot_enter_has_its_cluster_elsewhere() {
    if !is_root() {
        return;
    }
    let closed = open_folder();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let dir = closed.path().join("data");
    let cluster = start(&dir);
    execute(&cluster.url(), "CREATE TABLE notes AS SELECT 'kept' AS text").await;
    let note = fs::read_to_string(dir.join("postgres.location")).unwrap();
    let place = PathBuf::from(note.trim_end());
    assert!(place.starts_with("/var/lib/inkstone") && place.join("postgres/PG_VERSION").exists());
    assert!(!dir.join("postgres").exists());

    let copied = open_folder();
    copy(&dir.join("postgres.location"), copied.path());
    assert!(refusal(copied.path()).contains("another Inkstone is already using"));
    drop(cluster);
    let again = start(&dir);
    assert_eq!(ask(&again.url(), "SELECT text FROM notes").await, "kept");
    drop(again);
    fs::remove_dir_all(&place).unwrap();
    let reason = refusal(&dir);
    assert!(reason.contains("says that the database is in"), "no empty database instead: {reason}");
}

#[actix_web::test]
async fn a_failed_start_says_the_cause() {
    let dir = made_folder();
    let conf = dir.path().join("postgres/postgresql.conf");
    let good = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, "nonsense = 1\n").unwrap();
    let reason = refusal(dir.path());
    assert!(reason.contains("unrecognized configuration parameter \"nonsense\""), "{reason}");
    assert!(processes_in(dir.path()).is_empty());

    // After a first start, the supervisor does not give up.
    fs::write(&conf, &good).unwrap();
    let cluster = start(dir.path());
    fs::write(&conf, "nonsense = 1\n").unwrap();
    kill(cluster.postmaster_pid().unwrap(), "KILL");
    let log = || fs::read_to_string(dir.path().join("postgres.log")).unwrap();
    until("two more attempts", async || log().matches("nonsense").count() >= 3).await;
    fs::write(&conf, &good).unwrap();
    until("an answer", async || crate::harness::machine::try_ask(&cluster.url(), "SELECT 1").await.is_some())
        .await;
    drop(cluster);

    fs::write(dir.path().join("postgres/PG_VERSION"), "9\n").unwrap();
    let reason = refusal(dir.path());
    assert!(reason.contains("made by PostgreSQL 9"), "{reason}");
}
