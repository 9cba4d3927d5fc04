//! The networks that are no public ones.
//!
//! Source: the IANA special-purpose address registries (RFC 6890, RFC 8190) for IPv4 and IPv6, the multicast and IPv6
//! address space registries, and what clouds have put elsewhere. Addresses that the registries call globally reachable
//! but where no website can be (anycast of protocols, AS112) are refused too: any network may run such a node itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why an IP address is not a public one: the kind of its network, and where that is written.
pub type NetworkKind = &'static str;

/// IPv4 networks that are not public. All others are.
const SPECIAL_V4: &[(Ipv4Net, NetworkKind)] = &[
    (v4_net([0, 0, 0, 0], 8), "this host or network (RFC 791, RFC 1122)"),
    (v4_net([10, 0, 0, 0], 8), "private (RFC 1918)"),
    (v4_net([100, 64, 0, 0], 10), "shared by a provider's customers (RFC 6598)"),
    (v4_net([127, 0, 0, 0], 8), "loopback (RFC 1122)"),
    (v4_net([168, 63, 129, 16], 32), "the host agent of Azure"),
    (v4_net([169, 254, 0, 0], 16), "link-local (RFC 3927)"),
    (v4_net([172, 16, 0, 0], 12), "private (RFC 1918)"),
    (v4_net([192, 0, 0, 0], 24), "protocol assignments (RFC 6890)"),
    (v4_net([192, 0, 2, 0], 24), "documentation (RFC 5737)"),
    (v4_net([192, 31, 196, 0], 24), "AS112 (RFC 7535)"),
    (v4_net([192, 52, 193, 0], 24), "multicast tunnels (RFC 7450)"),
    (v4_net([192, 88, 99, 0], 24), "6to4 relays (RFC 7526)"),
    (v4_net([192, 168, 0, 0], 16), "private (RFC 1918)"),
    (v4_net([192, 175, 48, 0], 24), "AS112 (RFC 7534)"),
    (v4_net([198, 18, 0, 0], 15), "benchmarking (RFC 2544)"),
    (v4_net([198, 51, 100, 0], 24), "documentation (RFC 5737)"),
    (v4_net([203, 0, 113, 0], 24), "documentation (RFC 5737)"),
    (v4_net([224, 0, 0, 0], 4), "multicast (RFC 5771)"),
    (v4_net([255, 255, 255, 255], 32), "broadcast (RFC 919)"),
    (v4_net([240, 0, 0, 0], 4), "reserved (RFC 1112)"),
];

/// All IPv6 addresses that IANA assigns to hosts (RFC 4291, RFC 3587). What is not in it is not public.
const UNICAST_V6: Ipv6Net = v6_net([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Addresses of IPv4 hosts behind a translator, with the IPv4 address in the last 32 bits (RFC 6052).
const NAT64: Ipv6Net = v6_net([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// IPv6 networks that are not public. Those outside of [`UNICAST_V6`] are here for the name of their kind.
const SPECIAL_V6: &[(Ipv6Net, NetworkKind)] = &[
    (v6_net([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified (RFC 4291)"),
    (v6_net([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback (RFC 4291)"),
    (v6_net([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "IPv4-mapped (RFC 4291)"),
    (v6_net([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "IPv4-translated (RFC 2765)"),
    (v6_net([0, 0, 0, 0, 0, 0, 0, 0], 96), "IPv4-compatible (RFC 4291)"),
    // Where in it the IPv4 address is depends on the network (RFC 6052), so that it cannot be judged.
    (v6_net([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "a network's own NAT64 (RFC 8215)"),
    (v6_net([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard (RFC 6666)"),
    (v6_net([0x100, 0, 0, 1, 0, 0, 0, 0], 64), "dummy (RFC 9780)"),
    (v6_net([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "Teredo (RFC 4380)"),
    (v6_net([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "benchmarking (RFC 5180)"),
    (v6_net([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), "ORCHID (RFC 4843)"),
    (v6_net([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), "ORCHIDv2 (RFC 7343)"),
    (v6_net([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28), "drones (RFC 9374)"),
    (v6_net([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol assignments (RFC 2928)"),
    (v6_net([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation (RFC 3849)"),
    (v6_net([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4 (RFC 3056)"),
    (v6_net([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), "AS112 (RFC 7534)"),
    (v6_net([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), "the former 6bone (RFC 3701)"),
    (v6_net([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation (RFC 9637)"),
    (v6_net([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "segment routing (RFC 9602)"),
    (v6_net([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "private (RFC 4193)"),
    (v6_net([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local (RFC 4291)"),
    (v6_net([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local (RFC 3879)"),
    (v6_net([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast (RFC 4291)"),
];

const fn v4_net(address: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6_net(address: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// Finds the kind of network that keeps an IP address from being public. `None` if it is public unicast.
///
/// A translator for IPv6-only networks of the well-known prefix (NAT64, RFC 6052) is judged by the IPv4 address that
/// it translates to. One with a prefix of the provider's own cannot be told from other public addresses.
pub fn find_special_kind(address: IpAddr) -> Option<NetworkKind> {
    match address {
        IpAddr::V4(address) => find_v4_kind(address),
        IpAddr::V6(address) if NAT64.contains(&address) => find_v4_kind(read_embedded_v4(address)),
        IpAddr::V6(address) => find_v6_kind(address),
    }
}

fn find_v4_kind(address: Ipv4Addr) -> Option<NetworkKind> {
    SPECIAL_V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, kind)| *kind)
}

fn find_v6_kind(address: Ipv6Addr) -> Option<NetworkKind> {
    if let Some((_, kind)) = SPECIAL_V6.iter().find(|(network, _)| network.contains(&address)) {
        return Some(kind);
    }
    if !UNICAST_V6.contains(&address) {
        return Some("reserved (RFC 4291)");
    }
    is_isatap(address).then_some("ISATAP (RFC 5214)")
}

/// Whether an address tunnels to the IPv4 address in its last 32 bits within a site.
fn is_isatap(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _])
}

/// Reads the IPv4 address in the last 32 bits.
fn read_embedded_v4(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}
