//! The server of the WebSocket port, up to the moment a connection speaks WebSocket.
//!
//! Every request is answered by the same routes as on any port, with all that surrounds them. One that asks for an upgrade
//! comes with its connection: if the routes' answer switches protocols, the socket is taken out of the HTTP server and
//! handed to the worker's hub, together with that answer and whatever the client has said already; any other answer is
//! written, and the connection closed. This is what `actix_web`'s own server has no place for, so it is built from the parts below it.

use std::{future::Future, io, net::SocketAddr, net::ToSocketAddrs, time::Duration};

use actix_codec::{Encoder, Framed, FramedParts};
use actix_http::{
    ConnectionType, HttpService, Request, Response,
    body::{self, BodySize, BoxBody, MessageBody},
    h1::{Codec, Message},
};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, apply_fn_factory, map_config};
use actix_web::{
    App, Error, HttpResponse,
    dev::{AppConfig, ServiceResponse},
    middleware::from_fn,
    rt::net::TcpStream,
    web,
};
use tokio::io::AsyncWriteExt;

use super::{
    app::HubHandle,
    bounds::{HEAD_PATIENCE, bounds},
    connections::set_up,
    envelope::{BehindTls, envelope},
    routes::{self, health::ServiceName},
    ws::{
        admission::{Admission, Admitted},
        codes::Close,
        hub::{Connect, SessionId},
        identity::Visitor,
    },
};
use crate::telemetry::health::Health;

/// Connections that the kernel holds for us until they are accepted.
const BACKLOG: i32 = 2_048;
/// Who is refused has so long to take the answer.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);

/// What every worker of the port is given.
#[derive(Debug, Clone)]
pub struct Parts {
    /// What the parts of the process say of themselves.
    pub health: web::Data<Health>,
    /// Who may connect.
    pub admission: web::Data<Admission>,
    /// Whether TLS ends in front of it.
    pub behind_tls: BehindTls,
}

/// Listen where `host` and `port` say; the first of its addresses that can be had.
///
/// # Errors
/// None can be.
pub fn listen(host: &str, port: u16) -> io::Result<std::net::TcpListener> {
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in (host, port).to_socket_addrs()? {
        match listen_at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_at(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What a worker does with connections.
pub fn service(
    hub: web::Data<HubHandle>,
    parts: &Parts,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = impl std::fmt::Debug + use<>, InitError = ()> + use<>
{
    let app = || {
        App::new()
            .app_data(parts.health.clone())
            .app_data(parts.admission.clone())
            .app_data(hub.clone())
            .app_data(parts.behind_tls)
            .app_data(web::Data::new(ServiceName("websocket-server")))
            .configure(routes::websocket)
            .default_service(web::to(routes::nothing_here))
            .wrap(from_fn(bounds))
            .wrap(from_fn(envelope))
            .into_factory()
    };
    let worker = hub.clone();
    let upgrade = apply_fn_factory(map_config(app(), |()| AppConfig::default()), move |(request, framed), app: &_| {
        upgraded(Service::<Request>::call(app, request), framed, worker.clone())
    });
    HttpService::build()
        .client_request_timeout(HEAD_PATIENCE)
        .on_connect_ext(|stream: &TcpStream, _| set_up(stream))
        .upgrade(upgrade)
        .finish(map_config(app(), |()| AppConfig::default()))
        .tcp()
}

/// A request that asks for an upgrade, and its connection.
async fn upgraded(
    answer: impl Future<Output = Result<ServiceResponse<impl MessageBody + 'static>, Error>>,
    framed: Framed<TcpStream, Codec>,
    hub: web::Data<HubHandle>,
) -> Result<(), Error> {
    let mut answer: HttpResponse = match answer.await {
        Ok(answer) => answer.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let admitted = answer.extensions_mut().remove::<(Admitted, Visitor)>();
    let (head, body) = answer.into_parts();
    let mut parts = framed.into_parts();
    let done = match admitted {
        Some((admitted, visitor)) => match encode(head, BodySize::None, &mut parts) {
            Ok(()) => hand_over(admitted, visitor, parts, &hub).await,
            Err(error) => Err(error),
        },
        None => refuse(head, body, parts).await,
    };
    // Who went away meanwhile is nobody's trouble.
    if let Err(error) = done {
        log::debug!("a connection was not upgraded: {error}");
    }
    Ok(())
}

fn encode(head: HttpResponse<()>, size: BodySize, parts: &mut FramedParts<TcpStream, Codec>) -> io::Result<()> {
    parts.codec.encode(Message::Item((Response::from(head), size)), &mut parts.write_buf)
}

async fn hand_over(
    admitted: Admitted,
    visitor: Visitor,
    parts: FramedParts<TcpStream, Codec>,
    hub: &HubHandle,
) -> io::Result<()> {
    let connect = Connect {
        session: SessionId::next(),
        stream: parts.io.into_std()?,
        head: parts.write_buf.freeze(),
        rest: parts.read_buf,
        permit: admitted.permit,
        visitor,
        refused: admitted.is_one_too_many.then_some(Close::TooManyConnections),
    };
    hub.hub().send(connect).await.map_err(io::Error::other)
}

async fn refuse(mut head: HttpResponse<()>, body: BoxBody, mut parts: FramedParts<TcpStream, Codec>) -> io::Result<()> {
    head.head_mut().set_connection_type(ConnectionType::Close);
    encode(head, body.size(), &mut parts)?;
    let body = body::to_bytes(body).await.map_err(|_| io::Error::other("a body that can't be read"))?;
    for chunk in [Some(body), None] {
        parts.codec.encode(Message::<(Response<()>, BodySize)>::Chunk(chunk), &mut parts.write_buf)?;
    }
    let written = async {
        parts.io.write_all(&parts.write_buf).await?;
        parts.io.shutdown().await
    };
    tokio::time::timeout(REFUSAL_PATIENCE, written).await?
}
