//! A certificate authority of a test's own, and what servers show that it vouches for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::folder::Folder;

/// See the module. Its own certificate is a file, for who shall trust it.
#[derive(Debug)]
pub struct Authority {
    folder: Folder,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key, in PEM form.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What it shows.
    pub certificate: String,
    /// What it keeps.
    pub key: String,
}

impl Authority {
    /// A new one, which nobody trusts yet. Two of one name are two all the same.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let folder = Folder::new("authority");
        fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    /// Where its certificate is.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The same, as a setting's value.
    pub fn path(&self) -> String {
        self.file().display().to_string()
    }

    /// A certificate for a server of these names or addresses.
    pub fn vouch(&self, names: &[&str]) -> Shown {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        Shown { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Shown {
    /// Writes both into a folder: where they are.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
        fs::write(&certificate, &self.certificate).unwrap();
        fs::write(&key, &self.key).unwrap();
        (certificate, key)
    }
}
