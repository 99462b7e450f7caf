//! Rate limits: how much one caller may ask, told with every reply.
//!
//! Whoever is signed in is counted by wallet, everybody else by address, a request whose token is no good too. The outer
//! part ([`around`]) finds the client's address, writes the headers, and counts what never got to the inner one; the inner
//! part ([`charge`]), inside of what authenticates, counts and refuses. Counters are in Redis where there is one, else (or
//! while it is away) in memory: nobody is refused because a server of ours is not there.

pub mod class;
pub mod client;
pub mod memory;
pub mod rate;
pub mod shared;

use std::{cell::Cell, net::IpAddr, rc::Rc, sync::Arc};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use self::{
    class::{Class, Counted, Rates, counted},
    client::{Networks, Origin, Subject, client_address},
    memory::Memory,
    rate::Rate,
    shared::{Redis, SharedBuckets},
};
use super::{
    auth::caller::Caller,
    error::{ApiError, ErrorCode},
};

/// What every reply tells, twice: by the names of the coming standard, and by those that clients know.
pub const HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What the bucket holds when it is full.
    pub limit: u32,
    /// What is left.
    pub remaining: u32,
    /// Seconds until it is full again.
    pub reset_seconds: u64,
    /// Refused: seconds until the next is allowed.
    pub retry_after_seconds: Option<u64>,
}

impl Standing {
    fn allowed(rate: Rate, remaining: u32) -> Self {
        let reset_seconds = rate.seconds_until_full(remaining);
        Self { limit: rate.count.get(), remaining, reset_seconds, retry_after_seconds: None }
    }

    fn refused(rate: Rate, retry_after_seconds: u64) -> Self {
        let retry_after_seconds = Some(retry_after_seconds.max(1));
        Self { retry_after_seconds, ..Self::allowed(rate, 0) }
    }

    /// What a refusal is answered with, where it is no reply of HTTP.
    ///
    /// # Errors
    /// RATE_LIMITED, with the time after which to come again.
    pub fn admitted(self) -> Result<(), ApiError> {
        match self.refusal() {
            Some(mut error) => {
                error.message = "Too many requests: come again after retry_after_seconds.".into();
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// What a refusal is answered with; `None`: it is none.
    pub fn refusal(self) -> Option<ApiError> {
        let seconds = u32::try_from(self.retry_after_seconds?).unwrap_or(u32::MAX);
        let mut error =
            ApiError::new(ErrorCode::RateLimited, "Too many requests: come again after Retry-After seconds.");
        error.retry_after_seconds = Some(seconds);
        Some(error)
    }

    fn write(self, headers: &mut HeaderMap) {
        let values = [u64::from(self.limit), u64::from(self.remaining), self.reset_seconds].map(HeaderValue::from);
        for (name, value) in HEADERS.into_iter().zip(values.iter().chain(&values)) {
            headers.insert(name, value.clone());
        }
    }
}

/// How limits are set.
#[derive(Debug, Clone)]
pub struct LimitSettings {
    /// Off: everything is counted as from a trusted client. For load tests only.
    pub is_on: bool,
    /// How many of each class.
    pub rates: Rates,
    /// Whose X-Forwarded-For counts.
    pub proxies: Networks,
    /// Who is not limited: front-end servers, which speak for many.
    pub trusted: Networks,
}

impl LimitSettings {
    /// The client's address, and whether it is not limited.
    pub fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
        let Origin { address, is_known } = client_address(peer, headers, &self.proxies);
        (address, !self.is_on || (is_known && self.trusted.contain(address)))
    }

    /// A socket's peer that speaks for many, or is not limited: all that can be told before there are headers.
    pub fn is_unlimited_peer(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        !self.is_on || self.proxies.contain(peer) || self.trusted.contain(peer)
    }
}

/// The limits of the process.
#[derive(Debug)]
pub struct Limits {
    settings: LimitSettings,
    memory: Memory,
    redis: Option<Redis>,
}

impl Limits {
    /// All buckets full.
    pub fn new(settings: LimitSettings, redis: Option<Redis>) -> Self {
        Self { memory: Memory::new(&settings.rates), settings, redis }
    }
}

/// The limits, as a worker knows them.
#[derive(Debug)]
pub struct WorkerLimits {
    limits: Arc<Limits>,
    shared: Option<SharedBuckets>,
}

impl WorkerLimits {
    /// Of the worker that this is called on.
    pub fn new(limits: Arc<Limits>) -> Self {
        let shared = limits.redis.clone().map(SharedBuckets::new);
        Self { limits, shared }
    }

    /// Takes one out of the subject's general bucket, and out of that of `class`, until one is empty.
    pub async fn charge(&self, subject: Subject, class: Option<Class>) -> Standing {
        let general = match subject {
            Subject::Address(_) => Class::Anonymous,
            Subject::Wallet(_) => Class::SignedIn,
        };
        let of = |class| (class, self.limits.settings.rates.of(class));
        let buckets = [of(general), of(class.unwrap_or(general))];
        let buckets = &buckets[..if class.is_some() { 2 } else { 1 }];
        if let Some(shared) = &self.shared
            && let Some(standing) = shared.charge(subject, buckets).await
        {
            return standing;
        }
        let mut standing = self.limits.memory.charge(subject, general);
        if let (None, Some(class)) = (standing.retry_after_seconds, class) {
            standing = self.limits.memory.charge(subject, class);
        }
        standing
    }

    /// Takes one out of one bucket of the subject, and out of no other.
    pub async fn charge_alone(&self, subject: Subject, class: Class) -> Standing {
        if let Some(shared) = &self.shared
            && let Some(standing) = shared.charge(subject, &[(class, self.limits.settings.rates.of(class))]).await
        {
            return standing;
        }
        self.limits.memory.charge(subject, class)
    }

    fn client(&self, request: &ServiceRequest) -> Client {
        let (address, is_trusted) = self.origin(request.request());
        Client { address, is_trusted, standing: Rc::default() }
    }

    /// The client's address, and whether it is not limited.
    pub fn origin(&self, request: &HttpRequest) -> (IpAddr, bool) {
        // A socket without a peer is a test's.
        let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |at| at.ip());
        self.limits.settings.origin(peer, request.headers())
    }

    fn untouched(&self) -> Standing {
        let rate = self.limits.settings.rates.of(Class::Anonymous);
        Standing::allowed(rate, rate.count.get())
    }
}

/// Whom the request came from; left with the request for whoever wants to know.
#[derive(Debug, Clone)]
pub struct Client {
    /// The address, behind trusted proxies.
    pub address: IpAddr,
    /// Not limited.
    pub is_trusted: bool,
    /// How it stands, once it was counted: outlives the request, which an error does not bring back.
    standing: Rc<Cell<Option<Standing>>>,
}

fn limits_of(request: &ServiceRequest) -> Option<web::Data<WorkerLimits>> {
    request.app_data::<web::Data<WorkerLimits>>().cloned()
}

/// The outer part, around what authenticates.
///
/// # Errors
/// Those of what is inside, with the headers of limits.
pub async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(limits) = limits_of(&request) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let client = limits.client(&request);
    request.extensions_mut().insert(client.clone());
    let counted = counted(request.method(), request.match_info().as_str());
    match next.call(request).await {
        Ok(response) => {
            let mut response = response.map_into_boxed_body();
            let (standing, refusal) = settle(&limits, &client, counted, response.status()).await;
            if let Some(error) = refusal {
                let (request, _) = response.into_parts();
                response = ServiceResponse::new(request, error.error_response());
            }
            standing.write(response.headers_mut());
            Ok(response)
        }
        Err(mut error) => {
            // What authenticates refuses by errors: nobody has counted it.
            let status = error.as_response_error().status_code();
            let (standing, refusal) = settle(&limits, &client, counted, status).await;
            if let Some(refusal) = refusal {
                error = refusal.into();
            }
            error.add_response_mapper(move |mut response: HttpResponse| {
                standing.write(response.headers_mut());
                response
            });
            Err(error)
        }
    }
}

/// How the caller stands; a token that is no good is counted here, by address, and refused past the limit.
async fn settle(
    limits: &WorkerLimits,
    client: &Client,
    counted: Counted,
    status: StatusCode,
) -> (Standing, Option<ApiError>) {
    if let Some(standing) = client.standing.get() {
        return (standing, None);
    }
    if client.is_trusted || counted == Counted::Free || status != StatusCode::UNAUTHORIZED {
        return (limits.untouched(), None);
    }
    let standing = limits.charge(Subject::address(client.address), None).await;
    (standing, standing.refusal())
}

/// The inner part, inside of what authenticates: counts, and refuses past the limit.
///
/// # Errors
/// Those of what is inside.
pub async fn charge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let client = request.extensions().get::<Client>().cloned().filter(|client| !client.is_trusted);
    let class = match counted(request.method(), request.match_info().as_str()) {
        Counted::Free => None,
        Counted::General => Some(None),
        Counted::Also(class) => Some(Some(class)),
    };
    if let (Some(client), Some(class), Some(limits)) = (client, class, limits_of(&request)) {
        let caller = request.extensions().get::<Caller>().copied();
        let subject = caller.map_or(Subject::address(client.address), |caller| Subject::Wallet(caller.wallet));
        let standing = limits.charge(subject, class).await;
        client.standing.set(Some(standing));
        if let Some(error) = standing.refusal() {
            return Ok(request.into_response(error.error_response()));
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}
