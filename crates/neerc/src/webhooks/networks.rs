//! Which addresses of the network may be connected to: those of the public internet, and others only where they are listed.
//! It is asked of the very address that is connected to, after its name was looked up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that begin alike, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u32,
}

/// Networks that are not of the public internet (the registries of special addresses of IANA, multicast and reserved ones).
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The same within the one network that is handed out to the internet, `2000::/3`; all others are refused.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

const INTERNET_V6: Network = Network { first: IpAddr::V6(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0)), bits: 3 };

/// Where addresses of IPv4 stand in addresses of IPv6 that a router translates (RFC 6052).
const TRANSLATED: Network = Network { first: IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0)), bits: 96 };

impl Network {
    /// Reads one address, or a network such as `127.0.0.0/8` whose address has nothing behind its bits.
    pub fn parse(text: &str) -> Option<Network> {
        let (first, bits) = match text.split_once('/') {
            Some((first, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => (first, Some(bits.parse().ok()?)),
            Some(_) => return None,
            None => (text, None),
        };
        let first: IpAddr = first.parse().ok()?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let network = Network { first, bits: bits.unwrap_or(most) };
        (network.bits <= most && number(first) & !mask(network.bits, most) == 0).then_some(network)
    }

    /// Whether an address is in it.
    pub fn holds(self, address: IpAddr) -> bool {
        let most = if self.first.is_ipv4() { 32 } else { 128 };
        let address = if self.first.is_ipv4() { address.to_canonical() } else { address };
        address.is_ipv4() == self.first.is_ipv4() && (number(address) ^ number(self.first)) & mask(self.bits, most) == 0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The first bits of an address that has so many.
fn mask(bits: u32, most: u32) -> u128 {
    let all = u128::MAX >> (128 - most);
    all & !all.checked_shr(bits).unwrap_or(0)
}

/// Whether an address is of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let holds = |(first, bits): &(Ipv4Addr, u32)| {
                Network { first: IpAddr::V4(*first), bits: *bits }.holds(IpAddr::V4(address))
            };
            !SPECIAL_V4.iter().any(holds)
        }
        IpAddr::V6(address) if TRANSLATED.holds(IpAddr::V6(address)) => {
            let [.., high, low] = address.segments();
            is_public(IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))))
        }
        IpAddr::V6(address) => {
            let holds = |(first, bits): &(Ipv6Addr, u32)| {
                Network { first: IpAddr::V6(*first), bits: *bits }.holds(IpAddr::V6(address))
            };
            INTERNET_V6.holds(IpAddr::V6(address)) && !SPECIAL_V6.iter().any(holds)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255"] {
            assert!(is_public(at(public)), "{public}");
        }
        for public in ["172.32.0.0", "192.167.1.1", "223.255.255.255", "2606:4700::1111", "2a00::1", "::ffff:8.8.8.8"] {
            assert!(is_public(at(public)), "{public}");
        }
        assert!(is_public(at("64:ff9b::8.8.8.8")) && !is_public(at("64:ff9b::10.0.0.1")));
        let refused_v4 = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ];
        for refused in refused_v4 {
            assert!(!is_public(at(refused)), "{refused}");
            assert!(!is_public(at(&format!("::ffff:{refused}"))), "{refused}, mapped");
            assert!(!is_public(at(&format!("::{refused}"))), "{refused}, compatible");
        }
        let refused_v6 = [
            "::",
            "::1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:0:7f00:1",
        ];
        for refused in refused_v6 {
            assert!(!is_public(at(refused)), "{refused}");
        }
        let tried = 3 * refused_v4.len() + refused_v6.len();
        let what = "addresses that are not of the internet, also mapped into others, for webhooks";
        neerc_testing::trust::report("P4", what, tried, "0 let through");
    }

    #[test]
    fn networks_are_read_as_they_are_written() {
        for (text, inside, outside) in [
            ("10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("127.0.0.0/8", "127.9.9.9", "128.0.0.0"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
            ("0.0.0.0/0", "1.2.3.4", "::"),
            ("::1", "::1", "0.0.0.1"),
            ("fd00:1::/32", "fd00:1:ffff::9", "fd00:2::"),
            ("::/0", "2001::", "1.2.3.4"),
        ] {
            let network = Network::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert!(network.holds(at(inside)) && !network.holds(at(outside)), "{text}");
        }
        for wrong in
            ["", "localhost", "10.0.0.5/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "010.0.0.1", "1"]
        {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Network::parse("10.0.0.5").map(|network| network.to_string()).as_deref(), Some("10.0.0.5/32"));
    }
}
