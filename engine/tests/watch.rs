//! Named scripts that follow the files of a directory.
#![cfg(feature = "watch")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perilune::{Engine, Error, Report, Request, Watch};
use tempfile::TempDir;

/// How long a report is waited for before the test fails; one takes some 0.1 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// A watched directory, and what its watch reports.
struct Watched {
    directory: TempDir,
    engine: Engine,
    reports: Receiver<Report>,
    watch: Option<Watch>,
}

impl Watched {
    /// Of a directory that holds these files. The report of the first load is taken.
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("scripts");
        fs::create_dir(&path).expect("a directory");
        for (name, source) in files {
            write(&path.join(name), source);
        }
        let engine = common::builder().pool_size(2).build();
        let (sender, reports) = channel();
        let report = move |report: &Report| sender.send(report.clone()).expect("the test listens");
        let watch = engine.scripts().watch(&path, report).expect("it is watched");
        let watched = Self { directory, engine, reports, watch: Some(watch) };
        let first = watched.reports.try_recv().expect("the first load is reported before the watch is there");
        assert_eq!(first.loaded.len() + first.failed.len(), files.len());
        watched
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("scripts").join(name)
    }

    fn write(&self, name: &str, source: &str) {
        write(&self.path(name), source);
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("it was there");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("it was there");
    }

    /// The next report, as lines: what was loaded, removed and failed.
    #[track_caller]
    fn next(&self) -> Vec<String> {
        let report = self.reports.recv_timeout(PATIENCE).expect("a report");
        let loaded = report.loaded.iter().map(|script| format!("{} {}", script.name(), script.version()));
        let removed = report.removed.iter().map(|name| format!("{name} removed"));
        let failed = report.failed.iter().map(|failed| match &failed.error {
            Error::Compile(error) => format!("{}:{} failed", error.script, error.line),
            error => error.to_string(),
        });
        loaded.chain(removed).chain(failed).collect()
    }

    /// What the script of a name returns; `None` if there is none.
    #[track_caller]
    fn run(&self, name: &str) -> Option<String> {
        match self.engine.run(name, &Request::new()) {
            Ok(trace) => Some(trace.value.expect("a value")),
            Err(Error::NotFound) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Writes a file whole, as most editors do: to another one, which is put over it.
fn write(path: &Path, source: &str) {
    let directory = path.parent().expect("it has one");
    fs::create_dir_all(directory).expect("a directory");
    let written = directory.join(".written");
    fs::write(&written, source).expect("a file");
    fs::rename(&written, path).expect("a file");
}

#[test]
fn edits_new_files_and_removals_are_live() {
    let watched = Watched::new(&[("hello.lua", "return 1"), ("shop/price.lua", "return 2")]);
    assert_eq!(watched.run("hello").as_deref(), Some("1"));
    assert_eq!(watched.run("shop/price").as_deref(), Some("2"));

    watched.write("hello.lua", "return 10");
    assert_eq!(watched.next(), ["hello 2"]);
    assert_eq!(watched.run("hello").as_deref(), Some("10"));

    let mut file = fs::OpenOptions::new().write(true).open(watched.path("hello.lua")).expect("it is there");
    file.write_all(b"return 11").expect("it is written");
    assert_eq!(watched.next(), ["hello 3"], "in place, and while it is open");
    assert_eq!(watched.run("hello").as_deref(), Some("11"));

    watched.write("shop/price.lua", "return 20");
    assert_eq!(watched.next(), ["shop/price 2"]);

    watched.write("new.lua", "return 3");
    assert_eq!(watched.next(), ["new 1"]);

    watched.remove("new.lua");
    assert_eq!(watched.next(), ["new removed"]);
    assert_eq!(watched.run("new"), None);

    watched.rename("hello.lua", "moved.lua");
    let mut both = watched.next();
    both.extend(watched.next());
    assert_eq!(both, ["moved 1", "hello removed"]);
}

#[test]
fn a_broken_edit_is_reported_once_and_changes_nothing() {
    let watched = Watched::new(&[("hello.lua", "return 1"), ("other.lua", "return 1"), ("bad.lua", "+")]);
    watched.write("hello.lua", "return 1\nreturn +");
    assert_eq!(watched.next(), ["hello:2 failed"]);
    assert_eq!(watched.run("hello").as_deref(), Some("1"));

    watched.write("other.lua", "return 2");
    assert_eq!(watched.next(), ["other 2"], "what was told of other files is not told again");

    watched.write("hello.lua", "return 1\n\nreturn +");
    assert_eq!(watched.next(), ["hello:3 failed"]);
    watched.write("hello.lua", "return 1\n\nreturn -");
    assert_eq!(watched.next(), ["hello:3 failed"], "a new edit is told, also with the same error");

    watched.write("hello.lua", "return 3");
    assert_eq!(watched.next(), ["hello 2"]);
    watched.write("bad.lua", "return 4");
    assert_eq!(watched.next(), ["bad 1"]);

    watched.write("bad.lua", "return 4 -");
    assert_eq!(watched.next(), ["bad:1 failed"]);
    watched.remove("bad.lua");
    assert_eq!(watched.next(), ["bad removed"]);
}

#[test]
fn directories_that_come_and_go_are_followed() {
    let watched = Watched::new(&[]);
    watched.write("shop/price.lua", "return 1");
    assert_eq!(watched.next(), ["shop/price 1"]);
    watched.write("shop/price.lua", "return 2");
    assert_eq!(watched.next(), ["shop/price 2"]);

    fs::remove_dir_all(watched.path("shop")).expect("it was there");
    assert_eq!(watched.next(), ["shop/price removed"]);
    watched.write("shop/price.lua", "return 3");
    assert_eq!(watched.next(), ["shop/price 3"]);
    watched.write("shop/price.lua", "return 4");
    assert_eq!(watched.next(), ["shop/price 4"], "a directory of the same name is watched anew");

    watched.rename("shop", ".shop");
    assert_eq!(watched.next(), ["shop/price removed"]);
    watched.write(".shop/price.lua", "return 5");
    watched.rename(".shop", "shop");
    assert_eq!(watched.next(), ["shop/price 5"]);
}

#[test]
fn editors_that_rename_leave_no_gap() {
    let watched = Watched::new(&[("hello.lua", "return 1")]);
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            while !done.load(SeqCst) {
                assert!(watched.engine.run("hello", &Request::new()).is_ok());
            }
        });
        for version in 2..12 {
            // As Vim does it: away with the old file, then another one in its place.
            watched.rename("hello.lua", "hello.lua~");
            watched.write("hello.lua", &format!("return {version}"));
            watched.remove("hello.lua~");
            assert_eq!(watched.next(), [format!("hello {version}")]);
            assert_eq!(watched.run("hello"), Some(version.to_string()));
        }
        done.store(true, SeqCst);
        reader.join().expect("it never was gone");
    });
}

#[test]
fn a_dropped_watch_is_over() {
    let mut watched = Watched::new(&[("hello.lua", "return 1")]);
    watched.write("hello.lua", "return 2");
    assert_eq!(watched.next(), ["hello 2"]);
    watched.watch = None;
    watched.write("hello.lua", "return 3");
    let error = watched.reports.try_recv().expect_err("nothing is reported");
    assert_eq!(
        error,
        std::sync::mpsc::TryRecvError::Disconnected,
        "its thread is over, and the callback gone"
    );
    assert_eq!(watched.run("hello").as_deref(), Some("2"));
}

#[test]
fn what_can_not_be_watched_is_an_error() {
    let directory = TempDir::new().expect("a directory");
    write(&directory.path().join("file.lua"), "");
    let scripts = common::builder().pool_size(1).build().scripts();
    for name in ["missing", "file.lua"] {
        let path = directory.path().join(name);
        let error = scripts.watch(&path, |_| panic!("nothing was loaded")).expect_err("it is no directory");
        assert!(matches!(&error, Error::File { path: told, .. } if *told == path), "{error}");
    }
}

#[test]
fn a_directory_that_is_replaced_is_followed_again() {
    let watched = Watched::new(&[("hello.lua", "return 1"), ("old.lua", "return 1")]);
    let path = watched.path("");
    let away = watched.directory.path().join("away");
    fs::rename(&path, &away).expect("it was there");
    let told = watched.next();
    assert!(
        told.len() == 1 && told[0].starts_with(&*path.parent().expect("one").to_string_lossy()),
        "{told:?}"
    );
    assert_eq!(watched.run("hello").as_deref(), Some("1"), "the scripts stay");

    fs::rename(&away, &path).expect("it was there");
    watched.write("hello.lua", "return 2");
    assert_eq!(watched.next(), ["hello 2"]);

    // At once, as a deployment may do it.
    let next = watched.directory.path().join("next");
    write(&next.join("hello.lua"), "return 3");
    fs::rename(&path, &away).expect("it was there");
    fs::rename(&next, &path).expect("it was there");
    let mut told = watched.next();
    told.extend(watched.next());
    assert_eq!(told, ["hello 3", "old removed"]);
    watched.write("hello.lua", "return 4");
    assert_eq!(watched.next(), ["hello 4"]);
}

#[test]
fn a_callback_may_panic() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("hello.lua");
    write(&path, "return 1");
    let engine = common::builder().pool_size(1).build();
    let (sender, reports) = channel();
    let callback = move |report: &Report| {
        sender.send(report.loaded.len()).expect("the test listens");
        // As a panic does, without the text on stderr.
        std::panic::resume_unwind(Box::new(()));
    };
    let _watch = engine.scripts().watch(directory.path(), callback).expect("it is watched");
    for source in ["return 2", "return 3"] {
        assert_eq!(reports.recv_timeout(PATIENCE), Ok(1));
        write(&path, source);
    }
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(1));
}

#[test]
fn a_callback_may_drop_its_watch() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("hello.lua");
    write(&path, "return 1");
    let engine = common::builder().pool_size(1).build();
    let (sender, reports) = channel();
    let own: Arc<Mutex<Option<Watch>>> = Arc::default();
    let watch = Arc::clone(&own);
    let callback = move |_: &Report| {
        let dropped = watch.lock().expect("no panic").take().is_some();
        sender.send(dropped).expect("the test listens");
    };
    *own.lock().expect("no panic") =
        Some(engine.scripts().watch(directory.path(), callback).expect("it is watched"));
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(false), "the first load");
    write(&path, "return 2");
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(true));
    reports.recv_timeout(PATIENCE).expect_err("the thread ended");
}

/// Kubernetes mounts settings so: the files are links through a link that is swapped.
#[cfg(unix)]
#[test]
fn links_that_are_swapped_are_followed() {
    use std::os::unix::fs::symlink;

    let watched = Watched::new(&[]);
    symlink("nowhere", watched.path("dangling.lua")).expect("a link");
    assert!(watched.next()[0].ends_with("dangling.lua: No such file or directory (os error 2)"), "told once");
    watched.write("..1/hello.lua", "return 1");
    watched.write("..2/hello.lua", "return 2");
    symlink("..1", watched.path("..data")).expect("a link");
    symlink("..data/hello.lua", watched.path("hello.lua")).expect("a link");
    assert_eq!(watched.next(), ["hello 1"]);

    symlink("..2", watched.path("..data_tmp")).expect("a link");
    watched.rename("..data_tmp", "..data");
    assert_eq!(watched.next(), ["hello 2"]);
    assert_eq!(watched.run("hello").as_deref(), Some("2"));
}
