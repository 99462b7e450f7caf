//! TLS in front of a server that has none: what comes is decrypted and handed on, and the other way round.
//!
//! A Redis that was built without TLS is then as one that has it, for whoever dials. Ends with its value.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::authority::Shown;

/// See the module.
#[derive(Debug)]
pub struct TlsRelay {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    agreed: Arc<AtomicUsize>,
    listens: JoinHandle<()>,
}

impl TlsRelay {
    /// In front of that port of this machine.
    pub async fn before(port: u16, shown: &Shown) -> Self {
        let certificate = CertificateDer::from_pem_slice(shown.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = listener.local_addr().unwrap().port();
        let agreed = Arc::<AtomicUsize>::default();
        let counts = Arc::clone(&agreed);
        let listens = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, counts) = (acceptor.clone(), Arc::clone(&counts));
                tokio::spawn(async move {
                    // Who does not trust the certificate hangs up: that is what it is here for.
                    let Ok(mut socket) = acceptor.accept(socket).await else { return };
                    counts.fetch_add(1, Ordering::Relaxed);
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = copy_bidirectional(&mut socket, &mut server).await;
                    }
                });
            }
        });
        Self { port: at, agreed, listens }
    }

    /// Connections on which TLS was agreed.
    pub fn agreed(&self) -> usize {
        self.agreed.load(Ordering::Relaxed)
    }
}

impl Drop for TlsRelay {
    fn drop(&mut self) {
        self.listens.abort();
    }
}
