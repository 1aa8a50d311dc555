//! `require "name"`: modules that the host registered.

use std::cell::RefCell;
use std::ffi::c_int;
use std::sync::Arc;

use mlua::ffi::{self, lua_State};

use super::super::control::Control;
use super::super::fault;
use super::super::slots::Slot;
use super::{beginning, check_bytes};
use crate::syntax::findings::no_module;

/// `require(name)`: what the module returned, `true` where that is nothing. It runs on its first use in each run, in
/// that run's `_G`, with its name as `...`.
pub(in super::super) unsafe extern "C-unwind" fn require(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; the name stays at 1. All that is borrowed is given back when an error
    // unwinds.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let name = check_bytes(&state, 1);
        ffi::lua_settop(state, 1);
        if control.slots.push(Slot::Modules, state).is_none() {
            ffi::lua_newtable(state);
            ffi::lua_pushvalue(state, -1);
            control.slots.set(Slot::Modules, state);
        }
        ffi::lua_pushvalue(state, 1);
        if ffi::lua_rawget(state, 2) != ffi::LUA_TNIL {
            return 1;
        }
        ffi::lua_pop(state, 1);

        let found = std::str::from_utf8(name).ok().and_then(|name| {
            let environment = control.host.environment();
            environment
                .modules
                .get_key_value(name)
                .map(|(name, module)| (Arc::clone(name), Arc::clone(module)))
        });
        let Some((name, module)) = found else { fault::raise(state, unknown(control, name)) };
        let requiring = control.requiring.borrow();
        if let Some(first) = requiring.iter().position(|other| *other == name) {
            let chain: Vec<&str> = requiring.iter().skip(first).map(|name| &**name).chain([&*name]).collect();
            let text = format!("module '{name}' requires itself: {}", chain.join(" → "));
            drop(requiring);
            fault::raise(state, text);
        }
        drop(requiring);
        let _requiring = Requiring::begin(&control.requiring, name);

        control.push_loaded(state, fault::bytecode(state, &module));
        ffi::lua_clonefunction(state, -1);
        control.slots.push(Slot::Globals, state);
        ffi::lua_setfenv(state, -2);
        ffi::lua_pushvalue(state, 1);
        ffi::lua_call(state, 1, 1);
        if ffi::lua_isnil(state, -1) != 0 {
            ffi::lua_pop(state, 1);
            ffi::lua_pushboolean(state, 1);
        }
        ffi::lua_pushvalue(state, 1);
        ffi::lua_pushvalue(state, -2);
        ffi::lua_rawset(state, 2);
    }
    1
}

fn unknown(control: &Control, name: &[u8]) -> String {
    let environment = control.host.environment();
    let mut names: Vec<&str> = environment.modules.keys().map(|name| &**name).collect();
    names.sort_unstable();
    no_module(&String::from_utf8_lossy(beginning(name, 100)), &names)
}

/// Marks a module as being run, until this is dropped, also when an error unwinds.
struct Requiring<'a>(&'a RefCell<Vec<Arc<str>>>);

impl<'a> Requiring<'a> {
    fn begin(modules: &'a RefCell<Vec<Arc<str>>>, name: Arc<str>) -> Self {
        modules.borrow_mut().push(name);
        Self(modules)
    }
}

impl Drop for Requiring<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().pop();
    }
}
