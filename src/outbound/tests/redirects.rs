use std::net::Ipv4Addr;

use super::server::{
    TestNames, TestServer, client_with_names, fetch, head, ok, redirect, send, test_client, test_settings,
};
use crate::outbound::client::OutboundClient;
use crate::outbound::error::{FetchError, RedirectRefusal};
use crate::outbound::guard::UrlRefusal;

/// Follows a redirect to `location`. Returns why it was refused.
async fn find_refusal(location: &str) -> RedirectRefusal {
    let text = location.to_owned();
    let server = TestServer::start(move |_| redirect(&text)).await;
    let fetched = fetch(&test_client(), &server.url("/")).await;
    assert_eq!(server.heads().len(), 1, "{location}");
    match fetched {
        Err(FetchError::RedirectRefused(refusal)) => refusal,
        other => panic!("{location}: {other:?}"),
    }
}

#[tokio::test]
async fn a_redirect_into_an_inner_network_is_refused() {
    for location in [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "//10.0.0.1/",
        "\\\\10.0.0.1\\",
        "/\\10.0.0.1/",
        "http:\\\\10.0.0.1",
        "https://192.168.0.1/",
        " http://10.0.0.1/ ",
    ] {
        let refusal = find_refusal(location).await;
        assert!(
            matches!(refusal, RedirectRefusal::Url { cause: UrlRefusal::Address(_), .. }),
            "{location}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_to_another_loopback_address_than_the_allowed_is_refused() {
    let inner = TestServer::start(|_| ok("secret")).await;
    let target = inner.url("/");
    let server = TestServer::start_on(Ipv4Addr::new(127, 0, 0, 2), move |_| redirect(target.as_str())).await;
    let mut settings = test_settings();
    settings.allowed_networks = vec!["127.0.0.2/32".parse().unwrap()];
    let client = OutboundClient::with_lookup(settings, TestNames::of(&[])).unwrap();
    let failure = fetch(&client, &server.url("/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RedirectRefused(RedirectRefusal::Url { .. })), "{failure:?}");
    assert_eq!(server.heads().len(), 1);
    assert_eq!(inner.heads().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_refused() {
    for location in
        ["file:///etc/passwd", "FILE:/etc/passwd", "gopher://127.0.0.1/", "data:,a", "ftp://a.test/"]
    {
        let refusal = find_refusal(location).await;
        assert!(
            matches!(refusal, RedirectRefusal::Url { cause: UrlRefusal::Scheme, .. }),
            "{location}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_with_a_user_or_to_a_port_of_another_protocol_is_refused() {
    let refusal = find_refusal("http://user:password@127.0.0.1/").await;
    assert!(matches!(refusal, RedirectRefusal::Url { cause: UrlRefusal::Credentials, .. }), "{refusal:?}");
    let refusal = find_refusal("http://127.0.0.1:22/").await;
    assert!(matches!(refusal, RedirectRefusal::Url { cause: UrlRefusal::Port(22), .. }), "{refusal:?}");
}

#[tokio::test]
async fn a_redirect_to_a_name_with_a_private_address_is_refused() {
    let server = TestServer::start(|_| redirect("http://inner.test/")).await;
    let names = TestNames::of(&[("inner.test", &[&["10.0.0.1"]])]);
    let failure = fetch(&client_with_names(&names), &server.url("/")).await.unwrap_err();
    assert!(
        matches!(&failure, FetchError::RefusedAddress { host, .. } if host == "inner.test"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error() {
    for location in ["http://[::1", "///10.0.0.1/", "http://256.0.0.1/", "http://"] {
        let refusal = find_refusal(location).await;
        assert!(matches!(refusal, RedirectRefusal::Invalid), "{location}: {refusal:?}");
    }
    let server = TestServer::start(|_| head("302 Found", "")).await;
    let failure = fetch(&test_client(), &server.url("/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RedirectRefused(RedirectRefusal::Invalid)), "{failure:?}");
    let server = TestServer::start(|_| {
        vec![send(
            b"HTTP/1.1 301 Moved\r\nLocation: /\xff\xfe\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )]
    });
    let failure = fetch(&test_client(), &server.await.url("/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RedirectRefused(RedirectRefusal::Invalid)), "{failure:?}");
}

/// A server that redirects `/1` to `/2` and so on, up to `last`.
async fn start_chain(last: u32) -> TestServer {
    TestServer::start(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        let step: u32 = path.trim_start_matches('/').parse().unwrap();
        if step < last { redirect(&format!("/{}", step + 1)) } else { ok("arrived") }
    })
    .await
}

#[tokio::test]
async fn five_redirects_are_followed() {
    let server = start_chain(5).await;
    let (downloaded, body) = fetch(&test_client(), &server.url("/0")).await.unwrap();
    assert_eq!((downloaded.url, body), (server.url("/5"), b"arrived".to_vec()));
}

#[tokio::test]
async fn six_redirects_are_too_many() {
    let server = start_chain(6).await;
    let failure = fetch(&test_client(), &server.url("/0")).await.unwrap_err();
    assert_eq!(failure.to_string(), "more than 5 redirects in a row");
    assert!(!failure.is_retryable());
    assert_eq!(server.heads().len(), 6);
}

#[tokio::test]
async fn a_redirect_to_itself_ends() {
    let server = TestServer::start(|_| redirect("")).await;
    let failure = fetch(&test_client(), &server.url("/")).await.unwrap_err();
    assert!(matches!(failure, FetchError::TooManyRedirects { max_redirects: 5 }), "{failure:?}");
}

#[tokio::test]
async fn redirects_may_be_refused_altogether() {
    let server = start_chain(1).await;
    let mut settings = test_settings();
    settings.max_redirects = 0;
    let client = OutboundClient::with_lookup(settings, TestNames::of(&[])).unwrap();
    let failure = fetch(&client, &server.url("/0")).await.unwrap_err();
    assert!(matches!(failure, FetchError::RedirectRefused(RedirectRefusal::Disabled)), "{failure:?}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn all_kinds_of_redirects_are_followed() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let server = TestServer::start(move |request| match request.starts_with("GET /to ") {
            true => ok("arrived"),
            false => head(status, "Location: to\r\n"),
        });
        let server = server.await;
        assert_eq!(fetch(&test_client(), &server.url("/from")).await.unwrap().1, b"arrived", "{status}");
    }
}

#[tokio::test]
async fn other_statuses_of_the_kind_are_no_redirects() {
    for status in [300, 304, 305, 306] {
        let server = TestServer::start(move |_| head(&format!("{status} X"), "Location: /to\r\n")).await;
        let failure = fetch(&test_client(), &server.url("/")).await.unwrap_err();
        assert!(matches!(failure, FetchError::Status { .. }), "{failure:?}");
        assert_eq!(server.heads().len(), 1);
    }
}

#[tokio::test]
async fn letters_beyond_ascii_in_a_redirect_are_understood() {
    let server = TestServer::start(|request| match request.starts_with("GET /%E5%9B%BE ") {
        true => ok("arrived"),
        false => redirect("/图"),
    });
    let server = server.await;
    assert_eq!(fetch(&test_client(), &server.url("/")).await.unwrap().1, b"arrived");
}

#[tokio::test]
async fn neither_cookies_nor_a_referer_are_carried_along() {
    let server = TestServer::start(|request| match request.starts_with("GET /to ") {
        true => ok("arrived"),
        false => head("302 Found", "Location: /to\r\nSet-Cookie: a=b; Path=/\r\n"),
    });
    let server = server.await;
    let client = test_client();
    fetch(&client, &server.url("/")).await.unwrap();
    fetch(&client, &server.url("/")).await.unwrap();
    let heads = server.heads();
    assert_eq!(heads.len(), 4);
    for head in heads {
        let head = head.to_ascii_lowercase();
        assert!(!head.contains("cookie") && !head.contains("referer"), "{head}");
    }
}
