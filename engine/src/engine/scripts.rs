//! Named scripts: what serves under which name, in which version.

use std::sync::Arc;

use super::engine::Engine;
use super::inner::EngineInner;
use super::script::Script;
use crate::compile::compiled::{Compiled, content_hash};
use crate::model::error::{CompileError, Error};
use crate::model::request::Request;
use crate::model::trace::Trace;
use crate::registry::named::instance_of;

impl Engine {
    /// The named scripts of this engine.
    #[must_use]
    pub fn scripts(&self) -> Scripts {
        Scripts { engine: Arc::clone(self.inner()) }
    }

    /// Runs the script that serves under `name`: see [`Scripts`]. It is looked up once, so that a run goes on with the
    /// version it began with.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Script::run`].
    pub fn run(&self, name: &str, request: &Request<'_>) -> Result<Trace, Error> {
        let compiled = self.inner().named.get(name).ok_or(Error::NotFound)?;
        Script::new(self.inner(), compiled).run(request)
    }
}

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
    pub(crate) engine: Arc<EngineInner>,
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
        let (compiled, is_new) = self.engine.named.put(compiled);
        Ok((self.script(compiled), is_new))
    }

    /// The script that serves under `name` now. It stays that version, whatever is put under the name later.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Script> {
        self.engine.named.get(name).map(|compiled| self.script(compiled))
    }

    /// Takes a script out of service; what served is returned.
    pub fn remove(&self, name: &str) -> Option<Script> {
        self.engine.named.remove(name).map(|compiled| self.script(compiled))
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
        self.engine.named.has_instance(instance)
    }

    fn listed(&self, wanted: impl Fn(&str) -> bool) -> Vec<Script> {
        self.engine.named.list(wanted).into_iter().map(|compiled| self.script(compiled)).collect()
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
