//! Whose request it is, as far as the network tells: the address behind proxies that we trust, never one that a client
//! merely claims.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

use crate::domain::ids::Wallet;

/// Most entries of X-Forwarded-For that are looked at, from the right.
const MAX_HOPS: usize = 32;

/// Addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// 127.0.0.0/8 and ::1.
    pub fn loopback() -> Self {
        let v4 = IpNet::new_assert(IpAddr::from([127, 0, 0, 0]), 8);
        Self(vec![v4, IpAddr::from(std::net::Ipv6Addr::LOCALHOST).into()])
    }

    /// True if one of them holds the address.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// A text is no list of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("addresses (192.0.2.1) or networks (10.0.0.0/8, 2001:db8::/32), separated by commas")]
pub struct BadNetworks;

impl FromStr for Networks {
    type Err = BadNetworks;

    fn from_str(text: &str) -> Result<Self, BadNetworks> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parse = |part: &str| part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
        parts.map(|part| parse(part).map_err(|_| BadNetworks)).collect::<Result<_, _>>().map(Self)
    }
}

/// Whom a request came from, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The last address that a trusted hop vouches for.
    pub address: IpAddr,
    /// The chain of hops was read up to it. False: there is somebody behind it who can't be told, so nobody's trust in the
    /// address is theirs.
    pub is_known: bool,
}

/// The client's address: the peer's, or what a trusted peer says of whom it speaks for. X-Forwarded-For is read from the
/// right, since each proxy appends whom it heard: the first address that is no trusted proxy is the client.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &Networks) -> Origin {
    let mut origin = Origin { address: peer.to_canonical(), is_known: true };
    if !proxies.contain(origin.address) {
        return origin;
    }
    let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").map(|line| line.as_bytes()).collect();
    // Each hop is read alone: what a client wrote, in whatever bytes, spoils nothing that a proxy appended to its line.
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    for (n, hop) in hops.enumerate() {
        let hop = str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())).filter(|_| n < MAX_HOPS);
        // What is no address was made up before the trusted part: the last address that is one stands.
        let Some(hop) = hop else { return Origin { is_known: false, ..origin } };
        origin.address = hop;
        if !proxies.contain(hop) {
            break;
        }
    }
    origin
}

/// An address, alone or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A network address; IPv6 by its /64, which is one customer's.
    Address(IpAddr),
    /// A signed-in wallet.
    Wallet(Wallet),
}

impl Subject {
    /// An address.
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::Address(v4.into()),
            IpAddr::V6(v6) => Self::Address(std::net::Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Wallet(wallet) => wallet.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_a_client_claims_counts_only_through_trusted_hops() {
        let proxies: Networks = "10.0.0.0/8, 192.0.2.7, 2001:db8:1::/48".parse().unwrap();
        for (peer, claims, expected) in [
            // Nobody speaks for an untrusted peer, however well the claim is made.
            ("203.0.113.5", &["198.51.100.1"][..], "203.0.113.5"),
            ("203.0.113.5", &["10.0.0.1"], "203.0.113.5"),
            // A trusted peer does; what stood before is the client's own claim.
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1", "192.0.2.7"], "198.51.100.1"),
            ("2001:db8:1::2", &["2001:db8:9::1"], "2001:db8:9::1"),
            // With ports and brackets, and IPv4 in IPv6's clothes.
            ("::ffff:10.0.0.1", &["198.51.100.1:443"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8:9::1]:443"], "2001:db8:9::1"),
            ("10.0.0.1", &["[2001:db8:9::1]"], "2001:db8:9::1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            // Nothing, rubbish, and trusted hops only.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            // A byte that is no text spoils its own hop only.
            ("10.0.0.1", &["\u{e9}, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["\u{e9}", "198.51.100.1, 192.0.2.7"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, \u{e9}, 192.0.2.7"], "192.0.2.7"),
        ] {
            let mut headers = HeaderMap::new();
            for claim in claims {
                let name = HeaderName::from_static("x-forwarded-for");
                headers.append(
                    name,
                    HeaderValue::from_bytes(&claim.chars().map(|c| c as u8).collect::<Vec<_>>()).unwrap(),
                );
            }
            let found = client_address(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found.address, expected.parse::<IpAddr>().unwrap(), "{peer} {claims:?}");
            let ends_at_a_proxy = !claims.is_empty() && proxies.contain(found.address);
            assert_eq!(found.is_known, !ends_at_a_proxy, "{peer} {claims:?}");
        }
    }

    #[test]
    fn a_long_chain_of_hops_is_not_followed_to_its_end() {
        let mut headers = HeaderMap::new();
        let chain = vec!["10.0.0.2"; MAX_HOPS].join(",");
        let claim = HeaderValue::from_str(&format!("198.51.100.1,{chain}")).unwrap();
        headers.append(HeaderName::from_static("x-forwarded-for"), claim);
        let found = client_address("10.0.0.1".parse().unwrap(), &headers, &"10.0.0.0/8".parse().unwrap());
        assert_eq!(found, Origin { address: "10.0.0.2".parse().unwrap(), is_known: false });
    }

    #[test]
    fn ipv6_is_counted_by_its_64_bits_and_ipv4_by_all() {
        let subject = |text: &str| Subject::address(text.parse().unwrap());
        assert_eq!(subject("2001:db8:1:2:3:4:5:6"), subject("2001:db8:1:2:ffff::1"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
        assert_ne!(subject("192.0.2.1"), subject("192.0.2.2"));
    }

    #[test]
    fn a_list_of_networks_is_understood_or_refused() {
        assert_eq!("".parse(), Ok(Networks::default()));
        assert!("127.0.0.0/8,::1".parse() == Ok(Networks::loopback()));
        for bad in ["localhost", "10.0.0.0/33", "*", "10.0.0", "::1 ::2"] {
            assert_eq!(bad.parse::<Networks>(), Err(BadNetworks), "{bad}");
        }
    }
}
