//! What is checked of a server's certificate where it is less than all: libpq's `require` and `verify-ca`.
//!
//! That the server holds the key of the certificate that it shows is checked in any case; whose certificate that is, is what
//! these two leave open. All of it is checked by rustls' own verifier, which is not here.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::roots::Loaded;

/// What has to be right about a server's certificate.
#[derive(Debug, Clone)]
pub enum Checked {
    /// Nothing: who listens on the way learns nothing, who stands in the way learns all.
    Nothing,
    /// It leads to one of these roots; whose name it is made out to is not asked.
    Chain(Loaded),
    /// It leads to one of these roots, and is made out to the name that was dialled.
    ChainAndName(Loaded),
}

/// A client that speaks TLS 1.2 and 1.3, shows no certificate of its own, and checks so much.
///
/// # Errors
/// The versions of TLS don't fit the implementation, which they do.
pub fn client(checked: Checked) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let lenient = |roots| Arc::new(Lenient { roots, provider });
    Ok(match checked {
        Checked::ChainAndName(roots) => builder.with_root_certificates(roots.store()).with_no_client_auth(),
        Checked::Chain(roots) => {
            builder.dangerous().with_custom_certificate_verifier(lenient(Some(roots.store()))).with_no_client_auth()
        }
        Checked::Nothing => builder.dangerous().with_custom_certificate_verifier(lenient(None)).with_no_client_auth(),
    })
}

#[derive(Debug)]
struct Lenient {
    /// `None`: anybody's will do.
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
