//! Whom a server's certificate has to lead to: the system's roots, or those of one file.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Whose signature is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// Everybody whom this system trusts. `SSL_CERT_FILE` and `SSL_CERT_DIR` count, as for other programs.
    System,
    /// Those of a file in PEM form, and nobody else.
    File(PathBuf),
}

/// There is nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file can't be read.
    #[error("the CA's file {} can't be read: {error}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is something else in it.
    #[error("the CA's file {} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----), or one that is broken", .0.display())]
    NoCertificate(PathBuf),
    /// Nothing is installed.
    #[error(
        "this system has no root certificates: install them (Debian, Ubuntu: ca-certificates), or name the CA's file"
    )]
    NoneHere,
}

impl Roots {
    /// Read, as they are now.
    ///
    /// # Errors
    /// [`RootsError`].
    pub fn load(&self) -> Result<Loaded, RootsError> {
        let loaded = match self {
            Self::System => Loaded::of_system(rustls_native_certs::load_native_certs().certs),
            Self::File(path) => Loaded::of_file(path)?,
        };
        if loaded.store.is_empty() { Err(RootsError::NoneHere) } else { Ok(loaded) }
    }
}

impl fmt::Display for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("the system's roots"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Roots that were read; never empty.
#[derive(Debug, Clone)]
pub struct Loaded {
    store: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Loaded {
    /// One that can't be used is no loss: there are many.
    fn of_system(certificates: Vec<CertificateDer<'static>>) -> Self {
        let mut loaded = Self { store: RootCertStore::empty(), certificates: Vec::new() };
        for certificate in certificates {
            if loaded.store.add(certificate.clone()).is_ok() {
                loaded.certificates.push(certificate);
            }
        }
        loaded
    }

    /// Each has to be one: it was named on purpose.
    fn of_file(path: &Path) -> Result<Self, RootsError> {
        let text = std::fs::read(path).map_err(|error| RootsError::Unreadable { path: path.to_owned(), error })?;
        let nothing = || RootsError::NoCertificate(path.to_owned());
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| nothing())?;
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|_| nothing())?;
        }
        if certificates.is_empty() { Err(nothing()) } else { Ok(Self { store, certificates }) }
    }

    /// For rustls.
    pub fn store(&self) -> RootCertStore {
        self.store.clone()
    }

    /// For who takes a file's text only.
    pub fn pem(&self) -> String {
        let one = |certificate: &CertificateDer<'_>| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(certificate))
        };
        self.certificates.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_nobody_to_trust() {
        let path = std::env::temp_dir().join(format!("zmart-roots-{}", std::process::id()));
        let load = || Roots::File(path.clone()).load();
        assert!(matches!(load(), Err(RootsError::Unreadable { .. })));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "not a certificate", broken] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(load(), Err(RootsError::NoCertificate(_))), "{text}");
        }
        std::fs::remove_file(path).unwrap();
    }
}
