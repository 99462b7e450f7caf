//! A server that speaks TLS to whoever asks for it.

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::{PermissionsExt, chown},
};

use super::{Cluster, is_root, server_user};
use crate::authority::Shown;

impl Cluster {
    /// A new cluster whose server shows this certificate to those who want TLS; others may still come without.
    pub async fn with_tls(shown: &Shown) -> Self {
        let mut cluster = Self::start().await;
        let (certificate, key) = shown.write(cluster.folder.path());
        for path in [&certificate, &key] {
            if is_root() {
                chown(path, Some(server_user()), Some(server_user())).unwrap();
            }
            // Else the server does not take the key.
            set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        }
        let (certificate, key) = (certificate.display(), key.display());
        cluster.settings.extend([
            "ssl=on".to_owned(),
            format!("ssl_cert_file={certificate}"),
            format!("ssl_key_file={key}"),
        ]);
        cluster.stop();
        cluster.up().await;
        cluster
    }
}
