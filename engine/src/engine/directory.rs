//! Named scripts from the files of a directory: scanning it, and loading what changed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::script::Script;
use super::scripts::Scripts;
use crate::model::error::Error;

impl Scripts {
    /// Puts the `*.lua` files of a directory: `PATH/NAME.lua` as `NAME`, `PATH/INSTANCE/NAME.lua` as `INSTANCE/NAME`.
    /// Files that can't be put are in the report, and change nothing; the others serve. Names that start with a dot,
    /// symlinks to directories and deeper directories are passed over. A symlink to a file counts as that file, if it
    /// is in the directory.
    ///
    /// # Errors
    /// [`Error::File`]: the directory can't be read.
    pub fn load_dir(&self, path: impl AsRef<Path>) -> Result<Report, Error> {
        Directory::new(path.as_ref()).scan(self, Duration::ZERO)
    }
}

/// What came of loading a directory, or of a change in a watched one.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// The scripts that are new or changed, sorted by file. A file whose source serves already is not among them.
    pub loaded: Vec<Script>,
    /// The names that no longer serve, because their files are gone.
    pub removed: Vec<String>,
    /// The files that could not be put. What served under their names before goes on.
    pub failed: Vec<FileError>,
}

impl Report {
    /// Whether nothing changed and nothing failed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loaded.is_empty() && self.removed.is_empty() && self.failed.is_empty()
    }
}

/// A file that could not be put, or a directory that could not be read. Its text is that of the error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Why: [`Error::Compile`], also for a name that is none, or [`Error::File`].
    pub error: Error,
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A directory of scripts, and what is known of it from the last scan.
pub(crate) struct Directory {
    root: PathBuf,
    known: BTreeMap<PathBuf, Known>,
    is_settled: bool,
}

/// A file that was seen, or a directory that could not be read.
#[derive(Default)]
struct Known {
    /// The name that it serves under.
    name: Option<String>,
    /// Its stamp when it was last read; `None` has it read again.
    stamp: Option<Stamp>,
    /// The error that was last reported.
    error: Option<Error>,
    /// When a scan first missed it.
    missing: Option<Instant>,
}

/// Metadata of a file that changes when the file does.
#[derive(PartialEq, Eq)]
struct Stamp {
    /// Device and inode, where there are such.
    file: (u64, u64),
    changed: SystemTime,
    len: u64,
}

/// The files and directories in a directory that can matter for scripts.
#[derive(Default)]
struct Listing {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    /// Directories that can't be read.
    unreadable: Vec<(PathBuf, io::Error)>,
}

impl Directory {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: BTreeMap::new(), is_settled: true }
    }

    /// Puts what is new or changed, and removes what is gone. With a `pause`, a file that changed less than that ago is
    /// left for the next scan, since it may be half written, and a file is gone when it is missing for four times that:
    /// editors and version control remove a file and write it anew.
    pub(crate) fn scan(&mut self, scripts: &Scripts, pause: Duration) -> Result<Report, Error> {
        let inside = fs::canonicalize(&self.root).map_err(|error| failed(&self.root, &error))?;
        let Listing { files, unreadable, .. } = self.list().map_err(|error| failed(&self.root, &error))?;
        let mut report = Report::default();
        self.is_settled = true;
        let mut seen = BTreeSet::new();
        for (path, error) in unreadable {
            self.fail(&path, failed(&path, &error), &mut report);
            seen.insert(path);
        }
        for path in files {
            match self.load_if_changed(&path, &inside, scripts, pause) {
                Ok(Some(script)) => report.loaded.push(script),
                Ok(None) => {}
                Err(Error::File { .. }) if is_gone(&path) => continue,
                Err(error) => self.fail(&path, error, &mut report),
            }
            seen.insert(path);
        }
        let mut gone = Vec::new();
        for (path, known) in &mut self.known {
            if seen.contains(path) {
                known.missing = None;
            } else if known.missing.get_or_insert_with(Instant::now).elapsed() < 4 * pause {
                self.is_settled = false;
            } else {
                gone.push(path.clone());
            }
        }
        for name in gone.iter().filter_map(|path| self.known.remove(path)?.name) {
            if scripts.remove(&name).is_some() {
                report.removed.push(name);
            }
        }
        Ok(report)
    }

    /// The files here and one level deeper. In a directory that can't be read, what was there is taken to be there still.
    fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::read(&self.root)?;
        for directory in &listing.directories {
            match Listing::read(directory) {
                Ok(deeper) => listing.files.extend(deeper.files),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let known = self.known.keys().filter(|path| path.parent() == Some(directory));
                    listing.files.extend(known.cloned());
                    listing.unreadable.push((directory.clone(), error));
                }
            }
        }
        listing.files.sort_unstable();
        Ok(listing)
    }

    /// Loads a file if it changed; returns the script if it is a new version.
    fn load_if_changed(
        &mut self,
        path: &Path,
        inside: &Path,
        scripts: &Scripts,
        pause: Duration,
    ) -> Result<Option<Script>, Error> {
        let known = self.known.entry(path.to_owned()).or_default();
        let refused = |reason: &str| Error::File { path: path.to_owned(), reason: reason.to_owned() };
        let name = name(path, &self.root).ok_or_else(|| refused("the file's name is not UTF-8"))?;
        let mut metadata = fs::symlink_metadata(path).map_err(|error| failed(path, &error))?;
        let mut real = Cow::Borrowed(path);
        if metadata.is_symlink() {
            let target = fs::canonicalize(path).map_err(|error| failed(path, &error))?;
            if !target.starts_with(inside) {
                return Err(refused("a symlink that leads out of the directory"));
            }
            metadata = fs::symlink_metadata(&target).map_err(|error| failed(path, &error))?;
            real = Cow::Owned(target);
        }
        let stamp = Stamp::from_metadata(&metadata);
        if known.stamp.as_ref() == Some(&stamp) {
            return Ok(None);
        }
        if stamp.age().is_some_and(|age| age < pause) {
            self.is_settled = false;
            return Ok(None);
        }
        let limit = scripts.engine.limits.source;
        let source = read(&real, limit).map_err(|error| failed(path, &error))?;
        known.stamp = Some(stamp);
        if source.len() > limit {
            return Err(refused(&format!("the file has more than {limit} bytes, the limit of a source")));
        }
        let (script, is_new) = scripts.put_if_new(&name, &source)?;
        known.name = Some(name);
        known.error = None;
        Ok(is_new.then_some(script))
    }

    /// Reports an error, unless the last scan did.
    fn fail(&mut self, path: &Path, error: Error, report: &mut Report) {
        let known = self.known.entry(path.to_owned()).or_default();
        if known.error.as_ref() != Some(&error) {
            known.error = Some(error.clone());
            report.failed.push(FileError { path: path.to_owned(), error });
        }
    }
}

#[cfg(feature = "watch")]
impl Directory {
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directories that are namespaces.
    pub(crate) fn instances(&self) -> Vec<PathBuf> {
        Listing::read(&self.root).map_or_else(|_| Vec::new(), |listing| listing.directories)
    }

    /// Has a file read in the next scan, whether its stamp changed or not.
    pub(crate) fn forget(&mut self, path: &Path) {
        if let Some(known) = self.known.get_mut(path) {
            known.stamp = None;
            known.error = None;
        }
    }

    /// Whether the last scan left nothing for the next.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled
    }
}

impl Listing {
    fn read(directory: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                listing.directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "lua")
                && !(kind.is_symlink() && path.is_dir())
            {
                listing.files.push(path);
            }
        }
        Ok(listing)
    }
}

impl Stamp {
    fn from_metadata(metadata: &Metadata) -> Self {
        let epoch = SystemTime::UNIX_EPOCH;
        #[cfg(unix)]
        let (file, changed) = {
            use std::os::unix::fs::MetadataExt;
            let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or(0));
            let nanoseconds = Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).unwrap_or(0));
            ((metadata.dev(), metadata.ino()), epoch + seconds + nanoseconds)
        };
        #[cfg(not(unix))]
        let (file, changed) = ((0, 0), metadata.modified().unwrap_or(epoch));
        Self { file, changed, len: metadata.len() }
    }

    /// How long ago the file changed; `None` when its clock is ahead of ours.
    fn age(&self) -> Option<Duration> {
        SystemTime::now().duration_since(self.changed).ok()
    }
}

/// `root/NAME.lua` is `NAME`, `root/INSTANCE/NAME.lua` is `INSTANCE/NAME`.
fn name(path: &Path, root: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    match path.parent()? {
        parent if parent == root => Some(stem.to_owned()),
        parent => Some(format!("{}/{stem}", parent.file_name()?.to_str()?)),
    }
}

/// The contents of a file, up to one byte more than `limit`.
fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut source = Vec::new();
    file.take((limit as u64).saturating_add(1)).read_to_end(&mut source)?;
    Ok(source)
}

/// Opens a file without blocking, as a named pipe would, and without following a symlink that took its place meanwhile.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOFOLLOW);
    options.read(true).open(path)
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::File { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    /// Guards against half of a file that serves, and against a gap while a file is replaced.
    #[test]
    fn what_is_fresh_or_just_gone_is_left_for_the_next_scan() {
        let root = tempfile::TempDir::new().expect("a directory");
        let path = root.path().join("hello.lua");
        fs::write(&path, "return 1").expect("a file");
        let scripts = Engine::builder().pool_size(1).build().scripts();
        let mut directory = Directory::new(root.path());
        let (never, now) = (Duration::from_secs(1 << 30), Duration::ZERO);
        let mut scan = |pause| {
            let report = directory.scan(&scripts, pause).expect("it is read");
            (report.loaded.len(), report.removed.len(), directory.is_settled)
        };
        assert_eq!(scan(never), (0, 0, false), "it may be half written");
        assert_eq!(scan(now), (1, 0, true));
        assert_eq!(scan(never), (0, 0, true), "nothing changed");
        fs::remove_file(&path).expect("it was there");
        assert_eq!(scan(never), (0, 0, false), "it may come again");
        assert_eq!(scan(now), (0, 1, true));
        assert_eq!(scan(never), (0, 0, true));
    }
}
