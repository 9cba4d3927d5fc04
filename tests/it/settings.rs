//! Settings: what the environment may hold, and what is refused before anything starts.

use std::fs;
use std::process::Command;

use inkstone::config::Cli;

use crate::harness::Client;
use crate::harness::cluster::fresh_database;
use crate::harness::process::{Process, inkstone, run};

/// All variables of settings, as the help names them.
fn variables() -> Vec<String> {
    let mut found = Vec::new();
    for command in ["serve", "import", "export"] {
        let (_, help, _) = run(inkstone(&[command, "--help"]));
        let shown =
            help.split("[env: ").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap().to_owned());
        found.extend(shown);
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 20, "{found:?}");
    found
}

/// `inkstone serve` in a folder of its own, which must not come to life.
fn refused_serve(dir: &tempfile::TempDir) -> Command {
    let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0"]);
    command.current_dir(dir.path());
    command
}

#[actix_web::test]
async fn an_empty_variable_is_an_absent_one() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let all = variables();
    for empty in ["", " "] {
        let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0", "--database-url", &db.url]);
        for variable in &all {
            command.env(variable, empty).env(format!("{variable}_FILE"), empty);
        }
        command.env("INKSTONE_LOG", empty).current_dir(dir.path());
        let process = Process::start(command);
        process.client().get("/readyz").await.expect(200);
    }
}

/// Variables with a value that cannot be used, and what is said of each.
const UNUSABLE: &[(&str, &str, &str)] = &[
    ("INKSTONE_LISTEN", "8080", "like 127.0.0.1:8080"),
    ("INKSTONE_BASE_URL", "example.org", "http or https URL"),
    ("INKSTONE_BASE_URL", "https://example.org/path", "without a path"),
    ("INKSTONE_CORS_ORIGINS", "https://a.example,b.example", "origins like https://"),
    ("INKSTONE_TRUSTED_PROXIES", "10.0.0.0/33", "networks like 10.0.0.0/8"),
    ("INKSTONE_REQUEST_TIMEOUT", "15s", "whole number from 1"),
    ("INKSTONE_REQUEST_TIMEOUT", "18446744073709551615", "whole number from 1"),
    ("INKSTONE_ACCESS_TOKEN_TTL", "0", "whole number from 1"),
    ("INKSTONE_SHUTDOWN_TIMEOUT", "-1", "whole number from 0"),
    ("INKSTONE_DRAIN_DELAY", "two", "whole number from 0"),
    ("INKSTONE_WORKERS", "600", "from 1 to 512"),
    ("INKSTONE_POOL_SIZE", "0", "from 1 to"),
    ("INKSTONE_MAX_CONNECTIONS", "many", "from 1 to"),
    ("INKSTONE_MAX_CONNECTIONS_PER_NETWORK", "0", "from 1 to"),
    ("INKSTONE_LOGIN_ATTEMPTS", "0", "1..=1000000"),
    ("INKSTONE_REQUIRE_IF_MATCH", "perhaps", "boolean"),
    ("INKSTONE_DEMO", "perhaps", "boolean"),
    ("INKSTONE_PROFILE_FIELDS", "phone,shoes", "display_name, phone"),
    ("DATABASE_URL", "mysql://hidden@a/b", "postgresql://"),
    ("DATABASE_URL", "postgresql://hidden@a/b?sslmode=maybe", "sslmode="),
    ("INKSTONE_DATA_DIR", "file", "folder"),
    ("INKSTONE_METRICS_LISTEN", "9090", "like 127.0.0.1:8080"),
    ("INKSTONE_METRICS_TOKEN", "hidden", "at least 16 visible"),
    ("INKSTONE_PG_BIN", "nowhere", "postgres and initdb"),
    ("INKSTONE_POSTGRES_ARCHIVE", "nowhere", "an http or https URL, or a file"),
    ("INKSTONE_POSTGRES_ARCHIVE", "https://a.example/x.tgz#sha256=12", "64 hexadecimal digits"),
    ("INKSTONE_SIGNING_KEY_FILE", "nowhere.pem", "nowhere.pem"),
    ("INKSTONE_MAIL_URL", "http://hidden@mail", "smtp://"),
    ("INKSTONE_MAIL_FROM", "nobody", "e-mail address"),
    ("INKSTONE_ACCOUNT_URL", "/account", "http or https URL"),
    ("INKSTONE_ADMIN_EMAIL", "nobody", "e-mail address"),
    ("INKSTONE_ADMIN_PASSWORD", "hidden", "at least 8 characters"),
    ("INKSTONE_ADMIN_PASSWORD_FILE", "nowhere", "file that can be read"),
    ("INKSTONE_ADMIN_PASSWORD_FILE", "file", "file that is not empty"),
    ("INKSTONE_LOG", "inkstone=loud", "a filter like"),
];

#[test]
fn every_setting_that_cannot_be_used_is_named_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for &(variable, value, wanted) in UNUSABLE {
        let mut command = refused_serve(&dir);
        if variable == "INKSTONE_LISTEN" {
            command = inkstone(&["serve"]);
            command.current_dir(dir.path());
        }
        command.env(variable, value);
        let (code, out, said) = run(command);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{variable}={value}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(
            said.starts_with(&format!("inkstone: {variable}")) && said.contains(wanted),
            "{value}: {said}"
        );
        assert!(!said.contains("hidden"), "{said}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was started");
}

#[test]
fn a_variable_that_no_setting_has_is_told_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    // A listener that cannot be had ends the start after the warning.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = inkstone(&["serve", "--listen", &taken.local_addr().unwrap().to_string()]);
    command
        .env("INKSTONE_MAIL_ULR", "x")
        .env("INKSTONE_SHOE_SIZE", "x")
        .env("INKSTONE_ADMIN_PASSWORT_FILE", "x");
    command
        .env("INKSTONE_SERVICE_HOST", "10.0.0.1")
        .env("INKSTONE_PORT", "tcp://10.0.0.1:80")
        .env("INKSTONE_EMPTY", "");
    let (code, _, said) = run({
        command.current_dir(dir.path());
        command
    });
    assert_eq!(code, Some(1));
    let warnings: Vec<_> = said.lines().filter(|line| line.contains("No setting has the variable")).collect();
    assert_eq!(warnings.len(), 3, "{said}");
    let said_of = |name: &str| *warnings.iter().find(|line| line.contains(name)).unwrap();
    assert!(said_of("INKSTONE_MAIL_ULR").contains("did you mean INKSTONE_MAIL_URL?"));
    assert!(said_of("INKSTONE_ADMIN_PASSWORT_FILE").contains("did you mean INKSTONE_ADMIN_PASSWORD_FILE?"));
    assert!(said_of("INKSTONE_SHOE_SIZE").contains("did you mean INKSTONE_POOL_SIZE?"));
}

#[actix_web::test]
async fn secrets_are_read_from_files() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let file = |name: &str, content: &str| {
        fs::write(dir.path().join(name), content).unwrap();
        dir.path().join(name)
    };
    let (url, password) = (file("url", &format!("{}\n", db.url)), file("password", "correct horse\r\n"));
    let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("DATABASE_URL_FILE", &url)
        .env("INKSTONE_ADMIN_PASSWORD_FILE", password)
        .current_dir(dir.path());
    command.env("INKSTONE_MAIL_URL_FILE", file("mail", "file://"));
    let process = Process::start(command);
    process.admin().await.get("/api/v1/members/me").await.expect(200);
    assert!(dir.path().join("inkstone-data/mail").is_dir(), "mail is written to files");
    assert!(!dir.path().join("inkstone-data/postgres").exists(), "the given database is used");

    let list = |variable: &str| {
        let mut command = inkstone(&["member", "list"]);
        command.env(variable, &url);
        command
    };
    for variable in ["DATABASE_URL_FILE", "INKSTONE_DATABASE_URL_FILE"] {
        let (code, out, said) = run(list(variable));
        assert_eq!((code, out.contains("admin@localhost")), (Some(0), true), "{said}");
    }
    let mut both = list("DATABASE_URL_FILE");
    both.env("DATABASE_URL", &db.url);
    let (code, _, said) = run(both);
    assert_eq!(code, Some(2));
    assert!(said.contains("DATABASE_URL_FILE: cannot be set together with DATABASE_URL"), "{said}");

    let mut help = inkstone(&["serve", "--help"]);
    help.env("INKSTONE_ADMIN_PASSWORD_FILE", dir.path().join("password"));
    assert!(!run(help).1.contains("correct horse"));
}

#[actix_web::test]
async fn an_origin_counts_however_it_is_written() {
    let db = fresh_database().await;
    let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0", "--database-url", &db.url]);
    command
        .env("INKSTONE_CORS_ORIGINS", "https://Pages.example/, http://localhost:80")
        .env("INKSTONE_DEMO", "0");
    let process = Process::start(command);
    for origin in ["https://pages.example", "http://localhost"] {
        let client: Client = process.client();
        let request = client.request(reqwest::Method::GET, "/api/v1/site").header("origin", origin);
        assert_eq!(request.send().await.expect(200).header("access-control-allow-origin"), origin);
    }
}

#[test]
fn the_flags_and_the_defaults_of_the_settings_agree() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
    assert!(Cli::read(["inkstone".into()]).is_ok());
}
