//! Why there is no TLS with a server: one variant for each thing that an operator does about it.
//!
//! Libraries hand these reasons on inside of others, as deep as they like; the one place that digs them out is here.

use std::{error::Error, io, sync::Arc};

use rustls::{CertificateError, Error as TlsError};

/// What tokio-postgres says where a server has no TLS; it has no kind of its own for it.
const NO_TLS_IN_POSTGRESQL: &str = "server does not support TLS";

/// See the module. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is required, and the server has none, or none at that port.
    #[error("TLS is required, and the server does not speak it there")]
    NotOffered,
    /// The certificate was signed by nobody who is trusted.
    #[error("the server's certificate leads to no root that is trusted here")]
    Untrusted,
    /// It is somebody else's.
    #[error("the server's certificate is not made out to the name in the address, but to {0}")]
    OtherName(String),
    /// By this host's clock.
    #[error("the server's certificate is not valid at this time: {0}")]
    OutOfDate(String),
    /// It can't be used for what it is shown for.
    #[error("the server's certificate can't be used: {0}")]
    BadCertificate(String),
    /// Both speak TLS, and can't agree.
    #[error("no TLS could be agreed on: {0}")]
    Handshake(String),
}

impl Refusal {
    /// What `error` says, if it is about TLS.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(refusal) = Self::of_one(error) {
                return Some(refusal);
            }
            next = error.source();
        }
        None
    }

    /// Of this error, or of the one that it wraps without naming it as its source.
    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<TlsError>() {
            return Some(Self::of_tls(error));
        }
        if let Some(wrapped) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
            return Self::of_one(wrapped.as_ref());
        }
        if let Some(wrapped) = error.downcast_ref::<io::Error>() {
            return Self::of_one(wrapped.get_ref()?);
        }
        (error.to_string() == NO_TLS_IN_POSTGRESQL).then_some(Self::NotOffered)
    }

    fn of_tls(error: &TlsError) -> Self {
        use CertificateError as Bad;
        match error {
            TlsError::InvalidCertificate(bad) => match bad {
                // Signed by another CA that has the same name as one of ours.
                Bad::UnknownIssuer | Bad::BadSignature => Self::Untrusted,
                Bad::NotValidForName => Self::OtherName("others".to_owned()),
                Bad::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                    Self::OtherName("none (it has no subjectAltName)".to_owned())
                }
                Bad::NotValidForNameContext { presented, .. } => {
                    Self::OtherName(presented.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", "))
                }
                Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                    Self::OutOfDate(bad.to_string())
                }
                _ => Self::BadCertificate(bad.to_string()),
            },
            // What it answered is no TLS at all.
            TlsError::InvalidMessage(_) => Self::NotOffered,
            _ => Self::Handshake(error.to_string()),
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotOffered => {
                "have the server speak TLS (PostgreSQL: ssl=on; Redis: tls-port), or correct the port; only where nobody \
                 else is on the way: sslmode=disable, redis://"
            }
            Self::Untrusted => {
                "name the file of the CA that signed the server's certificate: DATABASE_CA_FILE, REDIS_CA_FILE. If you have: \
                 it is another one, or somebody stands in the way"
            }
            Self::OtherName(_) => {
                "dial a name that the certificate is made out to, or have one made out to this one (subjectAltName). If it \
                 was right before, somebody may stand in the way"
            }
            Self::OutOfDate(_) => "have the server's certificate renewed, or this host's clock set",
            Self::BadCertificate(_) => {
                "have a certificate made for the server by a CA: a CA's own (CA:TRUE, as `openssl req -x509` makes them) is \
                 not taken as a server's"
            }
            Self::Handshake(_) => "the server has to speak TLS 1.2 or 1.3, and ask for no certificate of the client's",
        }
    }
}

/// `DnsName("db.example")` as people write it.
fn plain(name: &str) -> &str {
    name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')').trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_however_deep_a_library_wraps_it() {
        let tls = || TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let in_io = || io::Error::new(io::ErrorKind::InvalidData, tls());
        assert_eq!(Refusal::of(&tls()), Some(Refusal::Untrusted));
        assert_eq!(Refusal::of(&in_io()), Some(Refusal::Untrusted));
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(in_io());
        assert_eq!(Refusal::of(&shared), Some(Refusal::Untrusted));
        assert_eq!(Refusal::of(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    }

    #[test]
    fn each_reason_says_what_to_do() {
        let of = |bad| Refusal::of_tls(&TlsError::InvalidCertificate(bad));
        assert_eq!(of(CertificateError::Expired), Refusal::OutOfDate(CertificateError::Expired.to_string()));
        let presented = vec!["DnsName(\"db.example\")".to_owned(), "IpAddress(192.0.2.1)".to_owned()];
        let expected = "localhost".try_into().unwrap();
        let other = of(CertificateError::NotValidForNameContext { expected, presented });
        assert_eq!(other, Refusal::OtherName("db.example, 192.0.2.1".to_owned()));
        assert!(matches!(of(CertificateError::BadEncoding), Refusal::BadCertificate(_)));
        assert!(matches!(Refusal::of_tls(&TlsError::DecryptError), Refusal::Handshake(_)));
        for refusal in [Refusal::NotOffered, Refusal::Untrusted, of(CertificateError::NotValidForName)] {
            assert!(refusal.advice().len() > 40 && !refusal.to_string().is_empty());
        }
    }
}
