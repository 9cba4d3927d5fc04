use std::net::IpAddr;

use crate::outbound::guard::is_public;

fn parse(address: &str) -> IpAddr {
    address.parse().unwrap()
}

const SPECIAL: &str = "\
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0 127.255.255.255 \
    168.63.129.16 169.254.0.0 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.0 \
    192.0.2.255 192.31.196.0 192.31.196.255 192.52.193.0 192.52.193.255 192.88.99.0 192.88.99.255 \
    192.168.0.0 192.168.255.255 192.175.48.0 192.175.48.255 198.18.0.0 198.19.255.255 198.51.100.0 \
    198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.254 \
    255.255.255.255 :: ::1 ::2 ::ffff:ffff ::ffff:0:0 ::ffff:ffff:ffff ::ffff:0:0:0 64:ff9b:1:: \
    64:ff9b:1:ffff:ffff:ffff:ffff:ffff 100:: 100::ffff:ffff:ffff:ffff 100:0:0:1:: 2001:: \
    2001:0:ffff:ffff:ffff:ffff:ffff:ffff 2001:1::1 2001:2:: 2001:3:: 2001:4:112:: 2001:10:: \
    2001:2f:ffff:: 2001:30:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8:: \
    2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2002:: 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2620:4f:8000:: \
    2620:4f:8000:ffff:ffff:ffff:ffff:ffff 3ffe::1 3fff:: 3fff:fff:ffff:: 5f00:: \
    5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff fc00:: fdff:ffff:: fe80:: febf:ffff:: fec0:: feff:ffff:: \
    ff00:: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

#[test]
fn the_first_and_the_last_address_of_each_special_network_are_not_public() {
    for address in SPECIAL.split_whitespace() {
        assert!(!is_public(parse(address)), "{address}");
    }
}

const PUBLIC: &str = "\
    1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 \
    168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 \
    192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 \
    198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 8.8.8.8 2000::1 2001:200:: \
    2001:4860:4860::8888 2001:db7:ffff:: 2001:db9:: 2003:: 2620:4f:7fff:: 2620:4f:8001:: 3ffd:ffff::";

#[test]
fn the_neighbours_of_special_networks_are_public() {
    for address in PUBLIC.split_whitespace() {
        assert!(is_public(parse(address)), "{address}");
    }
}

#[test]
fn what_iana_has_not_assigned_is_not_public() {
    for address in ["200::1", "1000::1", "1fff::1", "4000::1", "5eff::1", "6000::1", "a000::1", "fe00::1"] {
        assert!(!is_public(parse(address)), "{address}");
    }
}

#[test]
fn a_translated_address_is_judged_by_what_it_translates_to() {
    assert!(is_public(parse("64:ff9b::8.8.8.8")));
    for inner in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "192.168.1.1"] {
        assert!(!is_public(parse(&format!("64:ff9b::{inner}"))), "{inner}");
    }
}

#[test]
fn a_public_address_in_a_form_that_tunnels_is_not_public() {
    for address in [
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "::ffff:0:8.8.8.8",
        "2002:808:808::1",
        "2001:0:808:808::1",
        "64:ff9b:1::8.8.8.8",
        "2a00:1450::5efe:8.8.8.8",
        "2a00:1450::200:5efe:10.0.0.1",
    ] {
        assert!(!is_public(parse(address)), "{address}");
    }
}

#[test]
fn the_metadata_services_of_clouds_are_not_public() {
    let services = [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
    ];
    for address in services {
        assert!(!is_public(parse(address)), "{address}");
    }
}
