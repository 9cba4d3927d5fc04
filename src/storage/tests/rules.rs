//! Names and settings: what is allowed, and what is said otherwise.

use std::path::PathBuf;

use super::super::{Addressing, StoreError};
use super::*;

#[test]
fn names_have_only_harmless_characters() {
    let long = "a/".repeat(255) + "ab";
    for allowed in ["a", "originals/ab/cd/0123", "a.b/c_d-e", "uploads/1/0-x", "a..b", &long] {
        assert_eq!(ObjectName::new(allowed).unwrap().as_str(), allowed);
    }
    let (too_long, long_segment) = (long.clone() + "c", "a".repeat(201));
    let refused = [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/.tmp",
        ".tmp/x",
        "A",
        "a b",
        "a\0",
        "ä",
        "a\\b",
        "a%2f",
        "a:b",
        "a\n",
        "\u{202e}a",
        &too_long,
        &long_segment,
    ];
    for refused in refused {
        let sentence = ObjectName::new(refused).unwrap_err().to_string();
        assert!(sentence.ends_with('.'), "{refused:?}: {sentence}");
    }
}

#[test]
fn an_address_is_a_path_or_a_bucket() {
    let parse = |address: &str| StoreSettings::parse(address, &s3_options());
    for (address, path) in [("/srv/media", "/srv/media"), ("media", "media"), ("file:///a%20b", "/a b")] {
        let StoreSettings::Folder(folder) = parse(address).unwrap() else { panic!("{address} is a bucket") };
        assert_eq!(folder, PathBuf::from(path));
    }
    for wrong in ["", "file://host/a", "http://bucket", "s3://", "s3://ab", "s3://Bucket/a"] {
        assert!(parse(wrong).unwrap_err().to_string().ends_with('.'), "{wrong}");
    }
    for wrong in ["s3://bucket/../a", "s3://bucket//a", "s3://bucket/A", "s3://bucket/.tmp", "s3://a..b/c"] {
        assert!(parse(wrong).unwrap_err().to_string().ends_with('.'), "{wrong}");
    }
}

/// The endpoint of requests, and whether the host names the bucket.
fn endpoint(address: &str, options: &S3Options) -> Result<(String, bool), String> {
    match StoreSettings::parse(address, options) {
        Ok(StoreSettings::S3(settings)) => Ok((settings.endpoint, settings.is_virtual_hosted)),
        Ok(StoreSettings::Folder(_)) => panic!("{address} is a folder"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn requests_name_the_bucket_where_the_service_expects_it() {
    let at = |endpoint: Option<&str>, addressing| S3Options {
        endpoint: endpoint.map(str::to_owned),
        region: Some("eu-west-1".to_owned()),
        addressing,
        ..s3_options()
    };
    let (auto, path, host) = (Addressing::Auto, Addressing::Path, Addressing::VirtualHosted);
    let cases = [
        ("s3://bucket", None, auto, "https://bucket.s3.eu-west-1.amazonaws.com", true),
        ("s3://buc.ket", None, auto, "https://s3.eu-west-1.amazonaws.com", false),
        ("s3://bucket/a/", None, path, "https://s3.eu-west-1.amazonaws.com", false),
        ("s3://bucket", Some("https://s3.example.org/"), auto, "https://s3.example.org", false),
        ("s3://bucket", Some("https://example.org:9000"), host, "https://bucket.example.org:9000", true),
        ("s3://bucket", Some("http://[::1]:9000"), auto, "http://[::1]:9000", false),
    ];
    for (address, given, addressing, expected, is_virtual) in cases {
        let found = endpoint(address, &at(given, addressing));
        assert_eq!(found, Ok((expected.to_owned(), is_virtual)), "{address}");
    }
    assert!(endpoint("s3://bucket", &at(Some("http://127.0.0.1:9000"), host)).is_err());
}

#[test]
fn contradictory_settings_are_refused_with_a_sentence() {
    let with = |endpoint: &str| S3Options { endpoint: Some(endpoint.to_owned()), ..s3_options() };
    let no_http = S3Options { allow_http: false, ..with("http://s3.example.org") };
    let no_id = S3Options { access_key_id: Some(" ".to_owned()), ..s3_options() };
    let no_secret = S3Options { secret_access_key: None, ..s3_options() };
    let bad_region = S3Options { region: Some("eu.evil.org/".to_owned()), ..s3_options() };
    let wrong = [
        no_http,
        no_id,
        no_secret,
        bad_region,
        with("s3.example.org"),
        with("https://s3.example.org/path"),
        with("https://user:hunter2@s3.example.org"),
        with("ftp://s3.example.org"),
        with("https://s3.example.org?a=b"),
    ];
    for options in wrong {
        let sentence = endpoint("s3://bucket", &options).unwrap_err();
        assert!(sentence.ends_with('.') && !sentence.contains("hunter2"), "{sentence}");
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let options = S3Options { secret_access_key: Some(Secret::new("hunter2")), ..s3_options() };
    let settings = StoreSettings::parse("s3://bucket/p", &options).unwrap();
    let store = Store::open(&settings).unwrap();
    let shown = format!("{options:?} {settings:?} {store:?}");
    assert!(!shown.contains("hunter2") && shown.contains("Store(s3://bucket/p)"), "{shown}");
}

#[test]
fn a_full_disk_and_a_forbidden_one_are_told_apart() {
    let of = |code| StoreError::from_io("writing", &std::io::Error::from_raw_os_error(code));
    // ENOSPC, EDQUOT, EACCES, EROFS, EIO.
    assert!(matches!(of(28), StoreError::Full(_)));
    assert!(matches!(of(122), StoreError::Full(_)));
    assert!(matches!(of(13), StoreError::Refused { code, .. } if code == "PermissionDenied"));
    assert!(matches!(of(30), StoreError::Refused { code, .. } if code == "ReadOnlyFilesystem"));
    assert!(matches!(of(5), StoreError::Other(message) if message.starts_with("writing: ")));
}
