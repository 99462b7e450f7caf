//! A bell that rings when the database notifies: for actors that would otherwise only look from time to time.
//!
//! Owns the connection that listens, made anew whenever it is lost. A bell that rings already is enough: however often it
//! was rung meanwhile, who hears it looks once. It may be lost with a connection, so nobody may rely on it alone.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{pauses, trouble::Lasting};
use crate::journal::{connector::Connector, notices};

/// There may be something to read.
#[derive(Debug, Clone, Copy)]
pub struct Bell;

/// Rings whenever there may be something on that channel, as long as it is polled.
pub async fn ring_on(connector: Connector, channel: &'static str, bell: mpsc::Sender<Bell>) {
    let longest = Duration::from_secs(5);
    let mut trouble = Lasting::default();
    loop {
        let mut pauses = pauses(Duration::from_millis(100), longest);
        loop {
            let ring = || {
                let _ = bell.try_send(Bell);
            };
            let began = Instant::now();
            let ended = notices::listen(&connector, channel, ring).await;
            let was_heard = began.elapsed() > longest * 2;
            if was_heard {
                trouble.over();
            }
            if let Err(error) = ended {
                log::log!(trouble.failed(), "the database's {channel} can't be listened to: {error}");
            }
            tokio::time::sleep(pauses.next().unwrap_or(longest)).await;
            if was_heard {
                break;
            }
        }
    }
}
