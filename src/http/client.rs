//! Who is at the other end: the network, and what the client calls itself.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr};

use actix_web::http::header::{HeaderMap, HeaderName, USER_AGENT};
use actix_web::{FromRequest, HttpRequest, dev, web};
use ipnet::IpNet;

use crate::app::App;
use crate::error::{Error, Result};
use crate::telemetry::make_request_id;

/// The header with the id of a request, in requests and in answers.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The client's id of a request, or a new one.
pub fn find_request_id(headers: &HeaderMap) -> String {
    let given = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(plain).map_or_else(make_request_id, str::to_owned)
}

/// The other end of a request.
#[derive(Clone, Debug)]
pub struct Client {
    /// The address, of IPv6 the first 64 bits: what one customer of a provider has.
    pub network: String,
    /// The `User-Agent`, cut to 200 characters.
    pub device: String,
}

impl FromRequest for Client {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Ok(Self { network: network(find_address(req)), device: find_agent(req) }))
    }
}

/// Returns the address of the client, as trusted proxies tell it.
pub fn find_address(req: &HttpRequest) -> IpAddr {
    let proxies = req.app_data::<web::Data<App>>().map(|app| app.config.http.trusted_proxies.as_slice());
    let forwarded: Vec<&str> = req
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let peer = req.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
    origin(peer, &forwarded, proxies.unwrap_or_default())
}

/// Returns the `User-Agent`, cut to 200 characters.
pub fn find_agent(req: &HttpRequest) -> String {
    let agent = req.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.chars().take(200).collect()
}

/// The last address in the chain that is no proxy of ours. Whatever stands left of it, the client may have made up.
fn origin(peer: IpAddr, forwarded: &[&str], proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    let mut address = peer.to_canonical();
    for hop in forwarded.iter().rev() {
        if !trusted(&address) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// Returns the first address of the network of one client: of IPv6 the first 64 bits count.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

fn network(address: IpAddr) -> String {
    match network_of(address) {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{address}/64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_of(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let proxies: Vec<IpNet> = proxies.iter().map(|net| net.parse().unwrap()).collect();
        network(origin(peer.parse().unwrap(), forwarded, &proxies))
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(origin_of("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(origin_of("192.0.2.1", &["198.51.100.7"], &["192.0.2.0/24"]), "198.51.100.7");
        // What the client itself wrote stands left of what the proxy added.
        assert_eq!(
            origin_of("192.0.2.1", &["203.0.113.9", "198.51.100.7"], &["192.0.2.0/24"]),
            "198.51.100.7"
        );
        assert_eq!(
            origin_of("192.0.2.1", &["198.51.100.7", " 192.0.2.2"], &["192.0.2.0/24"]),
            "198.51.100.7"
        );
        assert_eq!(origin_of("192.0.2.1", &["nonsense"], &["192.0.2.0/24"]), "192.0.2.1");
    }

    #[test]
    fn one_customer_of_a_provider_is_one_network() {
        let one = origin_of("2001:db8:1:2::1", &[], &[]);
        assert_eq!(one, origin_of("2001:db8:1:2:ffff::9", &[], &[]));
        assert_ne!(one, origin_of("2001:db8:1:3::1", &[], &[]));
        assert_eq!(origin_of("::ffff:192.0.2.1", &[], &[]), "192.0.2.1");
    }
}
