//! The JSON-RPC side: a question in, the pipeline, an answer out, one after the other on each connection.

use std::{io, sync::Arc};

use tokio::net::{TcpListener, TcpStream};

use super::{
    message::Manner,
    node::Node,
    rules::Rules,
    sockets::{Side, Sockets, reset},
};
use crate::http_server::{HttpConnection, Writing};

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, node: Node, rules: Arc<Rules>, sockets: Arc<Sockets>) {
    while let Ok((stream, _)) = listener.accept().await {
        if sockets.refuses(Side::Http) {
            reset(stream);
            continue;
        }
        let (node, rules, sockets) = (node.clone(), rules.clone(), sockets.clone());
        tokio::spawn(async move {
            let mut life = sockets.opened(Side::Http);
            tokio::select! {
                // A client that goes away in the middle of an answer is its own affair.
                _ = answer_all(stream, &node, &rules, &sockets) => {}
                () = life.dropped() => {}
            }
        });
    }
}

async fn answer_all(stream: TcpStream, node: &Node, rules: &Rules, sockets: &Sockets) -> io::Result<()> {
    let mut connection = HttpConnection::new(stream);
    while let Some(body) = connection.request().await? {
        sockets.may_pass(Side::Http).await;
        let Some(reply) = rules.call(body, node).await else { return Ok(()) };
        tokio::time::sleep(reply.after).await;
        sockets.may_pass(Side::Http).await;
        let writing = match reply.manner {
            Manner::Whole => Writing::Whole,
            Manner::Cut => Writing::Half,
            Manner::HangUp => return Ok(()),
        };
        let (status, headers, body) = (reply.status, reply.headers, reply.body.into_bytes());
        if !connection.answer(status, &headers, &body, writing).await? {
            return Ok(());
        }
    }
    Ok(())
}
