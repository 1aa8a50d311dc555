//! The numbers to watch.

use perilune::Engine;

use crate::answer::Answer;

/// Answers `/metrics`, for Prometheus, and `/healthz`: for whom, is the host's to decide. `path` is as it came, below what this is
/// mounted on. What comes with status 405 or as an answer to `HEAD` is the server's to send without a body where HTTP says so.
#[must_use]
pub fn metrics(engine: &Engine, method: &str, path: &[u8]) -> Answer {
    match (path, method) {
        (b"/healthz", "GET" | "HEAD") => Answer::json(200, r#"{"status":"ok"}"#),
        (b"/metrics", "GET" | "HEAD") => {
            Answer::text("text/plain; version=0.0.4; charset=utf-8", engine.metrics().to_prometheus())
        }
        (b"/healthz" | b"/metrics", _) => Answer::method_not_allowed(method, &["GET", "HEAD"]),
        _ => Answer::not_found(),
    }
}
