//! Mail sent to a real SMTP server: the mails are enough to sign in, and an outage loses none.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use inkstone::db::embedded::Embedded;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::mail::{FORGOT, NEW, REGISTER, RESET, VERIFY, find_token, read_mails};
use super::{PASSWORD, login};
use crate::harness::machine::{Frozen, ask, execute, until};
use crate::harness::process::{Process, open_folder};
use crate::harness::{Client, TestApp};

const ADA: &str = "ada@example.org";

/// An SMTP server on loopback, which stores mails in a Maildir.
struct Smtp {
    port: u16,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Smtp {
    /// Returns a server that does not run yet. If aiosmtpd is not installed, returns `None` and
    /// prints a line, or fails if `CI` is set.
    #[expect(clippy::explicit_write, reason = "eprintln would be captured, and nobody would see it")]
    fn new() -> Option<Self> {
        let there = Command::new("python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            let advice =
                "no SMTP server to test with: pip install aiosmtpd (or apt install python3-aiosmtpd)";
            assert!(std::env::var_os("CI").is_none(), "{advice}");
            // Printed in a way that the test runner does not capture.
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
        let with_one = || read_mails(&self.inbox(), ADA).into_iter().filter(|mail| mail.contains(prefix));
        until("mail", async || with_one().count() > 0).await;
        with_one().map(|mail| find_token(&mail, prefix)).collect()
    }

    /// Stops the server from answering, while the system still accepts connections to it.
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

/// Registers Ada and verifies her email by the token in the mail.
async fn register_verified(anon: &Client, smtp: &Smtp) {
    anon.post(REGISTER, json!({"email": ADA, "password": PASSWORD})).await.expect(202);
    let token = smtp.tokens("inkv_").await.remove(0);
    assert_eq!(login(anon, ADA, PASSWORD).await.status, 401);
    anon.post(VERIFY, json!({"token": token})).await.expect(204);
    login(anon, ADA, PASSWORD).await.expect(200);
}

async fn request_reset(anon: &Client) {
    anon.post(FORGOT, json!({"email": ADA})).await.expect(202);
}

async fn reset_password(anon: &Client, token: &str) {
    anon.post(RESET, json!({"token": token, "password": NEW})).await.expect(204);
    assert_eq!(login(anon, ADA, PASSWORD).await.status, 401);
    login(anon, ADA, NEW).await.expect(200);
}

#[actix_web::test]
async fn mails_verify_an_email_and_reset_a_password() {
    let Some(mut smtp) = Smtp::new() else { return };
    smtp.start().await;
    let (_app, anon) = TestApp::start_with(&["--mail-url", &smtp.url()]).await;
    register_verified(&anon, &smtp).await;
    request_reset(&anon).await;
    let tokens = smtp.tokens("inkp_").await;
    assert_eq!(tokens.len(), 1);
    reset_password(&anon, &tokens[0]).await;
    until("the notice", async || read_mails(&smtp.inbox(), ADA).len() == 3).await;
}

#[actix_web::test]
async fn mails_wait_for_a_server_that_is_down_and_answers_do_not() {
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

/// Returns the URL of the database of the process in `dir`.
fn find_database(dir: &Path) -> String {
    Embedded::find_running(dir).unwrap()
}

/// Starts Inkstone again after a crash, waits until nothing is left to send, and returns the tokens that arrived.
async fn restart_after_crash(smtp: &Smtp, dir: &Path) -> (Process, Vec<String>) {
    let server = Process::serve(dir, &["--mail-url", &smtp.url()]);
    // Mails that the killed process had claimed are due again after two minutes; this makes them due now.
    execute(&find_database(dir), "UPDATE auth.outbox SET due_at = now()").await;
    let left = "SELECT count(*) FROM auth.outbox";
    until("an empty outbox", async || ask(&find_database(dir), left).await == "0").await;
    let tokens = smtp.tokens("inkp_").await;
    assert!(tokens.len() <= 2 && tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    (server, tokens)
}

#[actix_web::test]
async fn a_requested_mail_survives_a_crash_right_after_the_answer() {
    let Some(mut smtp) = Smtp::new() else { return };
    smtp.start().await;
    let dir = open_folder();
    let mut server = Process::serve(dir.path(), &["--mail-url", &smtp.url()]);
    register_verified(&server.client(), &smtp).await;
    request_reset(&server.client()).await;
    server.signal("KILL");
    server.wait();
    let (server, tokens) = restart_after_crash(&smtp, dir.path()).await;
    reset_password(&server.client(), &tokens[0]).await;
}

#[actix_web::test]
async fn a_mail_survives_a_crash_while_it_is_sent() {
    let Some(mut smtp) = Smtp::new() else { return };
    smtp.start().await;
    let dir = open_folder();
    let mut server = Process::serve(dir.path(), &["--mail-url", &smtp.url()]);
    register_verified(&server.client(), &smtp).await;
    let frozen = smtp.freeze();
    request_reset(&server.client()).await;
    let in_hand = "SELECT count(*) FROM auth.outbox WHERE attempts = 1";
    until("the handing over", async || ask(&find_database(dir.path()), in_hand).await == "1").await;
    server.signal("KILL");
    server.wait();
    drop(frozen);
    let (server, tokens) = restart_after_crash(&smtp, dir.path()).await;
    reset_password(&server.client(), &tokens[0]).await;
}

/// A mail server that begins to greet and never comes to an end, a line at a time.
async fn start_dripping_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    actix_web::rt::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            actix_web::rt::spawn(async move {
                let mut ticks = actix_web::rt::time::interval(Duration::from_millis(100));
                while client.write_all(b"220-patience\r\n").await.is_ok() {
                    ticks.tick().await;
                }
            });
        }
    });
    url
}

#[actix_web::test]
async fn a_mail_server_that_never_ends_its_answer_does_not_stop_the_mails() {
    let url = start_dripping_server().await;
    let (app, anon) = TestApp::start_with(&["--mail-url", &url, "--mail-timeout", "1"]).await;
    for at in 0..3 {
        let email = format!("ada{at}@example.org");
        anon.post(REGISTER, json!({"email": email, "password": PASSWORD})).await.expect(202);
    }
    // Both workers were free again for the third mail, and the first was tried again.
    let tried = "SELECT min(attempts) > 0 AND max(attempts) > 1 FROM auth.outbox";
    until("all tries", async || ask(&app.db.url, tried).await == "true").await;
}
