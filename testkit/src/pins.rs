//! A service that pins files, in Pinata's place and in that of a node with Kubo's RPC, and the gateway that gives them back.
//!
//! Owns real HTTP, the answers that those give, and their failures: busy, broken, taken and never answered, another content
//! id, an answer that trickles. What it was sent and what it has is kept for the test to look at. Content ids are computed as
//! the engine computes them; that those are IPFS' own is the business of `scripts/check-cids`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use zmart::domain::cid;

use crate::{
    engine::Engine,
    http_server::{Asked, HttpConnection, Writing},
};

/// What it lets in.
pub const JWT: &str = "a.token.of-tests";
/// Key and secret, also user and password.
pub const PAIR: (&str, &str) = ("a-key-of-tests", "a-secret-of-tests");
/// An upload that is not answered hangs so long, unless the client goes.
const HANG: Duration = Duration::from_secs(120);

/// What an upload meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not taken: a status, and how long to wait where that is said.
    Status(u16, Option<u64>),
    /// It is taken, and not answered.
    Hang,
    /// It is taken, and called something else.
    AnotherCid,
    /// It is taken, and the answer comes byte by byte.
    Trickle,
    /// It is taken, and the answer is no answer.
    Nonsense,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Names of the files of all uploads, whatever became of them.
    uploads: Vec<String>,
    next: VecDeque<Fault>,
    always: Option<Fault>,
    lost: BTreeSet<String>,
    replaced: BTreeMap<String, Vec<u8>>,
}

/// See the module.
#[derive(Debug)]
pub struct Pins {
    /// `http://HOST:PORT`, of its API and of its gateway.
    pub url: String,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Pins {
    /// Opens it.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let kept = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut connection = HttpConnection::new(stream);
                    while let Ok(Some(asked)) = connection.asked().await {
                        let Some(Said { status, headers, body, writing }) = serve(&state, &asked) else {
                            return tokio::time::sleep(HANG).await;
                        };
                        if !connection.answer(status, &headers, &body, writing).await.unwrap_or(false) {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, state, server }
    }

    /// The next uploads meet these, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().next.extend(faults);
    }

    /// All others meet this, until it is told otherwise.
    pub fn always(&self, fault: Option<Fault>) {
        self.state.lock().unwrap().always = fault;
    }

    /// The gateway does not find any of its files.
    pub fn lose_all(&self) {
        let mut state = self.state.lock().unwrap();
        state.lost = state.files.keys().cloned().collect();
    }

    /// The gateway gives other bytes under that content id.
    pub fn replace(&self, cid: &str, bytes: &[u8]) {
        self.state.lock().unwrap().replaced.insert(cid.to_owned(), bytes.to_vec());
    }

    /// What it has: content ids and files.
    pub fn files(&self) -> BTreeMap<String, String> {
        let state = self.state.lock().unwrap();
        state.files.iter().map(|(cid, file)| (cid.clone(), String::from_utf8_lossy(file).into_owned())).collect()
    }

    /// The names of the files of all uploads so far, whatever became of them.
    pub fn uploads(&self) -> Vec<String> {
        self.state.lock().unwrap().uploads.clone()
    }

    /// An engine that pins here, as with Pinata, by a schedule.
    pub fn serve(&self, engine: &mut Engine, cron: &str) {
        for (name, value) in [
            ("IPFS_ENABLED", "true"),
            ("IPFS_SNAPSHOT_CRON", cron),
            ("IPFS_GATEWAY_URL", &self.url),
            ("PINATA_API_URL", &self.url),
            ("PINATA_JWT", JWT),
        ] {
            engine.set(name, value);
        }
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Said {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    writing: Writing,
}

fn said(status: u16, body: impl Into<Vec<u8>>) -> Option<Said> {
    Some(Said { status, headers: Vec::new(), body: body.into(), writing: Writing::Whole })
}

/// `None`: nothing is said.
fn serve(state: &Mutex<State>, asked: &Asked) -> Option<Said> {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    match (asked.method.as_str(), path) {
        ("POST", "/pinning/pinFileToIPFS") => {
            let by_pair =
                asked.header("pinata_api_key") == Some(PAIR.0) && asked.header("pinata_secret_api_key") == Some(PAIR.1);
            if asked.header("authorization") != Some(&format!("Bearer {JWT}")) && !by_pair {
                let error = json!({"error": {"reason": "INVALID_CREDENTIALS", "details": "no such key"}});
                return said(401, error.to_string());
            }
            let is_v0 = part(asked, "pinataOptions").is_some_and(|(_, options)| {
                serde_json::from_slice(options).is_ok_and(|options: serde_json::Value| options["cidVersion"] == 0)
            });
            take(state, asked, is_v0, |cid, file, is_duplicate| {
                json!({"IpfsHash": cid, "PinSize": file.len() + 11, "Timestamp": "2026-01-01T00:00:00.000Z",
                       "isDuplicate": is_duplicate})
            })
        }
        ("DELETE", path) if path.starts_with("/pinning/unpin/") => {
            if asked.header("authorization") != Some(&format!("Bearer {JWT}")) {
                return said(401, json!({"error": {"reason": "INVALID_CREDENTIALS"}}).to_string());
            }
            let mut state = state.lock().unwrap();
            if let Some(Fault::Status(status, _)) = state.always {
                return said(status, "as the test wants it");
            }
            match state.files.remove(path.trim_start_matches("/pinning/unpin/")) {
                Some(_) => said(200, "OK"),
                None => said(400, json!({"error": {"reason": "CURRENT_USER_HAS_NOT_PINNED_CID"}}).to_string()),
            }
        }
        ("POST", "/api/v0/add" | "/api/v0/cat" | "/api/v0/pin/rm") => {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            let credentials = STANDARD.encode(format!("{}:{}", PAIR.0, PAIR.1));
            if asked.header("authorization") != Some(&format!("Basic {credentials}")) {
                return said(401, "invalid project id or project secret\n");
            }
            if path == "/api/v0/pin/rm" {
                let cid = query.strip_prefix("arg=").unwrap_or_default();
                let failure = json!({"Message": "not pinned or pinned indirectly", "Code": 0, "Type": "error"});
                return match state.lock().unwrap().files.remove(cid) {
                    Some(_) => said(200, json!({"Pins": [cid]}).to_string()),
                    None => said(500, failure.to_string()),
                };
            }
            if path == "/api/v0/cat" {
                let cid = query.strip_prefix("arg=").unwrap_or_default();
                let failure = json!({"Message": "ipld: could not find", "Code": 0, "Type": "error"});
                let file = state.lock().unwrap().files.get(cid).cloned();
                return file.map_or_else(|| said(500, failure.to_string()), |file| said(200, file));
            }
            let is_v0 = ["cid-version=0", "raw-leaves=false", "pin=true"].iter().all(|option| query.contains(option));
            take(
                state,
                asked,
                is_v0,
                |cid, file, _| json!({"Name": "file", "Hash": cid, "Size": (file.len() + 11).to_string()}),
            )
        }
        ("GET", path) => {
            let cid = path.strip_prefix("/ipfs/").unwrap_or_default();
            let state = state.lock().unwrap();
            match state.replaced.get(cid).or_else(|| state.files.get(cid)) {
                Some(file) if !state.lost.contains(cid) => said(200, file.clone()),
                _ => said(504, "ipfs resolve: context deadline exceeded"),
            }
        }
        _ => said(404, "404 page not found"),
    }
}

fn take(
    state: &Mutex<State>,
    asked: &Asked,
    is_v0: bool,
    answer: impl Fn(&str, &[u8], bool) -> serde_json::Value,
) -> Option<Said> {
    let mut state = state.lock().unwrap();
    let Some((name, file)) = part(asked, "file").filter(|_| is_v0) else { return said(400, "no file, or not as v0") };
    state.uploads.push(name);
    let fault = state.next.pop_front().or_else(|| state.always.clone());
    if let Some(Fault::Status(status, wait)) = fault {
        let headers = wait.map(|seconds| ("retry-after", seconds.to_string())).into_iter().collect();
        let body = json!({"error": {"reason": "RATE_LIMITED", "details": "as the test wants it"}}).to_string();
        return Some(Said { status, headers, body: body.into(), writing: Writing::Whole });
    }
    let named: &[u8] = if fault == Some(Fault::AnotherCid) { b"another" } else { file };
    let cid = cid::of_file(named).text().unwrap().to_owned();
    let is_duplicate = state.files.insert(cid.clone(), file.to_vec()).is_some();
    let answer = format!("{}\n", answer(&cid, file, is_duplicate));
    match fault {
        None | Some(Fault::Status(..) | Fault::AnotherCid) => said(200, answer),
        Some(Fault::Hang) => None,
        Some(Fault::Trickle) => {
            Some(Said { status: 200, headers: Vec::new(), body: answer.into(), writing: Writing::Trickle })
        }
        Some(Fault::Nonsense) => said(200, "<html>OK</html>"),
    }
}

/// A part of a form: the name of its file, and its bytes.
fn part<'a>(asked: &'a Asked, wanted: &str) -> Option<(String, &'a [u8])> {
    let boundary = asked.header("content-type")?.split_once("boundary=")?.1.trim_matches('"');
    let boundary = format!("--{boundary}").into_bytes();
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
    let mut rest = asked.body.as_slice();
    while let Some(at) = find(rest, &boundary) {
        rest = &rest[at + boundary.len()..];
        let end = find(rest, &boundary)?;
        let (head, body) = rest[..end].split_at(find(&rest[..end], b"\r\n\r\n")?);
        let head = String::from_utf8_lossy(head).into_owned();
        if head.contains(&format!("name=\"{wanted}\"")) {
            let name = head.split_once("filename=\"").and_then(|(_, name)| name.split_once('"'));
            let body = body.strip_prefix(b"\r\n\r\n")?.strip_suffix(b"\r\n")?;
            return Some((name.map(|(name, _)| name.to_owned()).unwrap_or_default(), body));
        }
    }
    None
}
