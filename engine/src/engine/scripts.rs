//! Named scripts: what serves under which name, in which version.
//!
//! A map of shared, immutable compilations under one lock, which a run holds for a look-up and the counting of a
//! reference. What was weighed against it: a map that is copied at each change (`arc-swap`) takes no lock to read,
//! and makes loading 10,000 scripts cost 10,000 copies of the map.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::engine::directory::{Directory, Report};
use crate::engine::engine::Shared;
use crate::engine::script::{Compiled, Script, content_hash};
use crate::model::error::{CompileError, Error};

/// Removed names of which the last version is remembered.
const REMEMBERED: usize = 4096;

/// The named scripts of an engine: clones, and what [`Engine::scripts`](crate::Engine::scripts) returns at any time, are
/// the same ones.
///
/// A name is `NAME` or `INSTANCE/NAME`, the instance being a namespace: 1 to 250 bytes, no control characters, and
/// both parts of at least one character. Each change under a name is a new version, 1, 2, 3 …; a name that was
/// removed and comes back counts on, so that a version in a [`Trace`](crate::Trace) is never two different sources.
/// (After 4,096 removals these counts are forgotten, and a name may begin higher than at 1.)
///
/// A change is seen whole or not at all: a run goes on with the version that it began with.
///
/// ```
/// use perilune::{Engine, Error, Request};
///
/// let engine = Engine::new();
/// engine.scripts().put("shop/price", "return 10")?;
/// assert!(engine.scripts().put("shop/price", "return 10 +").is_err());
/// assert_eq!(engine.run("shop/price", &Request::new())?.value.as_deref(), Some("10"));
///
/// let script = engine.scripts().put("shop/price", "return 12")?;
/// assert_eq!(script.version(), 2);
/// assert_eq!(engine.run("shop/price", &Request::new())?.version, 2);
///
/// engine.scripts().remove("shop/price");
/// assert_eq!(engine.run("shop/price", &Request::new()).unwrap_err(), Error::NotFound);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Scripts {
    pub(crate) engine: Arc<Shared>,
}

/// What an engine keeps of its named scripts.
#[derive(Default)]
pub(crate) struct Registry {
    names: RwLock<Names>,
}

#[derive(Default)]
struct Names {
    serving: HashMap<Arc<str>, Arc<Compiled>>,
    /// How many of these each instance has: none at zero.
    instances: HashMap<Box<str>, usize>,
    /// The last version of names that do not serve.
    removed: HashMap<Arc<str>, u64>,
    /// The highest version that `removed` held and let go of.
    forgotten: u64,
}

impl Registry {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Compiled>> {
        self.names.read().serving.get(name).map(Arc::clone)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.read().serving.len()
    }

    /// Lets a compilation serve, under its name, and says whether it is a new version. Two puts of one source at once
    /// are one version.
    fn put(&self, mut compiled: Compiled) -> (Arc<Compiled>, bool) {
        let mut names = self.names.write();
        compiled.version = match names.serving.get(&compiled.name) {
            Some(serving) if serving.hash == compiled.hash => return (Arc::clone(serving), false),
            Some(serving) => serving.version + 1,
            None => names.removed.remove(&compiled.name).unwrap_or(names.forgotten) + 1,
        };
        let compiled = Arc::new(compiled);
        let replaced = names.serving.insert(Arc::clone(&compiled.name), Arc::clone(&compiled));
        if replaced.is_none() {
            *names.instances.entry(instance_of(&compiled.name).into()).or_default() += 1;
        }
        drop(names);
        // Freeing it is not for others to wait for.
        drop(replaced);
        (compiled, true)
    }

    fn remove(&self, name: &str) -> Option<Arc<Compiled>> {
        let mut names = self.names.write();
        let (name, compiled) = names.serving.remove_entry(name)?;
        let instance = instance_of(&name);
        if let Some(count) = names.instances.get_mut(instance) {
            *count -= 1;
            if *count == 0 {
                names.instances.remove(instance);
            }
        }
        if names.removed.len() >= REMEMBERED {
            let highest = names.removed.drain().map(|(_, version)| version).max();
            names.forgotten = names.forgotten.max(highest.unwrap_or(0));
        }
        names.removed.insert(name, compiled.version);
        Some(compiled)
    }

    fn has_instance(&self, instance: &str) -> bool {
        self.names.read().instances.contains_key(instance)
    }

    fn list(&self, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Compiled>> {
        let names = self.names.read();
        let mut list: Vec<_> =
            names.serving.values().filter(|script| wanted(&script.name)).cloned().collect();
        drop(names);
        list.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        list
    }
}

impl Scripts {
    /// Compiles a script and lets it serve under `name`. A source that does not compile changes nothing: what served
    /// before goes on. The source that serves already keeps its version. Of two puts at once, the one that is compiled
    /// last serves.
    ///
    /// # Errors
    /// The name is not one, or the script does not compile or is too long.
    pub fn put(&self, name: &str, source: impl AsRef<[u8]>) -> Result<Script, CompileError> {
        self.put_if_new(name, source.as_ref()).map(|(script, _)| script)
    }

    /// [`put`](Self::put), and whether it changed anything.
    pub(crate) fn put_if_new(&self, name: &str, source: &[u8]) -> Result<(Script, bool), CompileError> {
        check(name)?;
        if source.len() <= self.engine.limits.source
            && let Some(serving) = self.get(name)
            && serving.hash() == content_hash(source)
        {
            return Ok((serving, false));
        }
        let compiled = self.engine.compile(name, source)?;
        let (compiled, is_new) = self.engine.registry.put(compiled);
        Ok((self.script(compiled), is_new))
    }

    /// The script that serves under `name` now. It stays that version, whatever is put under the name later.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Script> {
        self.engine.registry.get(name).map(|compiled| self.script(compiled))
    }

    /// Takes a script out of service; what served is returned.
    pub fn remove(&self, name: &str) -> Option<Script> {
        self.engine.registry.remove(name).map(|compiled| self.script(compiled))
    }

    /// All scripts that serve, sorted by name: see [`Script::name`], [`Script::version`], [`Script::hash`].
    #[must_use]
    pub fn list(&self) -> Vec<Script> {
        self.listed(|_| true)
    }

    /// The scripts of one instance, sorted by name; `""` is for those without one.
    #[must_use]
    pub fn list_in(&self, instance: &str) -> Vec<Script> {
        self.listed(|name| instance_of(name) == instance)
    }

    /// Whether an instance has a script that serves, at the cost of one look-up; `""` is for those without one.
    #[must_use]
    pub fn has_instance(&self, instance: &str) -> bool {
        self.engine.registry.has_instance(instance)
    }

    /// Puts the `*.lua` files of a directory: `PATH/NAME.lua` as `NAME`, `PATH/INSTANCE/NAME.lua` as `INSTANCE/NAME`.
    /// Files that can't be put are in the report, and change nothing; the others serve. Names that start with a dot,
    /// symlinks to directories and deeper directories are passed over. A symlink to a file counts as that file, if it
    /// is in the directory.
    ///
    /// # Errors
    /// [`Error::File`]: the directory can't be read.
    pub fn load_dir(&self, path: impl AsRef<Path>) -> Result<Report, Error> {
        Directory::new(path.as_ref()).look(self, Duration::ZERO)
    }

    fn listed(&self, wanted: impl Fn(&str) -> bool) -> Vec<Script> {
        self.engine.registry.list(wanted).into_iter().map(|compiled| self.script(compiled)).collect()
    }

    fn script(&self, compiled: Arc<Compiled>) -> Script {
        Script::new(&self.engine, compiled)
    }
}

impl std::fmt::Debug for Scripts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

/// The instance in a script's name; `""` where there is none.
fn instance_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(instance, _)| instance)
}

/// Refuses what can't name a script; its length is the compiler's to refuse.
fn check(name: &str) -> Result<(), CompileError> {
    let reason = if name.chars().any(char::is_control) {
        "the script's name has a control character"
    } else if name.matches('/').count() > 1 {
        "the script's name has more than one `/`: name it NAME or INSTANCE/NAME"
    } else if name.split('/').any(str::is_empty) {
        "the script's name is empty or has an empty part: name it NAME or INSTANCE/NAME"
    } else {
        return Ok(());
    };
    Err(CompileError { script: name.to_owned(), line: 1, reason: reason.to_owned() })
}
