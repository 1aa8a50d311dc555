//! The least that a run can cost, for the benches to compare with: a script in a bare Luau state, with and without an
//! environment of its own. No limits, no request to read, no trace. Once written, this stays as it is: later
//! measurements are ratios to it.

#![allow(missing_docs, reason = "for this repository's benches alone")]

use std::ffi::c_int;
use std::ptr::NonNull;

use mlua::ffi::{self, lua_State};

use super::access::bytes;
use crate::compile::bytecode::Bytecode;

/// Stack slots of the state.
const SCRIPT: c_int = 1;
const METATABLE: c_int = 2;

pub struct Floor {
    state: NonNull<lua_State>,
    /// What the script printed; the state's callbacks hold its address.
    output: NonNull<Vec<u8>>,
}

impl Floor {
    /// For [`bare`](Self::bare): the script's `GET` is a global of the state.
    #[must_use]
    pub fn shared(source: &str) -> Self {
        Self::new(source, true)
    }

    /// For [`isolated`](Self::isolated): the state has no `GET`, since loading would bind the script to it.
    #[must_use]
    pub fn separate(source: &str) -> Self {
        Self::new(source, false)
    }

    /// A state with its library frozen and one script loaded.
    fn new(source: &str, has_get: bool) -> Self {
        super::flags::switch_on().expect("Luau's repairs are known");
        let code = Bytecode::compile("floor", source.as_bytes()).expect("it compiles");
        // SAFETY: a fresh state, used here alone. Nothing below fails but for lack of memory, which ends a bench.
        unsafe {
            let state = NonNull::new(ffi::luaL_newstate()).expect("memory");
            let raw = state.as_ptr();
            let output = NonNull::from(Box::leak(Box::<Vec<u8>>::default()));
            (*ffi::lua_callbacks(raw)).userdata = output.as_ptr().cast();
            ffi::luaL_openlibs(raw);
            ffi::lua_pushcfunctiond(raw, print, c"print".as_ptr());
            ffi::lua_setglobal(raw, c"print".as_ptr());
            if has_get {
                push_get(raw);
                ffi::lua_setglobal(raw, c"GET".as_ptr());
            }
            ffi::luaL_sandbox_(raw);
            ffi::lua_settop(raw, 0);
            code.load(raw);
            ffi::lua_createtable(raw, 0, 1);
            ffi::lua_pushvalue(raw, ffi::LUA_GLOBALSINDEX);
            ffi::lua_rawsetfield(raw, METATABLE, c"__index".as_ptr());
            ffi::lua_setreadonly(raw, METATABLE, 1);
            Self { state, output }
        }
    }

    /// One protected call of the script, and nothing else. Returns what it printed.
    pub fn bare(&mut self) -> &[u8] {
        // SAFETY: the state is live, and this is its only use.
        unsafe {
            ffi::lua_pushvalue(self.state.as_ptr(), SCRIPT);
            self.call()
        }
    }

    /// One protected call of a clone of the script in a fresh environment with `ARGS`, `GET` and `POST`.
    pub fn isolated(&mut self) -> &[u8] {
        let raw = self.state.as_ptr();
        // SAFETY: as above.
        unsafe {
            ffi::lua_clonefunction(raw, SCRIPT);
            ffi::lua_createtable(raw, 0, 3);
            ffi::lua_createtable(raw, 0, 2);
            push_get(raw);
            ffi::lua_pushvalue(raw, -1);
            ffi::lua_rawsetfield(raw, -3, c"GET".as_ptr());
            ffi::lua_rawsetfield(raw, -3, c"GET".as_ptr());
            push_post(raw);
            ffi::lua_pushvalue(raw, -1);
            ffi::lua_rawsetfield(raw, -3, c"POST".as_ptr());
            ffi::lua_rawsetfield(raw, -3, c"POST".as_ptr());
            ffi::lua_rawsetfield(raw, -2, c"ARGS".as_ptr());
            ffi::lua_pushvalue(raw, METATABLE);
            ffi::lua_setmetatable(raw, -2);
            ffi::lua_setsafeenv(raw, -1, 1);
            ffi::lua_setfenv(raw, -2);
            self.call()
        }
    }

    unsafe fn call(&mut self) -> &[u8] {
        // SAFETY: the function is on the top of the stack; the output is reached by `print` only inside the call.
        unsafe {
            self.output.as_mut().clear();
            let called = ffi::lua_pcall(self.state.as_ptr(), 0, 0, 0);
            assert_eq!(called, ffi::LUA_OK, "{}", String::from_utf8_lossy(bytes(&self.state.as_ptr(), -1)));
            self.output.as_ref()
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // SAFETY: both were made by `new`, and nothing uses them after this.
        unsafe {
            ffi::lua_close(self.state.as_ptr());
            drop(Box::from_raw(self.output.as_ptr()));
        }
    }
}

unsafe fn push_get(state: *mut lua_State) {
    // SAFETY: the state is live, with room on its stack.
    unsafe {
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_pushliteral(state, c"Manticore");
        ffi::lua_rawsetfield(state, -2, c"monster".as_ptr());
    }
}

/// `{n = 1, tags = {"a", "b", "c"}, monster = "Manticore"}`
unsafe fn push_post(state: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        ffi::lua_createtable(state, 0, 3);
        ffi::lua_pushnumber(state, 1.0);
        ffi::lua_rawsetfield(state, -2, c"n".as_ptr());
        ffi::lua_createtable(state, 3, 0);
        for (index, tag) in [c"a", c"b", c"c"].into_iter().enumerate() {
            ffi::lua_pushliteral(state, tag);
            ffi::lua_rawseti_(state, -2, index as c_int + 1);
        }
        ffi::lua_rawsetfield(state, -2, c"tags".as_ptr());
        ffi::lua_pushliteral(state, c"Manticore");
        ffi::lua_rawsetfield(state, -2, c"monster".as_ptr());
    }
}

unsafe extern "C-unwind" fn print(state: *mut lua_State) -> c_int {
    // SAFETY: the userdata is the output, which nothing else reaches during the call.
    unsafe {
        let output = &mut *(*ffi::lua_callbacks(state)).userdata.cast::<Vec<u8>>();
        for index in 1..=ffi::lua_gettop(state) {
            if index > 1 {
                output.push(b'\t');
            }
            ffi::luaL_tolstring_(state, index, std::ptr::null_mut());
            output.extend_from_slice(bytes(&state, -1));
            ffi::lua_pop(state, 1);
        }
        output.push(b'\n');
    }
    0
}
