//! Named scripts from the files of a directory.

use std::ffi::c_void;
use std::path::Path;
use std::ptr;

use perilune::{Report, Script, Watch};

use crate::callback::{UserData, perilune_destroy};
use crate::engine::perilune_engine;
use crate::error::perilune_error;
use crate::failure::Failure;
use crate::guard;
use crate::handle::{self, Handle};
use crate::script::perilune_script;
use crate::slice::perilune_slice;
use crate::status::*;
use crate::text::Text;

/// What came of loading a directory, or of a change in a watched one.
pub struct perilune_report {
    _private: [u8; 0],
}

impl Handle for perilune_report {
    type Inner = Told;
}

#[derive(Clone)]
pub(crate) struct Told {
    loaded: Vec<Script>,
    removed: Vec<Text>,
    failed: Vec<Failure>,
}

impl Told {
    fn of(report: &Report) -> Self {
        let failure = |failed: &perilune::FileError| match failed.error.clone() {
            // A file is what a host knows it by.
            perilune::Error::Compile(error) => Failure::from(error).in_file(&failed.path),
            error => Failure::from(error),
        };
        Self {
            loaded: report.loaded.clone(),
            removed: report.removed.iter().map(|name| Text::new(name.as_str())).collect(),
            failed: report.failed.iter().map(failure).collect(),
        }
    }
}

/// Keeps named scripts as the files of a directory are.
pub struct perilune_watch {
    _private: [u8; 0],
}

impl Handle for perilune_watch {
    type Inner = Watch;
}

/// Told of a change in a watched directory, and first of what was loaded from it, before perilune_engine_watch returns. Called on the
/// watch's own thread, one call at a time; the report is lent until it returns. It must return as usual.
pub type perilune_watcher =
    Option<unsafe extern "C" fn(report: *const perilune_report, user_data: *mut c_void)>;

/// Lets the *.lua files of a directory serve: PATH/NAME.lua as NAME, PATH/INSTANCE/NAME.lua as INSTANCE/NAME. Files that can't are
/// in the report, and change nothing; the others serve.
///
/// @param path    UTF-8
/// @param report  set to what came of it, which the caller frees; NULL if it is not wanted
/// @param error   where an error goes, if not NULL; the caller frees it
/// @return        PERILUNE_OK, or PERILUNE_FILE_ERROR
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_load_dir(
    engine: *const perilune_engine,
    path: perilune_slice,
    report: *mut *mut perilune_report,
    error: *mut *mut perilune_error,
) -> perilune_code {
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let path = handle::text(path, "path")?;
        let loaded = engine.scripts().load_dir(Path::new(path))?;
        handle::give(report, Told::of(&loaded));
        Ok(())
    };
    // SAFETY: `error` is null or can be written to.
    unsafe { guard::fallible(error, body) }
}

/// Loads a directory as perilune_engine_load_dir does, and keeps the scripts as the files are, until the watch is freed: an edit is
/// live in about 0.1 s, a broken one is reported and changes nothing, a file that is gone removes its script. In a child of fork()
/// there is no watch: make a new one.
///
/// @param path       UTF-8
/// @param watcher    told of each change; NULL for nothing
/// @param user_data  handed to the watcher, and at last to destroy
/// @param destroy    called once when the watcher will not be called any more, also when this call fails; NULL for nothing
/// @param watch      set to the watch, which the caller frees
/// @param error      where an error goes, if not NULL; the caller frees it
/// @return           PERILUNE_OK, PERILUNE_FILE_ERROR or PERILUNE_INTERNAL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_engine_watch(
    engine: *const perilune_engine,
    path: perilune_slice,
    watcher: perilune_watcher,
    user_data: *mut c_void,
    destroy: perilune_destroy,
    watch: *mut *mut perilune_watch,
    error: *mut *mut perilune_error,
) -> perilune_code {
    let user_data = UserData::new(user_data, destroy);
    // SAFETY: as the header says.
    let body = || unsafe {
        let engine = handle::get(engine, "engine")?;
        let path = handle::text(path, "path")?;
        let watch = handle::required(watch, "watch")?;
        let watching = engine.scripts().watch(Path::new(path), move |report| {
            // Whole, and not the pointer in it alone: it is what may go to another thread.
            let user_data: &UserData = &user_data;
            if let Some(watcher) = watcher {
                watcher(handle::lend(&Told::of(report)), user_data.pointer);
            }
        })?;
        handle::give(watch, watching);
        Ok(())
    };
    // SAFETY: as above.
    unsafe { guard::fallible(error, body) }
}

/// Ends a watch: waits for what is under way, the watcher included, which may itself free the watch. The scripts stay as they are. NULL
/// is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_watch_free(watch: *mut perilune_watch) {
    // SAFETY: it was made here, and the caller does not use it again.
    guard::infallible((), || unsafe { handle::free(watch) });
}

/// A second report of the same content, which the caller frees: for a watcher that tells somebody later. NULL is copied as NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_clone(report: *const perilune_report) -> *mut perilune_report {
    guard::infallible(ptr::null_mut(), || {
        // SAFETY: null, or a report that the caller owns or was lent.
        unsafe { handle::get(report, "report") }
            .map_or(ptr::null_mut(), |told| handle::into_raw(Told::clone(told)))
    })
}

/// Frees a report that is owned. NULL is nothing to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_free(report: *mut perilune_report) {
    // SAFETY: as above.
    guard::infallible((), || unsafe { handle::free(report) });
}

/// How many scripts are new or changed. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_loaded_len(report: *const perilune_report) -> usize {
    // SAFETY: null, or a report that the caller owns or was lent.
    guard::infallible(0, || unsafe { handle::get(report, "report") }.map_or(0, |told| told.loaded.len()))
}

/// A script that is new or changed, lent as long as the report. NULL where there is none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_loaded(
    report: *const perilune_report,
    index: usize,
) -> *const perilune_script {
    guard::infallible(ptr::null(), || {
        // SAFETY: as above.
        unsafe { handle::get(report, "report") }
            .ok()
            .and_then(|told| told.loaded.get(index))
            .map_or(ptr::null(), handle::lend)
    })
}

/// How many names no longer serve, because their files are gone. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_removed_len(report: *const perilune_report) -> usize {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { handle::get(report, "report") }.map_or(0, |told| told.removed.len()))
}

/// A name that no longer serves, ended by a NUL byte, lent as long as the report. NULL where there is none, and for NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_removed(
    report: *const perilune_report,
    index: usize,
) -> perilune_slice {
    guard::infallible(perilune_slice::NONE, || {
        // SAFETY: as above.
        unsafe { handle::get(report, "report") }
            .ok()
            .and_then(|told| told.removed.get(index))
            .map_or(perilune_slice::NONE, Text::lend)
    })
}

/// How many files could not be put. What served under their names before goes on. NULL has 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_failed_len(report: *const perilune_report) -> usize {
    // SAFETY: as above.
    guard::infallible(0, || unsafe { handle::get(report, "report") }.map_or(0, |told| told.failed.len()))
}

/// Why a file could not be put, lent as long as the report; perilune_error_subject is its path. NULL where there is none, and for
/// NULL.
///
/// @param index  from 0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perilune_report_failed(
    report: *const perilune_report,
    index: usize,
) -> *const perilune_error {
    guard::infallible(ptr::null(), || {
        // SAFETY: as above.
        unsafe { handle::get(report, "report") }
            .ok()
            .and_then(|told| told.failed.get(index))
            .map_or(ptr::null(), handle::lend)
    })
}
