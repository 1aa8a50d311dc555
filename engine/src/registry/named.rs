//! Compiled scripts by name: what serves, and in which version.
//!
//! A map of shared, immutable compilations under one lock, which a run holds for a look-up and the counting of a
//! reference. What was weighed against it: a map that is copied at each change (`arc-swap`) takes no lock to read,
//! and makes loading 10,000 scripts cost 10,000 copies of the map.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::compile::compiled::Compiled;

/// Removed names of which the last version is remembered.
const REMEMBERED: usize = 4096;

/// What an engine keeps of its named scripts.
#[derive(Default)]
pub(crate) struct Named {
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

impl Named {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Compiled>> {
        self.names.read().serving.get(name).map(Arc::clone)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.read().serving.len()
    }

    /// Lets a compilation serve, under its name, and says whether it is a new version. Two puts of one source at once
    /// are one version.
    pub(crate) fn put(&self, mut compiled: Compiled) -> (Arc<Compiled>, bool) {
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

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Compiled>> {
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

    pub(crate) fn has_instance(&self, instance: &str) -> bool {
        self.names.read().instances.contains_key(instance)
    }

    pub(crate) fn list(&self, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Compiled>> {
        let names = self.names.read();
        let mut list: Vec<_> =
            names.serving.values().filter(|script| wanted(&script.name)).cloned().collect();
        drop(names);
        list.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        list
    }
}

/// The instance in a script's name; `""` where there is none.
pub(crate) fn instance_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(instance, _)| instance)
}
