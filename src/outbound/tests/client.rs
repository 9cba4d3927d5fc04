use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpListener;
use url::Url;

use super::server::{
    LIMITS, TestNames, TestServer, client_with_names, fetch, ok, redirect, test_client, test_settings, url,
};
use crate::outbound::client::{ClientSettings, OutboundClient};
use crate::outbound::error::FetchError;
use crate::outbound::guard::UrlRefusal;

/// Fetches names that lead to a server that would answer, if it were asked. Checks that all are refused.
async fn assert_names_refused(answer: &[&str]) {
    let server = TestServer::start(|_| ok("secret")).await;
    let names = TestNames::of(&[("victim.test", &[answer])]);
    let failure = fetch(&client_with_names(&names), &server.named_url("victim.test", "/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RefusedAddress { .. }), "{answer:?}: {failure:?}");
    assert_eq!(failure.to_string(), "victim.test leads to a network that is not public");
    assert!(!failure.is_retryable());
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn a_name_with_a_private_address_is_refused() {
    for address in ["10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00::1"] {
        assert_names_refused(&[address]).await;
    }
}

#[tokio::test]
async fn a_name_with_a_good_and_a_private_address_is_refused() {
    assert_names_refused(&["127.0.0.1", "10.0.0.1"]).await;
    assert_names_refused(&["10.0.0.1", "127.0.0.1"]).await;
    assert_names_refused(&["127.0.0.1", "::1"]).await;
}

#[tokio::test]
async fn the_names_of_metadata_services_are_refused_by_their_address() {
    let names = TestNames::of(&[("metadata.google.internal", &[&["169.254.169.254"]])]);
    let failure =
        fetch(&client_with_names(&names), &url("http://metadata.google.internal/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RefusedAddress { .. }), "{failure:?}");
}

#[tokio::test]
async fn what_is_connected_to_is_what_was_checked() {
    // The second answer would be refused: a client that looks the name up once more does not arrive.
    let names = TestNames::of(&[("rebinding.test", &[&["127.0.0.1"], &["10.0.0.1"]])]);
    let server = TestServer::start(|_| ok("body")).await;
    let client = client_with_names(&names);
    let target = server.named_url("rebinding.test", "/");
    assert_eq!(fetch(&client, &target).await.unwrap().1, b"body");
    assert_eq!(names.lookups(), ["rebinding.test"]);
    // A new connection is checked anew.
    let failure = fetch(&client, &target).await.unwrap_err();
    assert!(matches!(failure, FetchError::RefusedAddress { .. }), "{failure:?}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_the_same_name_is_checked_anew() {
    let names = TestNames::of(&[("rebinding.test", &[&["127.0.0.1"], &["169.254.169.254"]])]);
    let server = TestServer::start(|_| redirect("/again")).await;
    let failure =
        fetch(&client_with_names(&names), &server.named_url("rebinding.test", "/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RefusedAddress { .. }), "{failure:?}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn an_address_as_host_is_refused_before_it_is_connected_to() {
    let server = TestServer::start(|_| ok("secret")).await;
    let mut settings = test_settings();
    settings.allowed_networks.clear();
    let client = OutboundClient::with_lookup(settings, TestNames::of(&[])).unwrap();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0", "localhost"] {
        let failure = fetch(&client, &server.named_url(host, "/")).await.unwrap_err();
        assert!(matches!(failure, FetchError::RefusedUrl(UrlRefusal::Address(_))), "{host}: {failure:?}");
    }
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn the_name_of_the_machine_is_refused_by_the_usual_client() {
    let client = OutboundClient::new(ClientSettings::new("Inkstone-Test/1")).unwrap();
    let failure = fetch(&client, &url("http://localhost:8080/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RefusedUrl(UrlRefusal::Address(_))), "{failure:?}");
}

#[tokio::test]
async fn the_resolver_of_the_system_knows_no_label_of_64_letters() {
    // RFC 1035 §2.3.4: no question to a server can be made of it.
    let client = OutboundClient::new(ClientSettings::new("Inkstone-Test/1")).unwrap();
    let failure = fetch(&client, &url(&format!("http://{}.test/", "a".repeat(64)))).await.unwrap_err();
    assert!(matches!(failure, FetchError::NameNotFound { .. }), "{failure:?}");
}

#[tokio::test]
async fn the_resolver_of_the_system_finds_an_allowed_host() {
    let server = TestServer::start(|_| ok("body")).await;
    let mut settings = test_settings();
    settings.allowed_networks.push("::1/128".parse().unwrap());
    let client = OutboundClient::new(settings).unwrap();
    assert_eq!(fetch(&client, &server.named_url("localhost", "/")).await.unwrap().1, b"body");
}

#[tokio::test]
async fn an_unknown_name_and_a_failed_look_up_are_told_apart() {
    let client = test_client();
    let failure = fetch(&client, &url("http://unknown.test/")).await.unwrap_err();
    assert_eq!(failure.to_string(), "the name unknown.test was not found");
    assert!(!failure.is_retryable());
    let failure = fetch(&client, &url("http://failing.test/")).await.unwrap_err();
    assert_eq!(failure.to_string(), "the name failing.test could not be looked up");
    assert!(failure.is_retryable());
}

#[tokio::test]
async fn a_name_without_an_address_is_not_found() {
    let names = TestNames::of(&[("empty.test", &[&[]])]);
    let failure = fetch(&client_with_names(&names), &url("http://empty.test/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::NameNotFound { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_host_that_takes_no_connection_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = url(&format!("http://{}/", listener.local_addr().unwrap()));
    drop(listener);
    let failure = fetch(&test_client(), &target).await.unwrap_err();
    assert_eq!(failure.to_string(), "127.0.0.1 cannot be reached");
    assert!(failure.is_retryable());
}

#[tokio::test]
async fn a_request_says_who_asks_and_nothing_else() {
    let server = TestServer::start(|_| ok("")).await;
    fetch(&test_client(), &server.url("/a?b#c")).await.unwrap();
    let head = server.heads().remove(0).to_ascii_lowercase();
    let (line, headers) = head.split_once("\r\n").unwrap();
    assert_eq!(line, "get /a?b http/1.1");
    let mut headers: Vec<&str> = headers.lines().filter(|line| !line.is_empty()).collect();
    headers.sort_unstable();
    let host = format!("host: {}", server.address);
    assert_eq!(headers, ["accept-encoding: identity", "accept: */*", &host, "user-agent: inkstone-test/1"]);
}

#[tokio::test]
async fn other_methods_are_sent_once_and_not_redirected() {
    let server = TestServer::start(|_| redirect("/elsewhere")).await;
    let client = test_client();
    let request = client.request(Method::POST, &server.url("/hook")).unwrap().body("event");
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_request_to_what_may_not_be_reached_cannot_be_begun() {
    let refusal = test_client().request(Method::POST, &url("http://10.0.0.1/hook")).unwrap_err();
    assert!(matches!(refusal, FetchError::RefusedUrl(UrlRefusal::Address(_))), "{refusal:?}");
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_not_sent() {
    let server = TestServer::start(|_| ok("")).await;
    let client = test_client();
    let request = client.request(Method::POST, &server.url("/")).unwrap().header("a", "b\nc");
    let failure = client.send(request).await.unwrap_err();
    assert!(matches!(failure, FetchError::InvalidRequest(_)), "{failure:?}");
    assert!(!failure.is_retryable());
    assert_eq!(server.heads().len(), 0);
}

/// The environment is one of a process, so that this test runs itself in a process of its own.
#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    if std::env::var_os("HTTP_PROXY").is_none() {
        let name = std::thread::current().name().unwrap().to_owned();
        let mut child = Command::new(std::env::current_exe().unwrap());
        // Nobody listens on port 1.
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            child.env(variable, "http://127.0.0.1:1");
        }
        let output =
            child.args(["--exact", &name]).env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let server = TestServer::start(|_| ok("body")).await;
    assert_eq!(fetch(&test_client(), &server.url("/")).await.unwrap().1, b"body");
}

#[tokio::test]
async fn a_download_may_run_in_a_task() {
    let server = TestServer::start(|_| ok("body")).await;
    let (client, target) = (test_client(), server.url("/"));
    let task = tokio::spawn(async move { client.download(&target, &mut tokio::io::sink(), LIMITS).await });
    assert_eq!(task.await.unwrap().unwrap().bytes, 4);
}

#[test]
fn a_user_agent_that_is_not_a_header_is_an_error() {
    let mut settings = test_settings();
    settings.user_agent = "a\nb".to_owned();
    assert!(OutboundClient::new(settings).is_err());
}

#[test]
fn the_usual_settings_allow_no_network() {
    let settings = ClientSettings::new("a");
    assert!(settings.allowed_networks.is_empty());
    assert_eq!(settings.connect_timeout, Duration::from_secs(10));
    let client = OutboundClient::new(settings).unwrap();
    assert!(client.guard().check_url(&Url::parse("http://127.0.0.1/").unwrap()).is_err());
}
