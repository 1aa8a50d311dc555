//! Named scripts: which version serves under a name.
//!
//! They are a map of immutable, shared compilations under one lock, which a run holds for a look-up and the cloning of an
//! `Arc`. A map that is copied at each change (`arc-swap`) would need no lock to read, but loading 10,000 scripts would
//! copy it 10,000 times.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::compile::compiled::Compiled;

/// How many removed names have their last version remembered.
const REMEMBERED: usize = 4096;

/// The named scripts of an engine.
#[derive(Default)]
pub(crate) struct ScriptRegistry {
    scripts: RwLock<NamedScripts>,
}

#[derive(Default)]
struct NamedScripts {
    serving: HashMap<Arc<str>, Arc<Compiled>>,
    /// How many of these each instance has; an instance without any has no entry.
    instances: HashMap<Box<str>, usize>,
    /// The last version of names that do not serve.
    removed: HashMap<Arc<str>, u64>,
    /// The highest version that was dropped from `removed`.
    forgotten: u64,
}

impl ScriptRegistry {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Compiled>> {
        self.scripts.read().serving.get(name).map(Arc::clone)
    }

    pub(crate) fn len(&self) -> usize {
        self.scripts.read().serving.len()
    }

    /// Lets a compilation serve under its name; returns whether it is a new version. Two puts of the same source are one version.
    pub(crate) fn put(&self, mut compiled: Compiled) -> (Arc<Compiled>, bool) {
        let mut scripts = self.scripts.write();
        compiled.version = match scripts.serving.get(&compiled.name) {
            Some(serving) if serving.hash == compiled.hash => return (Arc::clone(serving), false),
            Some(serving) => serving.version + 1,
            None => scripts.removed.remove(&compiled.name).unwrap_or(scripts.forgotten) + 1,
        };
        let compiled = Arc::new(compiled);
        let replaced = scripts.serving.insert(Arc::clone(&compiled.name), Arc::clone(&compiled));
        if replaced.is_none() {
            *scripts.instances.entry(instance_of(&compiled.name).into()).or_default() += 1;
        }
        drop(scripts);
        // Freed without the lock, so that nobody waits for it.
        drop(replaced);
        (compiled, true)
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Compiled>> {
        let mut scripts = self.scripts.write();
        let (name, compiled) = scripts.serving.remove_entry(name)?;
        let instance = instance_of(&name);
        if let Some(count) = scripts.instances.get_mut(instance) {
            *count -= 1;
            if *count == 0 {
                scripts.instances.remove(instance);
            }
        }
        if scripts.removed.len() >= REMEMBERED {
            let highest = scripts.removed.drain().map(|(_, version)| version).max();
            scripts.forgotten = scripts.forgotten.max(highest.unwrap_or(0));
        }
        scripts.removed.insert(name, compiled.version);
        Some(compiled)
    }

    pub(crate) fn has_instance(&self, instance: &str) -> bool {
        self.scripts.read().instances.contains_key(instance)
    }

    pub(crate) fn list(&self, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Compiled>> {
        let scripts = self.scripts.read();
        let mut list: Vec<_> =
            scripts.serving.values().filter(|script| wanted(&script.name)).cloned().collect();
        drop(scripts);
        list.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        list
    }
}

/// The instance in a script's name; `""` where there is none.
pub(crate) fn instance_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(instance, _)| instance)
}
