use std::net::{IpAddr, Ipv4Addr};

use crate::outbound::guard::{Guard, MAX_URL_BYTES, UrlRefusal};

/// Checks that all of `texts` are refused for a reason.
fn assert_refused(texts: &[&str], is_right: impl Fn(&UrlRefusal) -> bool) {
    for text in texts {
        match Guard::default().parse_url(text) {
            Ok(url) => panic!("{text} was let through as {url}"),
            Err(refusal) => assert!(is_right(&refusal), "{text}: {refusal:?}"),
        }
    }
}

fn assert_refused_address(texts: &[&str]) {
    assert_refused(texts, |refusal| matches!(refusal, UrlRefusal::Address(_)));
}

#[test]
fn public_addresses_are_let_through() {
    for text in [
        "http://example.com/",
        "https://example.com:443/a.jpg?b=c#d",
        "http://example.com:8080/",
        "https://8.8.8.8/",
        "https://[2001:4860:4860::8888]/",
        "https://[64:ff9b::8.8.8.8]/",
        "https://例子.测试/图.jpg",
        "https://example.com./",
        "http://localhost.example.com/",
        "http://notlocalhost/",
        "http://127.0.0.1.nip.io/",
        "http:\\\\example.com\\a.jpg",
    ] {
        assert!(Guard::default().parse_url(text).is_ok(), "{text}");
    }
}

const LOOPBACK: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0177.0.0.0x1/",
    "http://00000177.0.0.1/",
    "http://127.0.0.1./",
    "http://127.255.255.254/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000::0001]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://\t127.0.0.1/",
    "http://127.0\n.0.1/",
    "ht\ntp://127.0.0.1/",
    " http://127.0.0.1/ ",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "http:////127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "HTTP://127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://@127.0.0.1/",
    "http://:@127.0.0.1/",
];

#[test]
fn loopback_in_any_form_is_refused() {
    assert_refused_address(LOOPBACK);
}

#[test]
fn localhost_in_any_form_is_refused_without_a_look_up() {
    assert_refused_address(&[
        "http://localhost/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://local%68ost/",
        "http://ｌｏｃａｌｈｏｓｔ/",
        "http://loc\u{ad}alhost/",
        "http://a.localhost/",
        "http://a.b.LocalHost./",
    ]);
}

#[test]
fn inner_networks_and_metadata_services_are_refused() {
    assert_refused_address(&[
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "http://[5f00::1]/",
        "http://[100::1]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://198.18.0.1/",
    ]);
}

#[test]
fn what_is_not_a_host_is_refused() {
    assert_refused(
        &[
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://256.0.0.1/",
            "http://127.0.0.0.1/",
            "http://0x100000000/",
            "http://127.0.0.1%00.example.com/",
            "http://127.0.0.1%0a.example.com/",
            "http://exa mple.com/",
            "http://example.com%2f@127.0.0.1:80:80/",
            "http://exam%70le.com%3a80/",
            "http://[::1/",
            "http://example.com:99999/",
            "http://",
            "//127.0.0.1/",
            "/etc/passwd",
            "",
        ],
        |refusal| matches!(refusal, UrlRefusal::Invalid(_)),
    );
}

#[test]
fn other_schemes_are_refused() {
    assert_refused(
        &[
            "file:///etc/passwd",
            "file://127.0.0.1/etc/passwd",
            "ftp://example.com/",
            "gopher://127.0.0.1:6379/_PING",
            "data:text/plain,a",
            "javascript:alert(1)",
            "dict://127.0.0.1:11211/",
            "ws://example.com/",
            "unix:/run/docker.sock",
            "localhost:8080/",
            "blob:http://127.0.0.1/a",
        ],
        |refusal| *refusal == UrlRefusal::Scheme,
    );
}

#[test]
fn a_user_or_a_password_is_refused() {
    assert_refused(
        &[
            "http://user@example.com/",
            "http://user:password@example.com/",
            "http://:password@example.com/",
            "http://example.com@127.0.0.1/",
            "http://example.com%40127.0.0.1@8.8.8.8/",
            "http://example.com:80@127.0.0.1/",
        ],
        |refusal| *refusal == UrlRefusal::Credentials,
    );
}

#[test]
fn ports_of_other_protocols_are_refused() {
    for port in [0, 1, 22, 25, 53, 79, 81, 442, 444, 1023, 2049, 5060, 6000, 6667, 10080] {
        let refusal = Guard::default().parse_url(&format!("http://example.com:{port}/"));
        assert_eq!(refusal.unwrap_err(), UrlRefusal::Port(port));
    }
    for port in [80, 443, 1024, 3000, 8080, 8443, 65535] {
        assert!(Guard::default().parse_url(&format!("http://example.com:{port}/")).is_ok(), "{port}");
    }
}

#[test]
fn a_url_that_is_too_long_is_refused() {
    let text = |bytes: usize| format!("http://example.com/{}", "a".repeat(bytes - 19));
    assert!(Guard::default().parse_url(&text(MAX_URL_BYTES)).is_ok());
    assert_eq!(Guard::default().parse_url(&text(MAX_URL_BYTES + 1)), Err(UrlRefusal::TooLong));
    // Each of these letters takes nine bytes once it is escaped.
    let escaped = format!("http://example.com/{}", "图".repeat(MAX_URL_BYTES / 8));
    assert_eq!(Guard::default().parse_url(&escaped), Err(UrlRefusal::TooLong));
}

#[test]
fn an_allowed_network_is_let_through_and_nothing_beside_it() {
    let guard = Guard::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
    for text in ["http://10.1.2.3:8080/", "http://[fd00:1::5]/", "https://8.8.8.8/"] {
        assert!(guard.parse_url(text).is_ok(), "{text}");
    }
    for text in [
        "http://10.2.0.1/",
        "http://[fd00:2::5]/",
        "http://[::ffff:10.1.2.3]/",
        "http://[64:ff9b::10.1.2.3]/",
        "http://localhost/",
        "http://169.254.169.254/",
    ] {
        assert!(guard.parse_url(text).is_err(), "{text}");
    }
}

#[test]
fn localhost_is_let_through_where_one_of_its_addresses_is_allowed() {
    for network in ["127.0.0.0/8", "::1/128"] {
        let guard = Guard::new(vec![network.parse().unwrap()]);
        assert!(guard.parse_url("http://app.localhost:3000/").is_ok(), "{network}");
    }
    assert!(Guard::new(vec!["10.0.0.0/8".parse().unwrap()]).parse_url("http://localhost/").is_err());
}

#[test]
fn one_address_that_is_refused_refuses_all() {
    let (public, private): (IpAddr, IpAddr) =
        (Ipv4Addr::new(8, 8, 8, 8).into(), Ipv4Addr::new(10, 0, 0, 1).into());
    let guard = Guard::default();
    assert!(guard.check_addresses(&[public, public]).is_ok());
    assert_eq!(guard.check_addresses(&[public, private]).unwrap_err().address, private);
    assert_eq!(guard.check_addresses(&[private, public]).unwrap_err().address, private);
}

#[test]
fn a_refusal_tells_strangers_neither_the_address_nor_its_network() {
    let refusal = Guard::default().parse_url("http://10.0.0.1/").unwrap_err();
    assert_eq!(refusal.to_string(), "the address leads to a network that is not public");
}
