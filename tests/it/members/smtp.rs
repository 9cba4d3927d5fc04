//! Mail handed to a real SMTP server: what arrives there is enough to get in, and a server that is down loses nothing.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use inkstone::db::embedded::Embedded;
use serde_json::json;

use super::mail::{FORGOT, NEW, REGISTER, RESET, VERIFY, mails, token};
use super::{PASSWORD, login};
use crate::harness::machine::{Frozen, ask, execute, until};
use crate::harness::process::{Process, open_folder};
use crate::harness::{Client, TestApp};

const ADA: &str = "ada@example.org";

/// An SMTP server on loopback, which keeps what it gets in a Maildir.
struct Smtp {
    port: u16,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Smtp {
    /// One that does not run yet. None, and a line that says so, where aiosmtpd is not installed;
    /// where `CI` is set, that is a failure.
    #[expect(clippy::explicit_write, reason = "eprintln would be captured, and nobody would see it")]
    fn new() -> Option<Self> {
        let there = Command::new("python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            let advice =
                "no SMTP server to test with: pip install aiosmtpd (or apt install python3-aiosmtpd)";
            assert!(std::env::var_os("CI").is_none(), "{advice}");
            // Past the capture of the test runner, which would hide it.
            writeln!(std::io::stderr(), "skipped, {advice}").unwrap();
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Some(Self { port, folder: tempfile::tempdir().unwrap(), process: None })
    }

    async fn start(&mut self) {
        let address = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new("python3");
        command.args(["-m", "aiosmtpd", "-n", "-l", &address, "-c", "aiosmtpd.handlers.Mailbox"]);
        command.arg(self.folder.path().join("mail")).stdin(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().unwrap());
        until("the SMTP server", async || TcpStream::connect(&address).is_ok()).await;
    }

    fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    fn inbox(&self) -> PathBuf {
        self.folder.path().join("mail/new")
    }

    /// Waits for mails to Ada with a token that begins with `prefix`, and returns their tokens.
    async fn tokens(&self, prefix: &str) -> Vec<String> {
        let with_one = || mails(&self.inbox(), ADA).into_iter().filter(|mail| mail.contains(prefix));
        until("mail", async || with_one().count() > 0).await;
        with_one().map(|mail| token(&mail, prefix)).collect()
    }

    /// Keeps it from answering, though the machine still takes connections to it.
    fn freeze(&self) -> Frozen {
        Frozen::new(self.process.iter().map(Child::id).collect())
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Registers Ada and confirms her address by the mail she gets.
async fn confirmed(anon: &Client, smtp: &Smtp) {
    anon.post(REGISTER, json!({"email": ADA, "password": PASSWORD})).await.expect(202);
    let token = smtp.tokens("inkv_").await.remove(0);
    assert_eq!(login(anon, ADA, PASSWORD).await.status, 401);
    anon.post(VERIFY, json!({"token": token})).await.expect(204);
    login(anon, ADA, PASSWORD).await.expect(200);
}

async fn forgot(anon: &Client) {
    anon.post(FORGOT, json!({"email": ADA})).await.expect(202);
}

async fn reset(anon: &Client, token: &str) {
    anon.post(RESET, json!({"token": token, "password": NEW})).await.expect(204);
    assert_eq!(login(anon, ADA, PASSWORD).await.status, 401);
    login(anon, ADA, NEW).await.expect(200);
}

#[actix_web::test]
async fn who_reads_the_mail_gets_in_and_back_in() {
    let Some(mut smtp) = Smtp::new() else { return };
    smtp.start().await;
    let (_app, anon) = TestApp::start_with(&["--mail-url", &smtp.url()]).await;
    confirmed(&anon, &smtp).await;
    forgot(&anon).await;
    let tokens = smtp.tokens("inkp_").await;
    assert_eq!(tokens.len(), 1);
    reset(&anon, &tokens[0]).await;
    until("the notice", async || mails(&smtp.inbox(), ADA).len() == 3).await;
}

#[actix_web::test]
async fn mail_waits_for_a_server_that_is_down_and_no_answer_does() {
    let Some(mut smtp) = Smtp::new() else { return };
    let (app, anon) = TestApp::start_with(&["--mail-url", &smtp.url()]).await;
    anon.post(REGISTER, json!({"email": ADA, "password": PASSWORD})).await.expect(202);
    let tried = "SELECT count(*) FROM auth.outbox WHERE attempts > 0";
    until("a try in vain", async || ask(&app.db.url, tried).await == "1").await;
    smtp.start().await;
    let tokens = smtp.tokens("inkv_").await;
    assert_eq!(tokens.len(), 1);
    anon.post(VERIFY, json!({"token": tokens[0]})).await.expect(204);
    login(&anon, ADA, PASSWORD).await.expect(200);
}

/// The database of the process over `dir`.
fn database(dir: &Path) -> String {
    Embedded::find_running(dir).unwrap()
}

/// Starts Inkstone again after a crash, waits until nothing is left to send, and returns the tokens that arrived.
async fn after_a_crash(smtp: &Smtp, dir: &Path) -> (Process, Vec<String>) {
    let server = Process::serve(dir, &["--mail-url", &smtp.url()]);
    // What the dead process had in hand is due again after two minutes; nobody waits for them here.
    execute(&database(dir), "UPDATE auth.outbox SET due_at = now()").await;
    let left = "SELECT count(*) FROM auth.outbox";
    until("an empty outbox", async || ask(&database(dir), left).await == "0").await;
    let tokens = smtp.tokens("inkp_").await;
    assert!(tokens.len() <= 2 && tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    (server, tokens)
}

#[actix_web::test]
async fn a_mail_that_was_asked_for_survives_a_crash_right_after_the_answer() {
    let Some(mut smtp) = Smtp::new() else { return };
    smtp.start().await;
    let dir = open_folder();
    let mut server = Process::serve(dir.path(), &["--mail-url", &smtp.url()]);
    confirmed(&server.client(), &smtp).await;
    forgot(&server.client()).await;
    server.signal("KILL");
    server.wait();
    let (server, tokens) = after_a_crash(&smtp, dir.path()).await;
    reset(&server.client(), &tokens[0]).await;
}

#[actix_web::test]
async fn a_mail_survives_a_crash_while_it_is_handed_over() {
    let Some(mut smtp) = Smtp::new() else { return };
    smtp.start().await;
    let dir = open_folder();
    let mut server = Process::serve(dir.path(), &["--mail-url", &smtp.url()]);
    confirmed(&server.client(), &smtp).await;
    let frozen = smtp.freeze();
    forgot(&server.client()).await;
    let in_hand = "SELECT count(*) FROM auth.outbox WHERE attempts = 1";
    until("the handing over", async || ask(&database(dir.path()), in_hand).await == "1").await;
    server.signal("KILL");
    server.wait();
    drop(frozen);
    let (server, tokens) = after_a_crash(&smtp, dir.path()).await;
    reset(&server.client(), &tokens[0]).await;
}
