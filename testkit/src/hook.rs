//! A service that takes webhooks: a real HTTP server that keeps what it was told, and answers as it is told to.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    http_server::{HttpConnection, Writing},
    patience::wait_for,
};

/// A status, and where a redirect leads.
pub type Answer = (u16, Option<String>);

/// See the module.
#[derive(Debug)]
pub struct Hook {
    /// Where it listens.
    pub url: String,
    heard: Arc<Mutex<Vec<Value>>>,
    server: JoinHandle<()>,
}

impl Hook {
    /// Answers with these first, then with 204.
    pub async fn open(first: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts?token=secret", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(first.into_iter()));
        let kept = Arc::clone(&heard);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, answers) = (Arc::clone(&kept), Arc::clone(&answers));
                tokio::spawn(async move {
                    let mut connection = HttpConnection::new(stream);
                    while let Ok(Some(body)) = connection.request().await {
                        heard.lock().unwrap().push(serde_json::from_slice(&body).unwrap_or(Value::Null));
                        let (status, leads_to) = answers.lock().unwrap().next().unwrap_or((204, None));
                        let headers: Vec<_> = leads_to.into_iter().map(|url| ("location", url)).collect();
                        if !connection.answer(status, &headers, b"", Writing::Whole).await.unwrap_or(false) {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, heard, server }
    }

    /// How many messages came so far.
    pub fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    /// Waits for so many messages; all that came, in order.
    pub async fn heard(&self, count: usize) -> Vec<Value> {
        wait_for("messages at the webhook", || async {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() >= count { Ok(heard) } else { Err(format!("{heard:#?}")) }
        })
        .await
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.server.abort();
    }
}
