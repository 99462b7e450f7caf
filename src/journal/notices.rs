//! Notifications of the database: that there may be something to read.

use futures_util::StreamExt;
use tokio_postgres::AsyncMessage;

use super::connector::{ConnectError, Connector};

/// Listens on a channel until the connection ends: `ring` is called when it has begun, and after each commit that notified.
///
/// # Errors
/// The connection can't be made, or was lost.
pub async fn listen(connector: &Connector, channel: &'static str, ring: impl Fn()) -> Result<(), ConnectError> {
    let (client, mut connection) = connector.connect().await?;
    let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
    let statement = format!("LISTEN {channel}");
    let mut begin = std::pin::pin!(client.batch_execute(&statement));
    let mut listens = false;
    loop {
        tokio::select! {
            begun = &mut begin, if !listens => {
                begun?;
                listens = true;
                // What was written before is there to be read.
                ring();
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(_))) => ring(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}
