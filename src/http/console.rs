//! The console: pages for people at `/` and `/ops` of port 4000, with their files under `/console/`.
//!
//! Owns which files there are, and what a page may do. It never answers with anything but these files: their names are a
//! table, so no path of a request reaches the file system, also where the files are read from a folder. The pages are
//! written by hand and need no build; they speak REST, WebSocket and the ops port, as any client does. What they can't
//! know, the ports of this node, they are told by `/console.json`.

use std::{borrow::Cow, path::PathBuf, sync::OnceLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use bytes::Bytes;
use serde::Serialize;

use super::{
    compression::{packed, takes_gzip, with_packed},
    error::ApiError,
    reply::{self, Rendered},
    routes::{self, readable},
};

/// Whether pages are served, and from where.
#[derive(Debug, Clone, Default)]
pub struct ConsoleSettings {
    /// They are.
    pub is_on: bool,
    /// Read from here at each request, for who works on them; `None`: those in the program.
    pub folder: Option<PathBuf>,
    /// Wallets may ask for money of a development chain.
    pub has_faucet: bool,
    /// Where operators ask; `None`: this node has no such port.
    pub ops_port: Option<u16>,
}

/// A file as it is sent. Never changes: named and packed once in the process, by whoever asks for it first, so that a start
/// does not wait for files that nobody may ask for.
#[derive(Debug)]
struct Prepared {
    plain: Rendered,
    packed: Option<Bytes>,
}

impl Prepared {
    fn of(name: &str, bytes: Bytes) -> Self {
        let is_text = !kind(name).starts_with("text/plain") && !kind(name).starts_with("image/");
        let packed = if is_text { packed(&bytes) } else { None };
        Self { plain: Rendered::of_bytes(bytes), packed }
    }

    /// With an ETag: a page that was had before is asked for, and is not sent again.
    fn reply(&self, request: &HttpRequest) -> HttpResponse {
        let reply = self.plain.reply(request);
        match &self.packed {
            Some(packed) if reply.status() == StatusCode::OK && takes_gzip(request) => {
                with_packed(reply, packed.clone())
            }
            _ => reply,
        }
    }
}

/// By their places in [`FILES`].
static PREPARED: [OnceLock<Prepared>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];

/// What the pages are served with; one a worker.
#[derive(Debug, Clone)]
pub struct Console {
    settings: ConsoleSettings,
    places: Places,
}

/// Where the parts of this node are, for a page that was had from it directly. Behind a proxy, which shows other ports, the
/// WebSocket is at `/ws` of the page's own origin.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Places {
    /// Of REST and the pages; 0 where it is any.
    pub api_port: u16,
    /// `None`: this node has no WebSocket server.
    pub ws_port: Option<u16>,
    /// `None`: this node has no ops port.
    pub ops_port: Option<u16>,
    /// `POST /api/faucet` gives money.
    pub has_faucet: bool,
}

impl Places {
    /// Of a node that listens there.
    pub fn of(settings: &ConsoleSettings, api_port: u16, ws_port: Option<u16>) -> Self {
        Self { api_port, ws_port, ops_port: settings.ops_port, has_faucet: settings.has_faucet }
    }
}

impl Console {
    /// Of a node whose parts are there.
    pub fn new(settings: ConsoleSettings, places: Places) -> Self {
        Self { settings, places }
    }

    /// Its paths; none where it is switched off.
    pub fn configure(&self, app: &mut web::ServiceConfig) {
        if self.settings.has_faucet {
            routes::of_development(app);
        }
        if self.settings.is_on {
            app.app_data(web::Data::new(self.clone()))
                .service(readable("/", markets))
                .service(readable("/ops", operations))
                .service(readable("/favicon.ico", icon))
                .service(readable("/console.json", places))
                .service(readable("/console/{file:.*}", file));
        }
    }

    /// A file of the table.
    async fn answer(&self, request: &HttpRequest, name: &str) -> Result<HttpResponse, ApiError> {
        let nothing = || ApiError::not_found("There is nothing at this path.");
        let found = FILES.iter().zip(&PREPARED).find(|((own, _), _)| *own == name);
        let (&(name, embedded), prepared) = found.ok_or_else(nothing)?;
        let mut reply = match &self.settings.folder {
            None => prepared.get_or_init(|| Prepared::of(name, Bytes::from_static(embedded))).reply(request),
            Some(folder) => {
                let bytes = tokio::fs::read(folder.join(name)).await.map_err(|_| nothing())?;
                Rendered::of_bytes(bytes.into()).reply(request)
            }
        };
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
        if name.ends_with(".html")
            && let Ok(policy) = HeaderValue::from_str(&self.policy(request))
        {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Ok(reply)
    }

    /// A page runs its own scripts, and talks to the ports of the host that it was had from, to nobody else. It is told the
    /// ops token, and signs with a key that it keeps: nothing foreign may run in it.
    fn policy(&self, request: &HttpRequest) -> String {
        let mut connect = "'self'".to_owned();
        if let Some(host) = host_name(request.connection_info().host()) {
            if let Some(port) = self.places.ws_port {
                connect += &format!(" ws://{host}:{port}");
            }
            if let Some(port) = self.places.ops_port {
                connect += &format!(" http://{host}:{port}");
            }
        }
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {connect}; \
             frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
    }
}

/// The name of `name:port`; `None` for what could not stand in a policy, whoever sent it.
fn host_name(host: &str) -> Option<&str> {
    let name = match host.strip_prefix('[') {
        Some(rest) => &host[..rest.find(']')? + 2],
        None => host.split(':').next()?,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!name.is_empty() && name.chars().all(is_plain)).then_some(name)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

/// GET /.
async fn markets(request: HttpRequest, console: web::Data<Console>) -> Result<HttpResponse, ApiError> {
    console.answer(&request, "index.html").await
}

/// GET /ops.
async fn operations(request: HttpRequest, console: web::Data<Console>) -> Result<HttpResponse, ApiError> {
    console.answer(&request, "ops.html").await
}

/// GET /favicon.ico: browsers ask for it, whatever a page says.
async fn icon(request: HttpRequest, console: web::Data<Console>) -> Result<HttpResponse, ApiError> {
    console.answer(&request, "favicon.svg").await
}

/// GET /console/{file}. The pages themselves have one address each.
async fn file(
    request: HttpRequest,
    console: web::Data<Console>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let name = if name.ends_with(".html") { Cow::Borrowed("") } else { Cow::Owned(name.into_inner()) };
    console.answer(&request, &name).await
}

/// GET /console.json.
async fn places(request: HttpRequest, console: web::Data<Console>) -> Result<HttpResponse, ApiError> {
    reply::cacheable(&request, &console.places)
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/console/", $name)).as_slice())),*]
    };
}

/// All files of the console; that none is missing is a test.
const FILES: &[(&str, &[u8])] = files![
    "css/base.css",
    "css/markets.css",
    "css/ops.css",
    "favicon.svg",
    "index.html",
    "js/actors.js",
    "js/api.js",
    "js/chart.js",
    "js/dom.js",
    "js/format.js",
    "js/list.js",
    "js/live.js",
    "js/markets.js",
    "js/ops.js",
    "js/purse.js",
    "js/tables.js",
    "js/talk.js",
    "js/theme.js",
    "js/ticket.js",
    "js/wallet.js",
    "ops.html",
    "vendor/lightweight-charts/LICENSE",
    "vendor/lightweight-charts/lightweight-charts.standalone.production.mjs",
];

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        path::{Path, PathBuf},
    };

    use actix_web::{App, body::MessageBody, middleware::from_fn, test as server};

    use super::*;

    const PLACES: Places = Places { api_port: 4000, ws_port: Some(4001), ops_port: Some(4003), has_faucet: false };

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("console")
    }

    fn names(folder: &Path, before: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{before}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                names(&entry.path(), &format!("{name}/"), found);
            } else if !name.ends_with(".md") {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served_and_has_a_kind() {
        let mut found = BTreeSet::new();
        names(&folder(), "", &mut found);
        assert_eq!(FILES.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), found);
        for (name, bytes) in FILES {
            assert!(!bytes.is_empty(), "{name}");
            assert!(kind(name) != kind("x.txt") || name.contains("LICENSE"), "{name}: what is it?");
        }
    }

    /// What a page names must be there: nobody else looks before a browser does.
    #[test]
    fn every_file_that_a_page_or_a_script_names_is_there() {
        let mut count = 0;
        for (name, bytes) in FILES.iter().filter(|(name, _)| !name.starts_with("vendor/")) {
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(!text.contains("https://") || name.ends_with(".html"), "{name} leads elsewhere");
            let named = text.split(['"', '\'', '(', ')']).filter(|part| part.starts_with("/console/"));
            let imported = text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
            let beside = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let all = named
                .map(|path| path.trim_start_matches("/console/").to_owned())
                .chain(imported.map(|file| format!("{beside}/{file}")));
            for path in all {
                count += 1;
                assert!(FILES.iter().any(|(own, _)| *own == path), "{name} names {path}");
            }
        }
        assert!(count > 10, "the files are not read as they are written: {count} found");
    }

    async fn get(settings: ConsoleSettings, path: &str, host: &'static str) -> (StatusCode, Option<String>, Vec<u8>) {
        let console = Console::new(settings, PLACES);
        let app = server::init_service(
            App::new().configure(|app| console.configure(app)).default_service(web::to(routes::nothing_here)),
        )
        .await;
        let request = server::TestRequest::get().uri(path).insert_header((header::HOST, host)).to_request();
        let response = server::call_service(&app, request).await;
        let policy =
            response.headers().get(header::CONTENT_SECURITY_POLICY).map(|policy| policy.to_str().unwrap().to_owned());
        (response.status(), policy, server::read_body(response).await.to_vec())
    }

    fn on() -> ConsoleSettings {
        ConsoleSettings { is_on: true, ..ConsoleSettings::default() }
    }

    #[actix_web::test]
    async fn a_page_may_talk_to_the_ports_of_its_own_host_only() {
        for (host, connect) in [
            ("127.0.0.1:4000", "'self' ws://127.0.0.1:4001 http://127.0.0.1:4003"),
            ("app.example", "'self' ws://app.example:4001 http://app.example:4003"),
            ("[::1]:4000", "'self' ws://[::1]:4001 http://[::1]:4003"),
            ("evil;script-src *", "'self'"),
            ("*:4000", "'self'"),
        ] {
            for path in ["/", "/ops"] {
                let (status, policy, body) = get(on(), path, host).await;
                let policy = policy.unwrap();
                assert_eq!(status, StatusCode::OK, "{path} {host}");
                assert!(policy.contains(&format!("connect-src {connect};")), "{host}: {policy}");
                assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
                assert!(body.starts_with(b"<!doctype html>"), "{path}");
            }
        }
    }

    #[actix_web::test]
    async fn nothing_but_the_files_of_the_table_is_served_from_a_folder_or_not() {
        for settings in [on(), ConsoleSettings { folder: Some(folder()), ..on() }] {
            for (name, bytes) in FILES.iter().filter(|(name, _)| !name.ends_with(".html")) {
                let (status, _, body) = get(settings.clone(), &format!("/console/{name}"), "localhost").await;
                assert_eq!((status, body.as_slice()), (StatusCode::OK, *bytes), "{name}");
            }
            for path in [
                "/console/",
                "/console/../Cargo.toml",
                "/console/%2e%2e/Cargo.toml",
                "/console/index.html",
                "/console/x",
            ] {
                assert_eq!(get(settings.clone(), path, "localhost").await.0, StatusCode::NOT_FOUND, "{path}");
            }
        }
    }

    #[actix_web::test]
    async fn a_file_is_named_and_packed_once_and_is_the_same_packed_or_not() {
        let console = Console::new(on(), PLACES);
        let app = server::init_service(
            App::new().configure(|app| console.configure(app)).wrap(from_fn(crate::http::compression::compressed)),
        )
        .await;
        let get = async |name: &str, headers: &[(header::HeaderName, &str)]| {
            let request = server::TestRequest::get().uri(&format!("/console/{name}"));
            let request =
                headers.iter().fold(request, |request, (name, value)| request.insert_header((name.clone(), *value)));
            let response = server::call_service(&app, request.to_request()).await;
            let headers = response.headers().clone();
            (response.status(), headers, server::read_body(response).await)
        };
        let said = |headers: &header::HeaderMap, name: header::HeaderName| {
            headers.get_all(name).map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(", ")
        };
        let at = FILES.iter().position(|(name, _)| *name == "js/markets.js").unwrap();
        let (name, bytes) = FILES[at];
        let (_, plain, body) = get(name, &[]).await;
        assert_eq!((body.as_ref(), said(&plain, header::VARY)), (bytes, "accept-encoding".to_owned()));
        let etag = said(&plain, header::ETAG);
        let gzip = (header::ACCEPT_ENCODING, "gzip");
        let (_, headers, first) = get(name, std::slice::from_ref(&gzip)).await;
        assert_eq!(said(&headers, header::CONTENT_ENCODING), "gzip");
        assert_eq!(said(&headers, header::VARY), "accept-encoding");
        assert_eq!(said(&headers, header::ETAG), format!("W/{etag}"), "other bytes, the same file");
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&first[..]), &mut unpacked).unwrap();
        assert_eq!(unpacked, bytes);
        let request = server::TestRequest::default().insert_header(gzip.clone()).to_http_request();
        let prepared = PREPARED[at].get().unwrap();
        let sent = || prepared.reply(&request).into_body().try_into_bytes().unwrap().as_ptr();
        let lies = prepared.packed.as_ref().unwrap().as_ptr();
        assert_eq!([sent(), sent()], [lies; 2], "sent as it lies there, not made again");
        let weak = format!("W/{etag}");
        let (status, _, body) = get(name, &[gzip, (header::IF_NONE_MATCH, &weak)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
        // What is small or no text stays as it is.
        let (_, headers, _) = get("favicon.svg", &[(header::ACCEPT_ENCODING, "gzip")]).await;
        assert!(!headers.contains_key(header::CONTENT_ENCODING));
    }

    #[actix_web::test]
    async fn a_console_that_is_switched_off_is_not_there() {
        for path in ["/", "/ops", "/console.json", "/console/favicon.svg", "/api/faucet"] {
            assert_eq!(get(ConsoleSettings::default(), path, "localhost").await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
