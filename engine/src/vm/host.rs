//! The host's functions and modules, as one VM is set up for them.

use std::cell::{Cell, Ref, RefCell};
use std::collections::HashSet;
use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use mlua::ffi::{self, lua_State};

use super::heap::Heap;
use super::job::{Job, Run};
use crate::registry::environment::Environment;
use crate::registry::functions::Functions;

/// What Luau calls for a host function.
pub(super) struct Calls {
    pub(super) now: ffi::lua_CFunction,
    /// For one that may answer later, and with its answer.
    pub(super) later: ffi::lua_CFunction,
    pub(super) answered: ffi::lua_Continuation,
}

/// The table `host` of a VM and the environment that it was built from. They stay the same during a run.
pub(super) struct HostTable {
    /// The ids of the environment, and of the script's own functions, that the VM is set up for.
    key: Cell<(u64, u64)>,
    environment: RefCell<Arc<Environment>>,
    table: Cell<*const c_void>,
    /// Bytes of the VM's heap that the table `host` takes.
    size: Cell<usize>,
    /// Debug names of the closures. Luau keeps pointers to them, so they live as long as the VM.
    names: RefCell<HashSet<CString>>,
}

impl HostTable {
    pub(super) fn new() -> Self {
        Self {
            key: Cell::new((0, 0)),
            environment: RefCell::default(),
            table: Cell::new(ptr::null()),
            size: Cell::new(0),
            names: RefCell::default(),
        }
    }

    pub(super) fn environment(&self) -> Ref<'_, Arc<Environment>> {
        self.environment.borrow()
    }

    /// Sets the VM up for a run; returns whether anything changed. This costs one atomic load if the last run had the same
    /// functions.
    ///
    /// # Safety
    /// `state` is at a call in the VM that this belongs to, at which no function of an earlier run can be called any
    /// more. `template` is the index of what `_G` is copied from. One of `calls` is called for each function, with its
    /// number as the upvalue.
    pub(super) unsafe fn prepare(
        &self,
        state: *mut lua_State,
        heap: &Heap,
        job: &Job<'_>,
        template: c_int,
        calls: &Calls,
    ) -> bool {
        let registered = job.environment;
        let none = Functions::none();
        let own = job.functions.unwrap_or(&none);
        if self.key.get() == (registered.id(), own.id) {
            return false;
        }
        let environment = registered.current();
        let shared = environment.functions.list.iter().zip(0..).filter(|((name, _), _)| !own.contains(name));
        // The script's own functions are numbered down from -1: they are looked up in the script, and not in the environment.
        let functions = shared.chain(own.list.iter().zip((0..).map(|index: i32| -1 - index)));
        // SAFETY: by this function's contract. When memory runs out here, the key stays as it was, and the next run tries again.
        let ((), size) = heap.load_into_base(self.size.get(), || unsafe {
            ffi::lua_createtable(state, 0, (environment.functions.list.len() + own.list.len()) as c_int);
            for ((name, function), number) in functions {
                ffi::lua_pushnumber(state, f64::from(number));
                let name = self.intern(name);
                let (call, answered) =
                    if function.may_wait() { (calls.later, Some(calls.answered)) } else { (calls.now, None) };
                ffi::lua_pushcclosurek(state, call, name, 1, answered);
                ffi::lua_rawsetfield(state, -2, name);
            }
            ffi::lua_setreadonly(state, -1, 1);
            self.table.set(ffi::lua_topointer(state, -1));
            ffi::lua_rawsetfield(state, template, c"host".as_ptr());
        });
        self.size.set(size);
        self.key.set((environment.id, own.id));
        *self.environment.borrow_mut() = environment;
        true
    }

    /// `lua_topointer` of the table `host`.
    pub(super) fn table(&self) -> *const c_void {
        self.table.get()
    }

    /// The names of all functions that a run has, sorted.
    pub(super) fn functions(&self, run: &Run<'_>) -> Vec<Arc<str>> {
        let environment = self.environment();
        let own = run.job.functions.iter().flat_map(|own| &own.list);
        let mut names: Vec<_> =
            environment.functions.list.iter().chain(own).map(|(name, _)| Arc::clone(name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn intern(&self, name: &str) -> *const std::ffi::c_char {
        let name = CString::new(name).unwrap_or_default();
        let mut names = self.names.borrow_mut();
        if !names.contains(&name) {
            names.insert(name.clone());
        }
        // What a `CString` points to does not move with it.
        names.get(&name).map_or(c"".as_ptr(), |name| name.as_ptr())
    }
}
