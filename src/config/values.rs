//! The values that settings can have. Each refusal says what is wanted, and never repeats the value.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;
use ipnet::IpNet;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use url::{Host, Url};

use super::timezones::{find_near_names, find_timezone};

/// The longest duration of a setting: a year.
const MAX_SECONDS: u64 = 365 * 24 * 3600;

/// Parses a duration in whole seconds, at least 1.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    parse_whole(text, 1..=MAX_SECONDS).map(Duration::from_secs)
}

/// Parses a number of whole seconds, which may be 0.
pub(super) fn parse_pause(text: &str) -> Result<u64, String> {
    parse_whole(text, 0..=MAX_SECONDS)
}

/// Parses a duration in whole seconds; 0 turns off what it is for.
pub(super) fn parse_window(text: &str) -> Result<Duration, String> {
    parse_pause(text).map(Duration::from_secs)
}

/// Parses a number of threads.
pub(super) fn parse_threads(text: &str) -> Result<usize, String> {
    parse_count(text, 1..=512)
}

/// Parses a number of database connections.
pub(super) fn parse_pool_size(text: &str) -> Result<usize, String> {
    parse_count(text, 1..=10_000)
}

/// Parses how many of something there may be.
pub(super) fn parse_bound(text: &str) -> Result<usize, String> {
    parse_count(text, 1..=1_000_000)
}

fn parse_count(text: &str, range: RangeInclusive<u64>) -> Result<usize, String> {
    parse_whole(text, range).and_then(|number| usize::try_from(number).map_err(|cause| cause.to_string()))
}

fn parse_whole(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

/// Parses a number of bytes with a unit, like 64MiB; 0 needs none.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    const MAX: u64 = 1 << 40;
    let has_unit = text.trim().ends_with(|last: char| last.is_ascii_alphabetic());
    let bytes = parse_size::parse_size(text.trim()).ok();
    let bytes = bytes.filter(|bytes| *bytes <= MAX && (has_unit || *bytes == 0 || *bytes >= 1 << 20));
    bytes.ok_or_else(|| "must be a number of bytes with a unit, like 64MiB; at most 1TiB, or 0".to_owned())
}

/// Parses the IANA name of a time zone.
pub(super) fn parse_timezone(text: &str) -> Result<Tz, String> {
    find_timezone(text).ok_or_else(|| {
        format!("must be the IANA name of a time zone, like {}", find_near_names(text).join(", "))
    })
}

/// Parses the address of a listener.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let wanted = "must be an IP address and a port, like 127.0.0.1:8080 or [::1]:8080";
    text.trim().parse().map_err(|_| wanted.to_owned())
}

/// Parses a network, or one address.
pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "must be networks like 10.0.0.0/8 or addresses, separated by commas".to_owned())
}

/// Parses an origin (RFC 6454) as browsers write it, or `*`.
pub(super) fn parse_origin(text: &str) -> Result<String, String> {
    let wanted = "must be origins like https://www.example.org, separated by commas, or *";
    let text = text.trim();
    if text == "*" {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).ok().filter(is_bare).ok_or(wanted)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(wanted)?;
    // The port is known to be another than that of the scheme. Schemes of apps (capacitor://localhost) are origins too.
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Ok(format!("{}://{}{port}", url.scheme(), host.to_ascii_lowercase()))
}

/// Parses a host name as URLs have it, or `none`.
pub(super) fn parse_embed_host(text: &str) -> Result<String, String> {
    let wanted = "must be host names like player.bilibili.com, separated by commas, or none";
    let text = text.trim().to_ascii_lowercase();
    let url = Url::parse(&format!("https://{text}/")).map_err(|_| wanted)?;
    let is_plain = is_bare(&url) && url.port().is_none() && !text.contains([':', '/', '*']);
    let host = url.host_str().filter(|_| is_plain);
    host.map(str::to_owned).ok_or_else(|| wanted.to_owned())
}

/// Parses the URL of a site: its scheme, host and port.
pub(super) fn parse_base_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| is_web(url) && is_bare(url));
    url.map(|url| url.as_str().trim_end_matches('/').to_owned())
        .ok_or_else(|| "must be an http or https URL without a path, like https://www.example.org".to_owned())
}

/// Parses the URL of a page or a server.
pub(super) fn parse_web_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| is_web(url) && url.query().is_none() && url.fragment().is_none());
    url.map(|url| url.as_str().trim_end_matches('/').to_owned())
        .ok_or_else(|| "must be an http or https URL, like https://www.example.org/account".to_owned())
}

pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && !matches!(url.host(), None | Some(Host::Domain("")))
}

/// Whether a URL has nothing but scheme, host and port.
fn is_bare(url: &Url) -> bool {
    matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Parses the URL of a PostgreSQL server.
pub(super) fn parse_database_url(text: &str) -> Result<String, String> {
    // The cause is not shown: it can hold a part of the password.
    match text.trim().parse::<tokio_postgres::Config>() {
        Ok(config) if !config.get_hosts().is_empty() => Ok(text.trim().to_owned()),
        _ => Err("must be like postgresql://user:password@host:5432/database, with sslmode=disable, prefer or require"
            .to_owned()),
    }
}

/// Parses the URL of a mail server.
pub(super) fn parse_mail_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_valid = match text.split_once("://") {
        Some(("file", _)) => true,
        Some(("smtp" | "smtps", _)) => AsyncSmtpTransport::<Tokio1Executor>::from_url(text).is_ok(),
        _ => false,
    };
    let wanted = "must be smtp://host:port, smtps://user:password@host or file://";
    is_valid.then(|| text.to_owned()).ok_or_else(|| wanted.to_owned())
}

/// Parses the sender of mails.
pub(super) fn parse_sender(text: &str) -> Result<String, String> {
    let wanted = "must be an e-mail address, like news@example.org or News <news@example.org>";
    text.parse::<Mailbox>().map(|_| text.to_owned()).map_err(|_| wanted.to_owned())
}

/// Parses a folder that may be missing, but is not something else.
pub(super) fn parse_folder(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    let is_folder = !text.is_empty() && (path.is_dir() || !path.exists());
    is_folder.then(|| path.to_path_buf()).ok_or_else(|| "must be a folder".to_owned())
}

/// Parses where media are kept: a folder, or the address of a store.
pub(super) fn parse_media_store(text: &str) -> Result<String, String> {
    let wanted = "must be a folder, or s3://bucket/prefix";
    let is_usable = match text.split_once("://") {
        Some(("s3", place)) => {
            let bucket = place.split('/').next().unwrap_or_default();
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !bucket.is_empty() && bucket.bytes().all(is_word) && !place.contains(['?', '#', ' '])
        }
        Some(_) => false,
        None => parse_folder(text).is_ok(),
    };
    is_usable.then(|| text.trim_end_matches('/').to_owned()).ok_or_else(|| wanted.to_owned())
}

/// Parses what looks for malware: the address of clamd, or a program.
pub(super) fn parse_scanner(text: &str) -> Result<String, String> {
    let is_usable = match text.strip_prefix("clamd://") {
        Some(place) => {
            place.starts_with('/')
                || place
                    .rsplit_once(':')
                    .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        }
        None => Path::new(text).is_file(),
    };
    let wanted = "must be clamd://host:port, clamd:///path/of/the/socket, or a program";
    is_usable.then(|| text.to_owned()).ok_or_else(|| wanted.to_owned())
}

/// Parses a token that monitors send.
pub(super) fn parse_token(text: &str) -> Result<String, String> {
    let is_token = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| text.to_owned()).ok_or_else(|| "must be at least 16 visible ASCII characters".to_owned())
}

/// Parses the path of a file that exists.
pub(super) fn parse_file(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    path.is_file().then(|| path.to_path_buf()).ok_or_else(|| "must be a file".to_owned())
}

/// Parses the folder of PostgreSQL's programs.
pub(super) fn parse_pg_bin(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    let is_found = path.join("postgres").is_file() && path.join("initdb").is_file();
    is_found
        .then(|| path.to_path_buf())
        .ok_or_else(|| "must be a folder with postgres and initdb in it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (given, origin) in [
            ("https://www.example.org", "https://www.example.org"),
            (" https://WWW.Example.org/ ", "https://www.example.org"),
            ("https://example.org:443", "https://example.org"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://例子.cn", "https://xn--fsqu00a.cn"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("*", "*"),
        ] {
            assert_eq!(parse_origin(given).as_deref(), Ok(origin));
        }
        for wrong in [
            "",
            "null",
            "example.org",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://*.a b",
            "**",
        ] {
            assert!(parse_origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_of_players_has_no_scheme_port_or_path() {
        for (given, host) in [(" V.qq.com ", "v.qq.com"), ("例子.cn", "xn--fsqu00a.cn"), ("none", "none")] {
            assert_eq!(parse_embed_host(given).as_deref(), Ok(host));
        }
        for wrong in
            ["", "https://v.qq.com", "v.qq.com:8443", "v.qq.com:443", "v.qq.com/", "u@v.qq.com", "a b", "*"]
        {
            assert!(parse_embed_host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_site_is_a_scheme_and_a_host() {
        for (given, url) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://Example.org", "https://example.org"),
        ] {
            assert_eq!(parse_base_url(given).as_deref(), Ok(url));
        }
        for wrong in
            ["", "example.org", "ftp://a", "https://a/b", "https://a?x", "https://u:p@a", "https://a#b"]
        {
            assert!(parse_base_url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_web_url("https://a.org/account/").as_deref(), Ok("https://a.org/account"));
    }

    #[test]
    fn a_refusal_never_repeats_a_secret() {
        for wrong in ["postgres://ada:hidden@host:x/db", "hidden", "mysql://hidden@host"] {
            assert!(parse_database_url(wrong).is_err_and(|wanted| !wanted.contains("hid")), "{wrong}");
        }
        assert!(parse_mail_url("smtp://ada:hidden@:x").is_err_and(|wanted| !wanted.contains("hidden")));
        assert!(parse_database_url("postgresql:///inkstone?host=/run/postgresql").is_ok());
    }

    #[test]
    fn numbers_have_bounds() {
        for wrong in ["", "-1", "0", "1.5", "x", "18446744073709551615", "99999999999999999999"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
        assert!(parse_threads("513").is_err() && parse_pool_size("0").is_err() && parse_pause("0").is_ok());
    }
}
