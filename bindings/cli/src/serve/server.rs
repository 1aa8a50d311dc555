//! Listens, until it is told to end.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::select;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::connection::{self, Body, GRACE};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 2048;

/// How long none is accepted when the process has no more files to open.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Server {
    /// Whether it is to end; who serves a connection listens to it.
    stop: watch::Sender<bool>,
    told: signals::Signals,
}

impl Server {
    /// From now on, signals end nothing but what this serves.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { stop: watch::Sender::new(false), told: signals::Signals::new()? })
    }

    /// Has `answer` called for each request of the listener's clients.
    pub(crate) fn accept<F, A>(&self, listener: TcpListener, answer: F)
    where
        F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
    {
        let mut stop = self.stop.subscribe();
        tokio::spawn(async move {
            loop {
                let accepted = select! {
                    accepted = listener.accept() => accepted,
                    _ = stop.changed() => return,
                };
                match accepted {
                    Ok((stream, peer)) => {
                        tokio::spawn(connection::serve(stream, peer, answer.clone(), stop.clone()));
                    }
                    Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                    Err(_) => sleep(PAUSE).await,
                }
            }
        });
    }

    /// Serves until SIGINT or SIGTERM, and until what is under way then has ended.
    pub(crate) async fn until_told(mut self) {
        self.told.wait().await;
        self.stop.send_replace(true);
        // Connections end themselves in time, unless something keeps all threads.
        let _ = timeout(2 * GRACE, self.stop.closed()).await;
    }
}

pub(crate) async fn listen(host: &str, port: u16) -> Result<TcpListener, String> {
    let listen = async {
        let address = lookup_host((host, port)).await?.next().ok_or(ErrorKind::AddrNotAvailable)?;
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen.await.map_err(|error: io::Error| format!("can't listen on {host}:{port}: {error}"))
}

/// Where it listens.
pub(crate) fn url(listener: &TcpListener) -> Result<String, String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    Ok(format!("http://{address}"))
}

#[cfg(unix)]
mod signals {
    use std::io;

    use tokio::select;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }

        pub(super) async fn wait(&mut self) {
            select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        }
    }
}

#[cfg(windows)]
mod signals {
    use std::io;

    use tokio::signal::windows::{CtrlC, ctrl_c};

    pub(super) struct Signals(CtrlC);

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            ctrl_c().map(Self)
        }

        pub(super) async fn wait(&mut self) {
            self.0.recv().await;
        }
    }
}
