//! Crashes of the server and of its private PostgreSQL.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use serde_json::json;

use crate::harness::machine::{
    Frozen, ask, execute, is_root, kill, made_folder, owner, postmaster, processes_in, start, try_ask, until,
};
use crate::harness::process::{Process, inkstone};

/// Publishes articles until the server is gone, and collects the acknowledged ones.
async fn write_until_server_ends(
    url: String,
    token: String,
    name: String,
    acknowledged: Rc<RefCell<Vec<String>>>,
) {
    let http = reqwest::Client::new();
    for number in 0.. {
        let id = format!("{name}-{number}");
        let body = json!({"title": id, "body": "<p>x</p>", "status": "published"});
        let sent =
            http.put(format!("{url}/api/v1/articles/by-external-id/{id}")).bearer_auth(&token).json(&body);
        match sent.send().await {
            Ok(answer) if answer.status() == 201 => {}
            // The database may be killed before the server.
            Ok(answer) => return assert_eq!(answer.status(), 503),
            Err(_) => return,
        }
        acknowledged.borrow_mut().push(id);
    }
}

/// Kills of a run of the suite; `KILL_CYCLES=300` kills as often as it says.
const KILL_CYCLES: usize = 4;
/// Writes that are acknowledged before each kill.
const WRITES_BEFORE_KILL: usize = 20;

/// Kills a server and, in every second round, its PostgreSQL with it.
fn kill_server(server: &mut Process, dir: &Path, with_database: bool) {
    if with_database {
        server.signal("STOP");
        // Sessions that end by themselves are no fault.
        for pid in postmaster(dir).into_iter().chain(processes_in(&dir.join("postgres"))) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }
    server.signal("KILL");
    server.wait();
}

#[actix_web::test]
async fn killed_servers_and_databases_lose_no_acknowledged_write() {
    let cycles = std::env::var("KILL_CYCLES").map_or(KILL_CYCLES, |cycles| cycles.parse().unwrap());
    let dir = made_folder();
    let acknowledged = Rc::new(RefCell::new(Vec::new()));
    for cycle in 0..cycles {
        let mut server = Process::serve(dir.path(), &[]);
        let token = server.admin().await.token.unwrap();
        let before = acknowledged.borrow().len();
        let write = |writer| {
            let name = format!("{cycle}-{writer}");
            write_until_server_ends(server.url.clone(), token.clone(), name, acknowledged.clone())
        };
        let writers: Vec<_> = (0..3).map(write).map(actix_web::rt::spawn).collect();
        let wanted = before + WRITES_BEFORE_KILL;
        until("some articles", async || acknowledged.borrow().len() >= wanted).await;
        kill_server(&mut server, dir.path(), cycle % 2 == 1);
        for writer in writers {
            writer.await.unwrap();
        }
    }

    let again = Process::serve(dir.path(), &[]);
    for id in acknowledged.take() {
        again.client().get(&format!("/api/v1/articles/by-external-id/{id}")).await.expect(200);
    }
}

#[actix_web::test]
async fn a_killed_postmaster_is_restarted_by_a_running_server() {
    let dir = made_folder();
    let server = Process::serve(dir.path(), &[]);
    let admin = server.admin().await;
    let before = postmaster(dir.path()).unwrap();
    let (mut acknowledged, mut turned_away) = (Vec::new(), 0);
    let mut killed = false;
    until("articles from before and after", async || {
        if acknowledged.len() == 10 && !killed {
            kill(before, "KILL");
            killed = true;
        }
        let article = json!({"title": "Tides", "body": "<p>x</p>", "status": "published"});
        let answer = admin.post("/api/v1/articles", article).await;
        match answer.status {
            201 => acknowledged.push(answer.json()["data"]["id"].as_str().unwrap().to_owned()),
            503 => turned_away += 1,
            _ => panic!("{answer:?}"),
        }
        acknowledged.len() >= 20 && postmaster(dir.path()).is_some_and(|pid| pid != before)
    })
    .await;
    assert!(turned_away > 0, "the loss was felt");
    for id in &acknowledged {
        server.client().get(&format!("/api/v1/articles/{id}")).await.expect(200);
    }
}

#[actix_web::test]
async fn a_stopped_server_leaves_no_process_behind() {
    let dir = made_folder();
    for signal in ["TERM", "INT"] {
        let mut server = Process::serve(dir.path(), &[]);
        assert!(!processes_in(dir.path()).is_empty());
        server.client().get("/readyz").await.expect(200);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}");
        assert!(processes_in(dir.path()).is_empty(), "{signal}");
        assert_eq!(postmaster(dir.path()), None, "{signal}: it stopped cleanly");
    }
}

#[test]
fn a_signal_right_after_the_ready_line_stops_the_server() {
    let dir = made_folder();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", dir.path().to_str().unwrap()];
    for round in 0..8 {
        let mut command = inkstone(&arguments);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("Inkstone is ready")));
        // SAFETY: a signal to a child that was not waited for. Starting `kill` would be too slow.
        unsafe { libc::kill(server.id().cast_signed(), libc::SIGTERM) };
        assert_eq!(server.wait().unwrap().code(), Some(0), "in round {round}");
    }
}

#[actix_web::test]
async fn a_killed_server_also_ends_its_postgresql() {
    let dir = made_folder();
    let mut server = Process::serve(dir.path(), &[]);
    assert!(!processes_in(dir.path()).is_empty());
    server.signal("KILL");
    server.wait();
    until("the last process to go", async || processes_in(dir.path()).is_empty()).await;
    assert_eq!(postmaster(dir.path()), None, "it stopped cleanly");
}

/// Builds a command that runs as the owner of the cluster in `data`.
fn build_command_as_owner(data: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if is_root() {
        command.uid(owner(data)).gid(owner(data));
    }
    command
}

#[actix_web::test]
async fn a_process_that_reuses_the_process_id_of_a_server_is_not_stopped() {
    let dir = made_folder();
    let data = dir.path().join("postgres");
    let mut server = Process::serve(dir.path(), &[]);
    let admin = server.admin().await;
    admin.article("Kept", None).await;
    // Both are killed together, so that neither cleans up.
    server.signal("STOP");
    kill(postmaster(dir.path()).unwrap(), "KILL");
    server.signal("KILL");
    server.wait();
    until("the sessions to go", async || processes_in(&data).is_empty()).await;

    let file = data.join("postmaster.pid");
    let left = fs::read_to_string(&file).unwrap();
    let mut sleeper = build_command_as_owner(&data, Path::new("/bin/sleep")).arg("1000").spawn().unwrap();
    let (_, rest) = left.split_once('\n').unwrap();
    let lock = dir.path().join("run/.s.PGSQL.5432.lock");
    for content in [format!("{}\n{rest}", sleeper.id()), String::new(), "no number\n".to_owned()] {
        fs::write(&file, &content).unwrap();
        fs::write(&lock, format!("{}\n", sleeper.id())).unwrap();
        let mut again = Process::serve(dir.path(), &[]);
        let list = again.client().get("/api/v1/articles").await.data(200);
        assert_eq!(list[0]["title"], "Kept", "{content:?}");
        again.signal("TERM");
        assert!(again.wait().success());
    }
    assert_eq!(sleeper.try_wait().unwrap(), None, "it still runs");
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

#[actix_web::test]
async fn a_postgresql_that_was_left_over_is_stopped() {
    let dir = made_folder();
    let mut cluster = start(dir.path());
    execute(&cluster.url(), "CREATE TABLE notes AS SELECT 'kept' AS text").await;
    let program = fs::read_link(format!("/proc/{}/exe", cluster.postmaster_pid().unwrap())).unwrap();
    cluster.stop();

    let data = dir.path().join("postgres");
    let mut command = build_command_as_owner(&data, &program);
    let run = format!("unix_socket_directories={}/run", dir.path().display());
    let mut orphan =
        command.arg("-D").arg(&data).args(["-c", "listen_addresses=", "-c", &run]).spawn().unwrap();
    until("the orphan", async || try_ask(&cluster.url(), "SELECT 1").await.is_some()).await;
    // The init process reaps orphans; this thread reaps this one.
    let reaper = std::thread::spawn(move || orphan.wait().unwrap());
    let again = start(dir.path());
    assert!(reaper.join().unwrap().success(), "a fast shutdown is a success");
    assert_eq!(ask(&again.url(), "SELECT text FROM notes").await, "kept");
}

#[actix_web::test]
async fn a_start_waits_for_a_session_that_outlives_its_postmaster() {
    let dir = made_folder();
    let cluster = start(dir.path());
    let url = cluster.url();
    let idle = inkstone::db::pool::open(url.clone()).await.unwrap();
    let others =
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let pid = ask(&url, others).await.parse().unwrap();
    let frozen = Frozen::new(vec![pid]);
    drop(idle);
    kill(cluster.postmaster_pid().unwrap(), "KILL");
    let log = || fs::read_to_string(dir.path().join("postgres.log")).unwrap();
    until("a refusal", async || log().contains("pre-existing shared memory block")).await;
    drop(frozen);
    until("an answer", async || try_ask(&url, "SELECT 1").await.is_some()).await;
}
