//! Addresses that webhooks must not lead to.

use std::net::TcpListener;

use serde_json::json;

use super::{WEBHOOKS, path_of};
use crate::harness::TestApp;
use crate::harness::machine::until;
use inkstone::operations::Role;

/// Addresses that lead to the machine itself or its networks, or are none of the web. `PORT` is that of a listener that nobody
/// may reach.
const REFUSED: &[&str] = &[
    "http://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://017700000001:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://１２７.0.0.1:PORT/",
    "http://127。0。0。1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST.:PORT/",
    "http://a.localhost:PORT/",
    "http://[::]:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[64:ff9b:1::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[fc00::1]:PORT/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]:PORT/",
    "http://[fe80::1%25lo]:PORT/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://user@example.org/",
    "http://user:password@example.org/",
    "http://127.0.0.1:PORT@example.org/",
    "http://example.org:22/",
    "http://example.org:25/",
    "http://example.org:6667/",
    "http://example.org:3306/",
    "http://example.org:5432/",
    "http://example.org:6379/",
    "http://example.org:11211/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "ftp://example.org/",
    "data:text/plain,a",
    "javascript:alert(1)",
    "//example.org/",
    "/hook",
    "http://",
    "not an address",
];

#[actix_web::test]
async fn no_webhook_leads_into_the_network_of_the_machine() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let port = canary.local_addr().unwrap().port().to_string();
    for address in REFUSED {
        let url = address.replace("PORT", &port);
        let refused = admin.post(WEBHOOKS, json!({"url": url, "events": ["*"]})).await.expect(422);
        assert_eq!(refused.faults(), [("/url".to_owned(), "invalid_format".to_owned())], "{url}");
    }
    // What came into the table in another way is refused when it is sent.
    let made = admin.post(WEBHOOKS, json!({"url": "https://example.org/", "events": ["*"]})).await.data(201);
    let sent = ["http://127.0.0.1:PORT/", "http://ip6-localhost:PORT/", "http://localhost.:PORT/"];
    for (number, address) in sent.into_iter().enumerate() {
        let url = address.replace("PORT", &port);
        app.db_execute(&format!("UPDATE webhooks SET url = '{url}'")).await;
        let test = admin.act(&format!("{}/test", path_of(&made))).await.data(202);
        let deliveries = format!("{}/deliveries", path_of(&made));
        until(&format!("try {number} to be logged"), async || {
            let logged = admin.get(&deliveries).await.data(200);
            let own = logged.as_array().unwrap().iter().find(|one| one["id"] == test["id"]).cloned().unwrap();
            own["attempts"][0]["error"].is_string() && own["attempts"][0]["status"].is_null()
        })
        .await;
    }
    assert!(canary.accept().is_err(), "nobody has come");
    let text = admin.get(&format!("{}/deliveries", path_of(&made))).await.text();
    assert!(!text.contains("::1"), "inner addresses are for the log alone");
}
