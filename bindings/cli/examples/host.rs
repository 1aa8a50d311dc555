//! The host of the tests of Script Endpoints: its argument is JSON of how it is to be. It serves as the command does, by the same files,
//! and has what the command has no flags for.

#[path = "../src/serve/connection.rs"]
mod connection;
#[path = "../src/serve/server.rs"]
mod server;

use std::error::Error;
use std::time::Duration;

use http_body_util::Full;
use hyper::Response;
use perilune::Engine;
use perilune_endpoints::{Endpoints, Service, metrics};
use serde_json::Value;
use tower_service::Service as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("give settings")?)?;
    let number = |name: &str| settings[name].as_u64();
    let texts = |value: &Value| -> Vec<String> {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };

    let mut engine = Engine::builder();
    if let Some(milliseconds) = number("timeout_ms") {
        engine = engine.timeout(Duration::from_millis(milliseconds));
    }
    if let Some(milliseconds) = number("queue_ms") {
        engine = engine.queue(Duration::from_millis(milliseconds));
    }
    if let Some(bytes) = number("request") {
        engine = engine.request(bytes as usize);
    }
    if let Some(parameters) = number("parameters") {
        engine = engine.parameters(parameters as usize);
    }
    if let Some(vms) = number("pool_size") {
        engine = engine.pool_size(vms as usize);
    }
    let engine = engine.build();
    engine.scripts().load_dir(settings["scripts"].as_str().ok_or("give scripts")?)?;

    let mut setup = Endpoints::setup(&engine);
    match &settings["keys"] {
        Value::Object(instances) => {
            for (instance, keys) in instances {
                setup = texts(keys).iter().fold(setup, |setup, key| setup.instance_key(instance, key));
            }
        }
        keys => setup = texts(keys).iter().fold(setup, |setup, key| setup.key(key)),
    }
    setup = texts(&settings["public"]).iter().fold(setup, |setup, script| setup.public(script, None));
    if let Some(rate) = settings["rate"].as_f64() {
        setup = setup.rate(rate);
    }
    let service = Service::new(setup.build()?).mount(settings["prefix"].as_str().unwrap_or_default());
    let service = service.in_place(connection::hand_over);

    let server = server::Server::new()?;
    let listener = server::listen("127.0.0.1", 0).await?;
    #[expect(clippy::print_stdout, reason = "it says where it listens")]
    {
        println!("{}", server::url(&listener)?);
    }
    server.accept(listener, move |request| {
        let (mut service, engine) = (service.clone(), engine.clone());
        async move {
            let Some(path) = request.uri().path().strip_prefix("/internal") else {
                return service.call(request).await;
            };
            let answer = metrics(&engine, request.method().as_str(), path.as_bytes());
            Ok(Response::from(answer).map(Full::new))
        }
    });
    server.until_told().await;
    Ok(())
}
