//! The endpoints as a service of `tower`'s.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready as ready_or_pending};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use perilune::Ticket;

use crate::answer::Answer;
use crate::body::{Body, DROPPED};
use crate::endpoints::{Endpoints, Run, Step};
use crate::head::Head;
use crate::in_place::InPlace;

/// How often it is asked whether a client is gone.
const PERIOD: Duration = Duration::from_millis(100);

/// [`Endpoints`] as a [`tower_service::Service`], which axum, hyper and others mount (feature `tower`): it reads bodies, makes the runs on the
/// engine's threads, if not [`in_place`](Self::in_place), and ends a run there when its future is dropped, as servers do when a client is
/// gone. Clones are the same endpoints.
///
/// Limits of time for heads and bodies are the server's. Below a prefix, say so by [`mount`](Self::mount). Put a [`Client`] into the extensions of
/// requests for `META.REMOTE_ADDR`.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

#[derive(Clone)]
struct Shared {
    endpoints: Arc<Endpoints>,
    mount: String,
    store: Arc<Store>,
    in_place: Option<Arc<InPlace>>,
}

/// Keeps one link after the other where they outlive the process.
type Store = Mutex<dyn FnMut(&str, &str) -> Result<(), String> + Send>;

impl Service {
    /// The endpoints at the root.
    pub fn new(endpoints: impl Into<Arc<Endpoints>>) -> Self {
        let store = Arc::new(Mutex::new(|_: &str, _: &str| Ok(())));
        Self(Arc::new(Shared { endpoints: endpoints.into(), mount: String::new(), store, in_place: None }))
    }

    /// Below a path such as `/scripts`, which requests may have in front or, as axum's `nest_service` does it, not. Links begin with it.
    #[must_use]
    pub fn mount(self, path: &str) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Shared { mount: path.to_owned(), ..shared }))
    }

    /// Has `store` keep each link that was reset, of the script `INSTANCE/NAME`, where it outlives the process. What it can't keep is not reset:
    /// its error is the `detail` of an answer with status 503. It is called where the server polls, so it should take little time.
    #[must_use]
    pub fn store(self, store: impl FnMut(&str, &str) -> Result<(), String> + Send + 'static) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Shared { store: Arc::new(Mutex::new(store)), ..shared }))
    }

    /// Has runs of scripts that were short lately made where the server polls, which is a quarter of the work of a request. A run that takes more
    /// than a millisecond there all the same calls `hand_over`, once and on its thread, which goes on with it for as long as it takes: that is for a server
    /// that can have another thread do meanwhile what this one was to do, as tokio's `block_in_place` can. While a host function has the run, nothing
    /// is handed over: where host functions may block, leave this away. No future of such a run can be dropped
    /// before it ends, so give a [`Client::gone_if`]. Requests over HTTP/2 are never in place.
    #[must_use]
    pub fn in_place(self, hand_over: fn()) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Shared { in_place: Some(Arc::new(InPlace::new(hand_over))), ..shared }))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.0.endpoints).finish()
    }
}

/// Who asks: an extension of a request. Clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Peer>);

struct Peer {
    address: String,
    is_gone: Option<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl Client {
    /// A client and its address, which may be empty.
    #[must_use]
    pub fn new(address: impl fmt::Display) -> Self {
        Self(Arc::new(Peer { address: address.to_string(), is_gone: None }))
    }

    /// Has `is_gone` asked while a run is under way, and on its thread, whether to end it: about every 100 ms, and each millisecond in place. For
    /// a server that does not look while it has the next request already.
    #[must_use]
    pub fn gone_if(address: impl fmt::Display, is_gone: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Peer { address: address.to_string(), is_gone: Some(Box::new(is_gone)) }))
    }

    fn is_gone(&self) -> bool {
        self.0.is_gone.as_ref().is_some_and(|is_gone| is_gone())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.address).finish()
    }
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let (head, body) = request.into_parts();
        let step = match self.0.ask(&head) {
            Step::Run(run) => self.0.run_in_place(run, &head),
            step => step,
        };
        ResponseFuture(match step {
            Step::Answer(answer) if body.is_end_stream() => {
                State::Ready(ready(response(answer, head.version)))
            }
            step => {
                let shared = Arc::clone(&self.0);
                State::Pending(Box::pin(async move {
                    let mut body = pin!(body);
                    let mut answer = shared.answer(step, &head, body.as_mut()).await;
                    answer.close |= !is_drained(&head, body).await;
                    response(answer, head.version)
                }))
            }
        })
    }
}

/// An answer that is on its way. Dropping it ends the run that it is of.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture(State);

enum State {
    Ready(Ready<Response<Full<Bytes>>>),
    Pending(Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>),
}

impl Future for ResponseFuture {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &mut self.get_mut().0 {
            State::Ready(ready) => Pin::new(ready).poll(context),
            State::Pending(future) => future.as_mut().poll(context),
        };
        Poll::Ready(Ok(ready_or_pending!(response)))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl Shared {
    fn ask(&self, head: &Parts) -> Step {
        let client = head.extensions.get::<Client>();
        let asked = Head {
            method: head.method.as_str(),
            path: head.uri.path().as_bytes(),
            query: head.uri.query().unwrap_or_default().as_bytes(),
            mount: &self.mount,
            address: client.map_or("", |client| &client.0.address),
        };
        // HTTP/2 has the host in the address only.
        let authority = head.uri.authority().filter(|_| head.version == Version::HTTP_2);
        let authority = authority.map(|host| (&b":authority"[..], host.as_str().as_bytes()));
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        let headers: Vec<_> = authority.into_iter().chain(headers).collect();
        self.endpoints.ask(&asked, headers.iter().copied(), Instant::now())
    }

    /// Makes a run at once, if it is one for that: not over HTTP/2, where a connection's other requests would wait for it.
    fn run_in_place(&self, run: Run, head: &Parts) -> Step {
        let in_place = self.in_place.as_ref().filter(|_| head.version < Version::HTTP_2);
        let Some(in_place) = in_place.filter(|in_place| in_place.take(&run.script)) else {
            return Step::Run(run);
        };
        let client = head.extensions.get::<Client>().cloned();
        let request = run.request.poll(&in_place.poll(move || client.as_ref().is_some_and(Client::is_gone)));
        let result = run.script.run(&request);
        // Waiting for a VM kept the server from its other clients, too.
        in_place.note(&run.script, &result, |trace| trace.duration + trace.usage.queued);
        Step::Answer(self.endpoints.answer(result, Instant::now()))
    }

    async fn run(&self, run: Run, head: &Parts) -> Answer {
        let Run { script, mut request } = run;
        if let Some(client) =
            head.extensions.get::<Client>().filter(|client| client.0.is_gone.is_some()).cloned()
        {
            let is_gone =
                move || if client.is_gone() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            request = request.poll(&perilune::Poll::new(PERIOD, is_gone));
        }
        let mut submitted = Submitted(script.submit(request));
        let result = Pin::new(&mut submitted.0).await;
        if let Some(in_place) = &self.in_place {
            in_place.note(&script, &result, |trace| trace.duration);
        }
        self.endpoints.answer(result, Instant::now())
    }

    async fn answer<B: http_body::Body>(
        &self,
        mut step: Step,
        head: &Parts,
        mut body: Pin<&mut B>,
    ) -> Answer {
        loop {
            step = match step {
                Step::Answer(answer) => return answer,
                Step::Body(mut kept) => {
                    read(&mut kept, body.as_mut()).await;
                    match self.endpoints.read(kept, Instant::now()) {
                        Step::Run(run) => self.run_in_place(run, head),
                        step => step,
                    }
                }
                Step::Run(run) => return self.run(run, head).await,
                Step::Reset(reset) => {
                    let mut store = self.store.lock();
                    let stored = store(reset.script(), reset.link());
                    return self.endpoints.reset(reset, stored);
                }
            };
        }
    }
}

/// Reads a body, as far as it is wanted.
async fn read<B: http_body::Body>(kept: &mut Body, mut body: Pin<&mut B>) {
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(mut data)) => {
                while data.has_remaining() {
                    let chunk = data.chunk();
                    let length = chunk.len();
                    if !kept.push(chunk) {
                        return;
                    }
                    data.advance(length);
                }
            }
            // Trailers are no headers.
            Ok(Err(_)) => {}
            Err(_) => return kept.break_off(),
        }
    }
}

/// Reads and drops what was not wanted of a body, as clients may hear of an answer only when they have sent all; returns whether it
/// came to its end. Who waits to be told to send is not.
async fn is_drained<B: http_body::Body>(head: &Parts, mut body: Pin<&mut B>) -> bool {
    let mut left = DROPPED;
    while !body.is_end_stream() {
        if head.headers.contains_key(EXPECT) {
            return false;
        }
        match body.frame().await.map(|frame| frame.map(http_body::Frame::into_data)) {
            None => break,
            Some(Ok(Ok(data))) if left > data.remaining() as u64 => left -= data.remaining() as u64,
            Some(Ok(Err(_))) => {}
            Some(_) => return false,
        }
    }
    true
}

/// A run that ends when nobody waits for it.
struct Submitted(Ticket);

impl Drop for Submitted {
    fn drop(&mut self) {
        if !self.0.is_done() {
            self.0.cancel();
        }
    }
}

fn response(answer: Answer, version: Version) -> Response<Full<Bytes>> {
    let close = answer.close && version < Version::HTTP_2;
    let mut response = Response::<Bytes>::from(answer).map(Full::new);
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
