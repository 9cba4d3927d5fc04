//! Decides which addresses of the web may be reached.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::{Host, Url};

use super::networks::{NetworkKind, find_special_kind};

/// Longer URLs are refused. Few servers take one of more than 8 KB.
pub const MAX_URL_BYTES: usize = 8 << 10;

/// Ports from here on need no privileges to listen on, and may be reached.
const FIRST_FREE_PORT: u16 = 1024;
/// Ports from [`FIRST_FREE_PORT`] on that other protocols than HTTP use, which a request could confuse: those that browsers
/// refuse (<https://fetch.spec.whatwg.org/#port-blocking>), and those of databases, queues and desktops (IANA).
const BAD_PORTS: &[u16] = &[
    1433, 1521, 3306, 3389, 5432, 5672, 5900, 6379, 9042, 11211, 27017, 1719, 1720, 1723, 2049, 3659, 4045,
    4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Whether an IP address is public unicast: one that a host of the internet may have.
///
/// Source: the IANA special-purpose address registries, see [`super::networks`].
pub fn is_public(address: IpAddr) -> bool {
    find_special_kind(address).is_none()
}

/// Decides which addresses may be reached: public ones, and those of the networks that are allowed by exception.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Vec<IpNet>,
}

impl Guard {
    /// A guard that also lets the networks `allowed` through.
    ///
    /// They are compared with an address as it is written: a network of IPv4 allows none of the IPv6 forms of its
    /// addresses.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether an IP address may be reached.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.check_address(address).is_ok()
    }

    /// Checks an IP address. Fails if it is neither public nor of an allowed network.
    pub fn check_address(&self, address: IpAddr) -> Result<(), AddressRefusal> {
        match find_special_kind(address) {
            Some(kind) if !self.allowed.iter().any(|network| network.contains(&address)) => {
                Err(AddressRefusal { address, kind })
            }
            _ => Ok(()),
        }
    }

    /// Checks all addresses of a name. Fails if a single one may not be reached: a name that has public and private
    /// addresses is a trick or a mistake, and leaving out the private ones would hide it.
    pub fn check_addresses(&self, addresses: &[IpAddr]) -> Result<(), AddressRefusal> {
        addresses.iter().try_for_each(|address| self.check_address(*address))
    }

    /// Parses and checks a URL that somebody wrote.
    pub fn parse_url(&self, text: &str) -> Result<Url, UrlRefusal> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlRefusal::TooLong);
        }
        let url = Url::parse(text).map_err(UrlRefusal::Invalid)?;
        self.check_url(&url)?;
        Ok(url)
    }

    /// Checks a URL before its host is looked up.
    ///
    /// The scheme must be `http` or `https`, there must be no user or password, and the port must be 80, 443, or one
    /// from 1024 on that no other protocol is known for. An IP address as host is judged at once; the URL parser has
    /// already turned decimal, octal, hexadecimal, short and full-width forms of IPv4 into the usual one. `localhost`
    /// and names below it are loopback, whatever a resolver says (RFC 6761). Other names are judged by their addresses,
    /// when they are connected to.
    pub fn check_url(&self, url: &Url) -> Result<(), UrlRefusal> {
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(UrlRefusal::TooLong);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlRefusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::Credentials);
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if !is_allowed_port(port) {
            return Err(UrlRefusal::Port(port));
        }
        match url.host() {
            None => return Err(UrlRefusal::NoHost),
            Some(Host::Ipv4(address)) => self.check_address(IpAddr::V4(address))?,
            Some(Host::Ipv6(address)) => self.check_address(IpAddr::V6(address))?,
            Some(Host::Domain(name)) if is_localhost(name) => self.check_localhost()?,
            Some(Host::Domain(_)) => {}
        }
        Ok(())
    }

    fn check_localhost(&self) -> Result<(), AddressRefusal> {
        let v6 = self.check_address(IpAddr::V6(Ipv6Addr::LOCALHOST));
        self.check_address(IpAddr::V4(Ipv4Addr::LOCALHOST)).or(v6)
    }
}

fn is_allowed_port(port: u16) -> bool {
    matches!(port, 80 | 443) || (port >= FIRST_FREE_PORT && !BAD_PORTS.contains(&port))
}

/// Whether a name in lower case is `localhost` or below it (RFC 6761 §6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// An IP address that may not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRefusal {
    /// The address. It may be that of an inner network: tell it to the log, not to strangers.
    pub address: IpAddr,
    /// The kind of its network.
    pub kind: NetworkKind,
}

impl fmt::Display for AddressRefusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} is not a public address: {}", self.address, self.kind)
    }
}

impl std::error::Error for AddressRefusal {}

/// Why a URL may not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlRefusal {
    /// It is not a URL.
    Invalid(url::ParseError),
    /// It has more than [`MAX_URL_BYTES`].
    TooLong,
    /// Its scheme is neither `http` nor `https`.
    Scheme,
    /// It has a user or a password.
    Credentials,
    /// It names no host.
    NoHost,
    /// Its port may not be reached.
    Port(u16),
    /// Its host is an IP address that may not be reached, or `localhost`.
    Address(AddressRefusal),
}

impl From<AddressRefusal> for UrlRefusal {
    fn from(refusal: AddressRefusal) -> Self {
        Self::Address(refusal)
    }
}

impl fmt::Display for UrlRefusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Invalid(cause) => write!(f, "not a web address: {cause}"),
            Self::TooLong => write!(f, "longer than {MAX_URL_BYTES} bytes"),
            Self::Scheme => f.write_str("only http and https addresses can be reached"),
            Self::Credentials => f.write_str("the address must not contain a user or a password"),
            Self::NoHost => f.write_str("the address has no host"),
            Self::Port(port) => write!(f, "port {port} may not be reached"),
            Self::Address(_) => f.write_str("the address leads to a network that is not public"),
        }
    }
}

impl std::error::Error for UrlRefusal {}
