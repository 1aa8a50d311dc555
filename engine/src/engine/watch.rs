//! Named scripts that follow a directory.
//!
//! The system's events (by `notify`) only trigger a scan of the directory, and say which files to read even if their stamp
//! did not change. The scan decides what is loaded, so neither the order of events nor a lost event matters.

use std::collections::HashSet;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::directory::{Directory, FileError, Report};
use super::scripts::Scripts;
use crate::model::error::Error;
use crate::vm::fork;

/// How long after an event, and after a file's last change, the directory is scanned.
const PAUSE: Duration = Duration::from_millis(50);

/// How often a directory that is gone is looked for.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps named scripts as the files of a directory are, until it is dropped: see [`Scripts::watch`]. Dropping it waits
/// for what is under way, the callback included; after that, the callback is not called again. Scripts stay as they are.
#[must_use = "a watch ends when it is dropped"]
pub struct Watch {
    root: PathBuf,
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    /// The generation of the process that the thread is in.
    generation: u64,
}

enum Message {
    Event(notify::Result<notify::Event>),
    Stop,
}

impl Scripts {
    /// Loads a directory as [`load_dir`](Self::load_dir) does, and keeps the scripts as the files are: a changed file is
    /// put, a file that is gone removes its script, and what can't be put is reported and changes nothing. An edit takes
    /// some 50 ms to be live, a removal 250 ms, so that an editor which removes and writes anew leaves no gap. (With
    /// 10,000 files, 100 ms more.)
    ///
    /// `callback` gets a report of the first load, before this returns, and of each later change. It is called on the
    /// thread of the watch, one call at a time; while it runs, no change is taken up. A panic in it is caught.
    ///
    /// - The names of its files are the directory's: what a host puts under them is replaced with the next edit, and
    ///   removed with the file.
    /// - A file that is written in place is read when it has rested for 50 ms; write another file and rename it over the
    ///   old one where half a file must never serve.
    /// - When the directory is gone, the scripts stay, the callback gets an error, and each second the directory is looked for. Should
    ///   `path` be a symlink, what it leads to now is watched.
    /// - In a child of `fork()` there is no watch: make a new one. Fork while no file changes.
    ///
    /// # Errors
    /// [`Error::File`]: the directory can't be read or watched. [`Error::Internal`]: the system gives no thread.
    pub fn watch(
        &self,
        path: impl AsRef<Path>,
        callback: impl FnMut(&Report) + Send + 'static,
    ) -> Result<Watch, Error> {
        let path = path.as_ref();
        let file_error = |reason: String| Error::File { path: path.to_owned(), reason };
        // Events come with absolute paths.
        let root = path.canonicalize().map_err(|error| file_error(error.to_string()))?;
        let (messages, received) = crossbeam_channel::unbounded();
        let (began, first) = crossbeam_channel::bounded(1);
        let (scripts, directory, events) = (self.clone(), Directory::new(&root), messages.clone());
        let run = move || {
            let mut follower = match Follower::new(scripts, directory, events, callback) {
                Ok(follower) => follower,
                Err(error) => return drop(began.send(Err(error))),
            };
            let loaded = follower.begin();
            let follows = loaded.is_ok();
            // The receiver waits.
            let _ = began.send(loaded);
            if follows {
                follower.follow(&received);
            }
        };
        let no_thread = |reason: &str| Error::Internal(format!("no thread for a watch: {reason}"));
        let thread = thread::Builder::new()
            .name("perilune-watch".into())
            .spawn(run)
            .map_err(|error| no_thread(&error.to_string()))?;
        match first.recv() {
            Ok(Ok(())) => Ok(Watch { root, messages, thread: Some(thread), generation: fork::generation() }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(no_thread("none for its events")),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // In a child of a fork the thread is not there to be waited for.
        if self.generation != fork::generation() {
            return mem::forget(thread);
        }
        let _ = self.messages.send(Message::Stop);
        // A callback may drop its own watch.
        if thread.thread().id() != thread::current().id() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("path", &self.root).finish_non_exhaustive()
    }
}

/// The state of the watching thread.
struct Follower<F> {
    scripts: Scripts,
    directory: Directory,
    callback: F,
    watcher: Option<RecommendedWatcher>,
    /// The directories that events come from.
    watched: HashSet<PathBuf>,
    /// Why the directory itself could not be scanned the last time.
    lost: Option<Error>,
}

impl<F: FnMut(&Report)> Follower<F> {
    fn new(
        scripts: Scripts,
        directory: Directory,
        messages: Sender<Message>,
        callback: F,
    ) -> Result<Self, Error> {
        let on_event = move |event: notify::Result<notify::Event>| {
            // A scan reads files, which makes events, too.
            let is_reading = event.as_ref().is_ok_and(|event| match event.kind {
                EventKind::Access(kind) => kind != AccessKind::Close(AccessMode::Write),
                _ => false,
            });
            if !is_reading {
                // Nobody listens once the watch is dropped.
                let _ = messages.send(Message::Event(event));
            }
        };
        let watcher = RecommendedWatcher::new(on_event, notify::Config::default())
            .map_err(|error| failed(directory.root(), error))?;
        Ok(Self { scripts, directory, callback, watcher: Some(watcher), watched: HashSet::new(), lost: None })
    }

    /// The first scan, without the pause that guards against half-written files.
    fn begin(&mut self) -> Result<(), Error> {
        let report = self.scan(Duration::ZERO)?;
        self.report(&report);
        Ok(())
    }

    /// Scans after each event, until the watch is dropped.
    fn follow(&mut self, messages: &Receiver<Message>) {
        loop {
            let again = match (&self.lost, self.directory.is_settled()) {
                (Some(_), _) => Some(RETRY),
                (None, false) => Some(PAUSE),
                (None, true) => None,
            };
            let message = match again {
                Some(pause) => messages.recv_timeout(pause),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let until = Instant::now() + PAUSE;
            let mut next = match message {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            while let Some(message) = next {
                match message {
                    Message::Event(event) => self.note(event),
                    Message::Stop => return,
                }
                next = messages.recv_deadline(until).ok();
            }
            let report = match self.scan(PAUSE) {
                Ok(report) => {
                    self.lost = None;
                    report
                }
                Err(error) if self.lost.as_ref() == Some(&error) => continue,
                Err(error) => {
                    self.lost = Some(error.clone());
                    let path = self.directory.root().to_owned();
                    Report { failed: vec![FileError { path, error }], ..Report::default() }
                }
            };
            if !report.is_empty() {
                self.report(&report);
            }
        }
    }

    /// An event of a file has it read, one of a directory has it watched anew. An error, such as lost events, needs only the
    /// scan that follows.
    fn note(&mut self, event: notify::Result<notify::Event>) {
        for path in event.map(|event| event.paths).unwrap_or_default() {
            self.directory.forget(&path);
            self.watched.remove(&path);
        }
    }

    /// Watches all directories, and scans only then, so that any later change makes an event.
    fn scan(&mut self, pause: Duration) -> Result<Report, Error> {
        let root = self.directory.root().to_owned();
        self.watch(root)?;
        let mut unwatched = Vec::new();
        for instance in self.directory.instances() {
            let path = instance.clone();
            if let Err(error) = self.watch(instance)
                && path.is_dir()
            {
                // Reported once: a reached system limit of watches does not go away by itself.
                self.watched.insert(path.clone());
                unwatched.push(FileError { path, error });
            }
        }
        let mut report = self.directory.scan(&self.scripts, pause)?;
        report.failed.extend(unwatched);
        Ok(report)
    }

    fn watch(&mut self, directory: PathBuf) -> Result<(), Error> {
        let Some(watcher) = self.watcher.as_mut().filter(|_| !self.watched.contains(&directory)) else {
            return Ok(());
        };
        // An earlier directory of this name may still be watched.
        let _ = watcher.unwatch(&directory);
        let watching = watcher.watch(&directory, RecursiveMode::NonRecursive);
        watching.map_err(|error| failed(&directory, error))?;
        self.watched.insert(directory);
        Ok(())
    }

    fn report(&mut self, report: &Report) {
        // The thread goes on. The host's panic hook has reported the panic.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.callback)(report)));
    }
}

impl<F> Drop for Follower<F> {
    fn drop(&mut self) {
        // Without a thread of its own, the watcher panics when it is used and again when it is dropped: once is enough.
        if thread::panicking() {
            mem::forget(self.watcher.take());
        }
    }
}

fn failed(path: &Path, error: notify::Error) -> Error {
    let reason = notify::Error { paths: Vec::new(), ..error }.to_string();
    Error::File { path: path.to_owned(), reason }
}
