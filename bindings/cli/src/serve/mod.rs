//! `perilune serve`: a folder's scripts as Script Endpoints.

mod connection;
mod links;
mod server;

use std::future::ready;
use std::process::ExitCode;

use http_body_util::Full;
use hyper::Response;
use perilune::{Error, Report};
use perilune_endpoints::{Endpoints, Service, SetupError, metrics};
use tokio::runtime::Runtime;
use tokio::task::block_in_place;
use tower_service::Service as _;

use crate::args::{Input, ServeArguments};
use crate::call::Refused;
use crate::{ERROR, complain, print};
use links::Links;
use server::{Server, listen, url};

pub(crate) fn serve(arguments: &ServeArguments) -> Result<ExitCode, Refused> {
    let runtime = Runtime::new().map_err(|error| Refused::Other(format!("can't serve: {error}")))?;
    runtime.block_on(until_told(arguments))?;
    // Runs under way are nobody's any more: nobody waits for the threads that make them.
    std::process::exit(0)
}

async fn until_told(arguments: &ServeArguments) -> Result<(), Refused> {
    let ServeArguments { directory, key, host, port, public, rate, metrics_port, limits } = arguments;
    let keys = keys(key)?;
    let folder = directory.display();
    if !directory.is_dir() {
        return Err(Refused::Other(format!("can't read {folder}: it is no folder")));
    }
    let engine = limits.engine().build();
    let sandbox = engine.sandbox()?;
    let mut setup = Endpoints::setup(&engine);
    for key in &keys {
        setup = setup.key(key);
    }
    if let Some(rate) = *rate {
        setup = setup.rate(rate);
    }
    let links = Links::new(directory.join(".public_links.json"));
    let no_links = |reason: &dyn std::fmt::Display| {
        Refused::Other(format!("can't read the public links in {}: {reason}", links.path()))
    };
    if !public.is_empty() {
        let stored = links.read().map_err(|error| no_links(&error))?;
        for script in public {
            setup = setup.public(script, stored.get(script).and_then(|link| link.as_str()));
        }
    }
    let endpoints = setup.build().map_err(|error| match error {
        SetupError::Link(_) => no_links(&error),
        error => Refused::Other(error.to_string()),
    })?;
    if !public.is_empty() {
        links.keep(endpoints.links())?;
    }
    // It writes to a disk.
    let store =
        move |script: &str, link: &str| block_in_place(|| links.keep([(script.to_owned(), link.to_owned())]));
    let service = Service::new(endpoints).store(store).in_place(connection::hand_over);

    // From now on it hears of signals.
    let server = Server::new().map_err(|error| Refused::Other(format!("can't serve: {error}")))?;
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let listener = listen(host, *port).await?;
    let watched = match *metrics_port {
        Some(port) => Some(listen(host, port).await?),
        None => None,
    };
    let _watch = engine.scripts().watch(directory, tell)?;
    print(&format!("Serving {folder} on {}\n", url(&listener)?))?;
    match sandbox.map(|sandbox| sandbox.missing()) {
        None => {}
        Some(None) => print("Workers: the sandbox is whole\n")?,
        Some(Some(missing)) => print(&format!("Workers: the sandbox lacks {missing}\n"))?,
    }
    server.accept(listener, move |request| service.clone().call(request));
    if let Some(listener) = watched {
        print(&format!("Metrics on {}/metrics\n", url(&listener)?))?;
        server.accept(listener, move |request| {
            let answer = metrics(&engine, request.method().as_str(), request.uri().path().as_bytes());
            ready(Ok(Response::from(answer).map(Full::new)))
        });
    }
    server.until_told().await;
    Ok(())
}

fn keys(given: &[Input]) -> Result<Vec<String>, Refused> {
    let mut keys = Vec::new();
    for given in given {
        let bytes = given.read()?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        keys.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    match given {
        [first, ..] if keys.is_empty() => {
            Err(Refused::Other(format!("no key in {}: write one in each line", first.path())))
        }
        _ => Ok(keys),
    }
}

/// Tells of scripts that can't be put.
fn tell(report: &Report) {
    for failed in &report.failed {
        let path = failed.path.display();
        match &failed.error {
            Error::Compile(error) => complain(ERROR, &format!("{path}:{}", error.line), &error.reason),
            error => complain(ERROR, &path.to_string(), &error.to_string()),
        }
    }
}
