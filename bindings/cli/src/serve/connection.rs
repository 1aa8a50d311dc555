//! One connection: HTTP/1.1 or HTTP/2, whichever the client speaks, and how long it may take.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use perilune_endpoints::Client;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::{Instant, MissedTickBehavior, Sleep, interval_at, sleep, sleep_until, timeout};

/// What requests under way have when the connection is to end.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long a connection may be without a request under way: from one answer until it is sent and the head of the next request is read.
/// Where other requests are under way meanwhile, an answer that was not sent for once to twice as long ends the connection.
const REST: Duration = Duration::from_secs(30);

/// How long a body may take.
const BODY: Duration = Duration::from_secs(30);

/// Requests over HTTP/2 that one connection may have at once, as their answers are held until they are sent.
const STREAMS: u32 = 32;

/// The most bytes of a head.
const HEAD: usize = 64 << 10;

/// Serves a client until it goes, rests for too long, or `stop` says that this is the end.
pub(crate) async fn serve<F, A>(
    stream: TcpStream,
    peer: SocketAddr,
    answer: F,
    mut stop: watch::Receiver<bool>,
) where
    F: Fn(Request<Body>) -> A,
    A: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    // Answers are sent whole: there is nothing to wait for.
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(Mutex::new(stream));
    let looked_at = Arc::downgrade(&stream);
    let client = Client::gone_if(peer.ip().to_canonical(), move || is_gone(&looked_at));
    let activity = Arc::new(Activity::new());

    let service = service_fn(|request: Request<Incoming>| {
        let under_way = UnderWay::begin(&activity);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(client.clone());
        let answer = answer(request);
        async move {
            let Ok(response) = answer.await;
            let sending = Sending::begin(&under_way.0);
            drop(under_way);
            Ok::<_, Infallible>(response.map(|body| Outgoing { body, sending: Some(sending) }))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(HEAD);
    builder.http2().max_header_list_size(HEAD as u32).max_concurrent_streams(STREAMS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Stream(stream)), service));
    let mut due = Instant::now() + REST;
    let mut periods = interval_at(due, REST);
    // A run in place may keep this from ticks: those are not made up for, as each is a period that an answer has.
    periods.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        select! {
            biased;
            _ = connection.as_mut() => return,
            () = sleep_until(due) => match activity.resting_since() {
                None => due = Instant::now() + REST,
                Some(since) if since + REST > Instant::now() => due = since + REST,
                Some(_) => break,
            },
            _ = periods.tick() => if !activity.begin_period() { break },
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(GRACE, connection).await;
}

/// Has another thread do what this one was to do after a run that it makes.
pub(crate) fn hand_over() {
    // This thread takes its work back if it ends before another has taken it over: so it waits for a sign that one has. The sign may be of a
    // thread that was awake already, and then this one keeps its work: never of all threads, as that one goes on.
    let (begun, has_begun) = mpsc::channel();
    tokio::spawn(async move { begun.send(()) });
    block_in_place(|| has_begun.recv_timeout(GRACE)).ok();
}

/// What a connection does.
struct Activity {
    began: Instant,
    under_way: AtomicUsize,
    /// When the last request was answered, in milliseconds from the beginning.
    answered: AtomicU64,
    /// Answers that are not sent yet, by the period that they are of: this one and the one before take turns.
    unsent: [AtomicUsize; 2],
    /// How many periods have begun.
    period: AtomicUsize,
}

impl Activity {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            under_way: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
            unsent: Default::default(),
            period: AtomicUsize::new(0),
        }
    }

    /// `false` while an answer of the period before this one is not sent.
    fn begin_period(&self) -> bool {
        let next = self.period.load(Relaxed) + 1;
        let is_sent = self.unsent[next % 2].load(Relaxed) == 0;
        if is_sent {
            self.period.store(next, Relaxed);
        }
        is_sent
    }

    /// `None` while a request is under way.
    fn resting_since(&self) -> Option<Instant> {
        // In this order, as a request notes when it was answered before it is none under way.
        let is_resting = self.under_way.load(Acquire) == 0;
        is_resting.then(|| self.began + Duration::from_millis(self.answered.load(Relaxed)))
    }
}

/// A request of a connection, from its head until its answer is there.
struct UnderWay(Arc<Activity>);

impl UnderWay {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.under_way.fetch_add(1, Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self(activity) = self;
        activity.answered.store(activity.began.elapsed().as_millis() as u64, Relaxed);
        activity.under_way.fetch_sub(1, Release);
    }
}

/// An answer, from when it is there until it is sent or given up.
struct Sending {
    activity: Arc<Activity>,
    period: usize,
}

impl Sending {
    fn begin(activity: &Arc<Activity>) -> Self {
        let period = activity.period.load(Relaxed);
        activity.unsent[period % 2].fetch_add(1, Relaxed);
        Self { activity: Arc::clone(activity), period }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.activity.unsent[self.period % 2].fetch_sub(1, Relaxed);
    }
}

/// The body of an answer: hyper drops its bytes when they are sent.
struct Outgoing {
    body: Full<Bytes>,
    sending: Option<Sending>,
}

impl http_body::Body for Outgoing {
    type Data = Unsent;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Unsent>, Infallible>>> {
        let Self { body, sending } = self.get_mut();
        let frame = ready!(Pin::new(body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| frame.map_data(|bytes| Unsent { bytes, _sending: sending.take() }))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Unsent {
    bytes: Bytes,
    _sending: Option<Sending>,
}

impl Buf for Unsent {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

/// A request's body, which breaks off when it takes too long.
pub(crate) struct Body {
    incoming: Incoming,
    /// Begins when the first bytes are waited for.
    end: Option<Pin<Box<Sleep>>>,
}

impl Body {
    fn new(incoming: Incoming) -> Self {
        Self { incoming, end: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = self.get_mut();
        if let Poll::Ready(frame) = http_body::Body::poll_frame(Pin::new(&mut body.incoming), context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        ready!(body.end.get_or_insert_with(|| Box::pin(sleep(BODY))).as_mut().poll(context));
        Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Whether a client has closed its side, whatever was not read yet: a server that has the next request already does not look.
fn is_gone(stream: &Weak<Mutex<TcpStream>>) -> bool {
    let Some(stream) = stream.upgrade() else { return true };
    // Who has the lock reads or writes, and sees it.
    let Some(stream) = stream.try_lock() else { return false };
    let ready = pin!(stream.ready(Interest::READABLE)).poll(&mut Context::from_waker(Waker::noop()));
    matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
}

/// A connection's bytes, while others look at it.
struct Stream(Arc<Mutex<TcpStream>>);

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock()).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_shutdown(context)
    }
}

/// Time stands still while anything is to be done, and then goes to when something is due.
#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers how the body ended, after the seconds of the path.
    async fn answer(request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
        let seconds = request.uri().path()[1..].parse().expect("a number");
        sleep(Duration::from_secs_f64(seconds)).await;
        let text = match request.into_body().collect().await {
            Ok(_) => "whole",
            Err(_) => "broken off",
        };
        Ok(Response::new(text.into()))
    }

    /// A client that has sent `text`, and what tells its server to end.
    async fn client<F, A>(text: &str, answer: F) -> (TcpStream, watch::Sender<bool>)
    where
        F: Fn(Request<Body>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("it listens");
        let (stream, peer) = listener.accept().await.expect("it was connected to");
        client.write_all(text.as_bytes()).await.expect("it is there");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(serve(stream, peer, answer, stopped));
        (client, stop)
    }

    /// What comes until the end, and when that is.
    async fn rest_of(client: &mut TcpStream) -> (String, Duration) {
        let began = Instant::now();
        let mut told = Vec::new();
        // One that is cut off may tell so.
        let _ = client.read_to_end(&mut told).await;
        (String::from_utf8_lossy(&told).into_owned(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn slow_clients_are_closed() {
        let cases: &[(&str, &[&str], Duration)] = &[
            ("", &[], REST),
            ("PRI * HTTP/2.0\r\n", &[], REST),
            ("GET /0 HTTP/1.1\r\nHost: a\r\nX: ", &[], REST),
            ("GET /0 HTTP/1.1\r\nHost: a\r\n\r\n", &["whole"], REST),
            ("GET /0 HTTP/1.1\r\nHost: a\r\n\r\nGET /0 HTT", &["whole"], REST),
            ("GET /99 HTTP/1.1\r\nHost: a\r\n\r\n", &["whole"], Duration::from_secs(99) + REST),
            ("GET /0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &["whole"], Duration::ZERO),
            ("POST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", &["broken off"], BODY),
            ("POST /0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9", &["broken off"], BODY),
        ];
        for (text, parts, after) in cases {
            let (mut client, _stop) = client(text, answer).await;
            let (told, time) = rest_of(&mut client).await;
            assert!(
                parts.iter().all(|part| told.contains(part)) && told.is_empty() == parts.is_empty(),
                "{text}: {told}"
            );
            assert!(time >= *after && time <= *after + GRACE, "{text}: {time:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_closed() {
        const LENGTH: usize = 64 << 20;
        let long = async |_| Ok(Response::new(vec![b'x'; LENGTH].into()));
        let (mut client, _stop) =
            client("GET / HTTP/1.1\r\nHost: a\r\n\r\n", move |request| Box::pin(long(request))).await;
        sleep(REST + 2 * GRACE).await;
        assert!(rest_of(&mut client).await.0.len() < LENGTH);
    }

    /// A request that is under way keeps the connection from resting.
    #[tokio::test(start_paused = true)]
    async fn who_reads_one_answer_never_and_waits_for_another_is_closed() {
        const LONG: Duration = Duration::from_secs(9999);
        let answers = async |request: Request<Body>| {
            if request.uri().path() == "/slow" {
                sleep(LONG).await;
            }
            Ok(Response::new(vec![b'x'; 1 << 20].into()))
        };
        let (stream, _stop) = client("", move |request| Box::pin(answers(request))).await;
        let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(0)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .expect("both speak it");
        tokio::spawn(connection);
        let ask =
            |path: &str| Request::get(format!("http://a{path}")).body(Full::default()).expect("a request");
        let began = Instant::now();
        let slow = sender.send_request(ask("/slow"));
        let unread = sender.send_request(ask("/")).await.expect("its head comes");
        assert!(slow.await.is_err(), "the connection ended before");
        assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
        drop(unread);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_under_way_have_a_second_to_end() {
        for (path, is_answered) in [("0.5", true), ("99", false)] {
            let (mut client, stop) =
                client(&format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"), answer).await;
            tokio::task::yield_now().await;
            stop.send_replace(true);
            let (told, time) = rest_of(&mut client).await;
            assert_eq!(
                (told.contains("whole"), time <= GRACE),
                (is_answered, true),
                "{path}: {told} {time:?}"
            );
        }
    }
}
