//! Script Endpoints: how they are to be, and what a host asks them.

use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use ::perilune_endpoints::{Endpoints, Head, Setup, SetupError};

use crate::engine::perilune_engine;
use crate::error::perilune_error;
use crate::exchange::{Exchange, perilune_exchange};
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::slice::perilune_slice;
use crate::status::*;
use crate::view::perilune_header;

/// How Script Endpoints are to be.
pub struct perilune_endpoints_setup {
    _private: [u8; 0],
}

impl Handle for perilune_endpoints_setup {
    type Inner = Setup;
}

/// The Script Endpoints of an engine's scripts: what an HTTP host answers, without a socket. It does no I/O and starts no thread; the
/// host moves bytes between its server and an exchange for each request. Many threads may ask it at once.
///
///     perilune_endpoints_ask ---> PERILUNE_STEP_ANSWER  send it
///                                 PERILUNE_STEP_BODY    perilune_exchange_push as long as it says so, and perilune_exchange_read
///                                 PERILUNE_STEP_RUN     perilune_exchange_run, or perilune_exchange_submit
///                                 PERILUNE_STEP_RESET   store the link, and perilune_exchange_stored
///
/// A body leads to an answer or to a run, a run and a reset to an answer. What is answered stands in bindings/endpoints/README.md of the
/// repository. The host's are limits of time and size for heads and bodies, the server's own headers, and reading or dropping the
/// body of a request that is answered before it.
pub struct perilune_endpoints {
    _private: [u8; 0],
}

impl Handle for perilune_endpoints {
    type Inner = Arc<Endpoints>;
}

/// The public scripts of endpoints and their links, sorted by name.
pub struct perilune_links {
    _private: [u8; 0],
}

impl Handle for perilune_links {
    type Inner = Vec<(String, String)>;
}

/// What a request's head says beside its headers: all as it came, nothing decoded. Later versions add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct perilune_head {
    /// sizeof(perilune_head), set by the caller.
    pub size: usize,
    /// "GET", "POST", ...: UTF-8.
    pub method: perilune_slice,
    /// The path; a scheme and host before it are passed over.
    pub path: perilune_slice,
    /// What stands behind the first "?", without it. NULL where the path may have it: all of a request's target can be the path.
    pub query: perilune_slice,
    /// The path that the endpoints are mounted below, which the path may have in front or not: UTF-8. NULL at the root.
    pub mount: perilune_slice,
    /// The client's address: UTF-8. NULL where it has none, as behind a Unix socket.
    pub address: perilune_slice,
}

/// What the first version of the head had.
const LEAST: usize = std::mem::offset_of!(perilune_head, address) + size_of::<perilune_slice>();

// The layout is part of the ABI.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(LEAST == 88 && size_of::<perilune_head>() == LEAST);

/// Changes what was set up.
///
/// # Safety
/// As [`handle::get_mut`].
unsafe fn change(
    setup: *mut perilune_endpoints_setup,
    how: impl FnOnce(Setup) -> Setup,
) -> Result<(), Failure> {
    // SAFETY: by this function's contract.
    let setup = unsafe { handle::get_mut(setup, "setup") }?;
    *setup = how(setup.clone());
    Ok(())
}

fn refused(error: SetupError) -> Failure {
    match error {
        SetupError::Random(_) => Failure::internal(error.to_string()),
        _ => Failure::argument(error.to_string()),
    }
}

/// A text that may be NULL.
///
/// # Safety
/// As [`handle::bytes`].
unsafe fn text_or_none<'a>(slice: perilune_slice, what: &str) -> Result<Option<&'a str>, Failure> {
    // SAFETY: by this function's contract.
    unsafe {
        match handle::bytes(slice, what)? {
            None => Ok(None),
            Some(_) => handle::text(slice, what).map(Some),
        }
    }
}

/// Begins with endpoints that have no key yet.
///
/// @param engine  the engine whose scripts they serve, by the names INSTANCE/NAME
/// @param setup   set to an object to be set up, which the caller frees
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_setup_new(
    engine: *const perilune_engine,
    setup: *mut *mut perilune_endpoints_setup,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let setup = handle::required(setup, "setup")?;
        handle::give(setup, Endpoints::setup(engine));
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Frees what was set up. NULL is nothing to free. Endpoints that were made of it go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_setup_free(setup: *mut perilune_endpoints_setup) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(setup) });
}

/// Adds a key: there must be at least one, and none may be empty.
///
/// @param instance  the instance that it is of: UTF-8; NULL for a key of all
/// @param key       UTF-8
/// @param error     where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_setup_add_key(
    setup: *mut perilune_endpoints_setup,
    instance: perilune_slice,
    key: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let instance = text_or_none(instance, "instance")?;
        let key = handle::text(key, "key")?;
        change(setup, |setup| match instance {
            None => setup.key(key),
            Some(instance) => setup.instance_key(instance, key),
        })
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Makes a script public: it needs no key at its link.
///
/// @param script  its name, INSTANCE/NAME: UTF-8
/// @param link    40 hex digits in lower case; NULL for a random one
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_setup_add_public(
    setup: *mut perilune_endpoints_setup,
    script: perilune_slice,
    link: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let script = handle::text(script, "script")?;
        let link = text_or_none(link, "link")?;
        change(setup, |setup| setup.public(script, link))
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// How many runs of one instance there may be in a second, on average, and as many at once, at least 1. As many as there are asked for
/// where nothing is set.
///
/// @param rate   above 0
/// @param error  where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_setup_set_rate(
    setup: *mut perilune_endpoints_setup,
    rate: f64,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe { change(setup, |setup| setup.rate(rate)) };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Makes endpoints. They keep their engine alive.
///
/// @param setup      how they are to be, copied
/// @param endpoints  set to them, which the caller frees
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK, or PERILUNE_INVALID_ARGUMENT where they can't be so: without a key, with an empty one, a name, link or rate
///                   that is none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_new(
    setup: *const perilune_endpoints_setup,
    endpoints: *mut *mut perilune_endpoints,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let setup = handle::get(setup, "setup")?;
        let endpoints = handle::required(endpoints, "endpoints")?;
        handle::give(endpoints, Arc::new(setup.clone().build().map_err(refused)?));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Frees endpoints. NULL is nothing to free. Exchanges that they began go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_free(endpoints: *mut perilune_endpoints) {
    // SAFETY: they were made here, and the caller does not use them again.
    guard::infallible((), || unsafe { handle::free(endpoints) });
}

/// Begins with a request whose head was read. What is wrong with it is answered: an error is one of the host's.
///
/// @param head      its size must be set
/// @param headers   names, in any case, and values, as they came; of HTTP/2 those with a colon, too
/// @param count     how many
/// @param exchange  set to what is to be done, which the caller frees: see perilune_exchange_step
/// @param error     where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_ask(
    endpoints: *const perilune_endpoints,
    head: *const perilune_head,
    headers: *const perilune_header,
    count: usize,
    exchange: *mut *mut perilune_exchange,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let endpoints = handle::get(endpoints, "endpoints")?;
        let given = handle::get_sized(head, LEAST, "head")?;
        let method = handle::text(given.method, "head.method")?;
        let path = handle::bytes(given.path, "head.path")?.ok_or_else(|| Failure::null("head.path"))?;
        let mut head = match handle::bytes(given.query, "head.query")? {
            None => Head::new(method, path),
            Some(query) => Head { method, path, query, ..Head::default() },
        };
        head.mount = text_or_none(given.mount, "head.mount")?.unwrap_or_default();
        head.address = text_or_none(given.address, "head.address")?.unwrap_or_default();
        let bytes = |slice| handle::bytes(slice, "headers").map(Option::unwrap_or_default);
        let headers = handle::array(headers, count, "headers")?
            .iter()
            .map(|header| Ok((bytes(header.name)?, bytes(header.value)?)))
            .collect::<Result<Vec<(&[u8], &[u8])>, Failure>>()?;
        let exchange = handle::required(exchange, "exchange")?;
        let step = endpoints.ask(&head, headers.iter().copied(), Instant::now());
        handle::give(exchange, Exchange::begin(Arc::clone(endpoints), step));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Answers /metrics, for Prometheus, and /healthz: for whom, is the host's to decide, since no key is asked for.
///
/// @param method    UTF-8
/// @param path      as it came, without the query and below what this is mounted on
/// @param exchange  set to an answer, which the caller frees
/// @param error     where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_metrics(
    engine: *const perilune_engine,
    method: perilune_slice,
    path: perilune_slice,
    exchange: *mut *mut perilune_exchange,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let method = handle::text(method, "method")?;
        let path = handle::bytes(path, "path")?.ok_or_else(|| Failure::null("path"))?;
        let exchange = handle::required(exchange, "exchange")?;
        handle::give(exchange, Exchange::answered(::perilune_endpoints::metrics(engine, method, path)));
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Makes a script public from now on, or gives one that is so this link.
///
/// @param script  its name, INSTANCE/NAME: UTF-8
/// @param link    40 hex digits in lower case; NULL for a random one, which perilune_endpoints_links tells
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_publish(
    endpoints: *const perilune_endpoints,
    script: perilune_slice,
    link: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let endpoints = handle::get(endpoints, "endpoints")?;
        let script = handle::text(script, "script")?;
        endpoints.publish(script, text_or_none(link, "link")?).map(drop).map_err(refused)
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Has a script need a key again, from now on; one that is not public stays as it is.
///
/// @param script  its name, INSTANCE/NAME: UTF-8
/// @param error   where an error goes, if not NULL; the caller frees it
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_unpublish(
    endpoints: *const perilune_endpoints,
    script: perilune_slice,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        handle::get(endpoints, "endpoints")?.unpublish(handle::text(script, "script")?);
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// The public scripts and their links as they are now, for a host that stores them; the caller frees the list. NULL has NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_endpoints_links(
    endpoints: *const perilune_endpoints,
) -> *mut perilune_links {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or endpoints that the caller owns.
        unsafe { handle::get(endpoints, "endpoints") }
            .map_or(ptr::null_mut(), |endpoints| handle::into_raw(endpoints.links()))
    })
}

/// Frees a list, and with it all that was lent of it. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_links_free(links: *mut perilune_links) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(links) });
}

/// How many there are. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_links_len(links: *const perilune_links) -> usize {
    // SAFETY: null, or a list that the caller owns.
    guard::infallible(0, || unsafe { handle::get(links, "links") }.map_or(0, Vec::len))
}

/// A text of one of a list.
///
/// # Safety
/// `links` is null, or one that C owns.
unsafe fn part(
    links: *const perilune_links,
    index: usize,
    which: impl FnOnce(&(String, String)) -> &str,
) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: by this function's contract.
        let links = unsafe { handle::get(links, "links") }.ok();
        perilune_slice::maybe(links.and_then(|links| links.get(index)).map(|link| which(link).as_bytes()))
    })
}

/// The name of a public script: UTF-8. Lent until the list is freed. NULL beyond the last.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_links_script(links: *const perilune_links, index: usize) -> perilune_slice {
    // SAFETY: as the header says.
    unsafe { part(links, index, |(script, _)| script) }
}

/// Its link. Lent until the list is freed. NULL beyond the last.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_links_link(links: *const perilune_links, index: usize) -> perilune_slice {
    // SAFETY: as above.
    unsafe { part(links, index, |(_, link)| link) }
}
