//! Host functions by name.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::model::error::Error;
use crate::model::function::HostFunction;

/// A set of host functions, sorted by name, with an id that is unique in the process.
#[derive(Clone)]
pub(crate) struct Functions {
    pub(crate) id: u64,
    pub(crate) list: Vec<(Arc<str>, Arc<dyn HostFunction>)>,
    /// Whether a call of one may be answered later.
    pub(crate) may_wait: bool,
}

impl Functions {
    /// The empty set, whose id is 0.
    pub(crate) fn none() -> Self {
        Self { id: 0, list: Vec::new(), may_wait: false }
    }

    /// Functions that are sorted by name.
    pub(crate) fn new(list: Vec<(Arc<str>, Arc<dyn HostFunction>)>) -> Self {
        let may_wait = list.iter().any(|(_, function)| function.may_wait());
        Self { id: next_id(), list, may_wait }
    }

    /// These and one more, which replaces one of the same name.
    pub(crate) fn with(&self, name: &str, function: Arc<dyn HostFunction>) -> Result<Self, Error> {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= MAX_NAME;
        if !is_name {
            let reason =
                format!("a host function's name is letters, digits and _, at most {MAX_NAME} of them");
            return Err(Error::Name { name: name.to_owned(), reason });
        }
        let mut list = self.list.clone();
        match self.find(name) {
            Ok(at) => list[at].1 = function,
            Err(at) => list.insert(at, (name.into(), function)),
        }
        Ok(Self::new(list))
    }

    /// Where the function of this name is, or would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.list.binary_search_by(|(other, _)| (**other).cmp(name))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list.iter().map(|(name, _)| name)).finish()
    }
}

/// The longest name of a host function, in bytes.
const MAX_NAME: usize = 100;

/// An id that no other set or environment in this process has.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}
