//! Script Endpoints within an app of axum's: `cargo run -p perilune-endpoints --features tower --example axum`, and then
//!
//! ```text
//! curl -H 'X-API-KEY: a-key' http://127.0.0.1:8080/scripts/v1.1/instances/moonbase/endpoints/scripts/hello/run/?monster=Manticore
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, serve};
use perilune::Engine;
use perilune_endpoints::{Client, Endpoints, Service};
use tokio::net::TcpListener;

/// For scripts to know who asks.
async fn with_client(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(Client::new(peer.ip()));
    next.run(request).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new();
    engine
        .scripts()
        .put("moonbase/hello", "return 'Hello ' .. ARGS.monster .. ' from ' .. META.REMOTE_ADDR")?;
    let endpoints = Endpoints::setup(&engine).key("a-key").build()?;

    let app = Router::new()
        .route("/", get(async || "an app of its own"))
        .nest_service("/scripts", Service::new(endpoints).mount("/scripts"))
        .layer(from_fn(with_client));
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
