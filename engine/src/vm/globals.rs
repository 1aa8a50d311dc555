//! The globals of a script: a closed list of names, frozen once, and a fresh `_G` per run in front of it, which is a copy of
//! the template of `_G`.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::control::Control;
use super::library::{
    clock, coroutines, format, guard, json, original, output, random, require, response, strings,
    tables as table_library,
};
use super::{job, run, tables, traceback};

/// Luau's own globals that a script has; all others are removed. Kept in step with the docs by a
/// test.
const KEPT: &[&CStr] = &[
    c"_VERSION",
    c"assert",
    c"error",
    c"getmetatable",
    c"ipairs",
    c"next",
    c"pairs",
    c"pcall",
    c"rawequal",
    c"rawget",
    c"rawlen",
    c"rawset",
    c"select",
    c"setmetatable",
    c"tonumber",
    c"tostring",
    c"type",
    c"typeof",
    c"unpack",
    c"xpcall",
    c"bit32",
    c"buffer",
    c"coroutine",
    c"debug",
    c"math",
    c"os",
    c"string",
    c"table",
    c"utf8",
    c"vector",
];

/// Indices on the VM's main stack that are never popped: the message handler, the entry function of a run.
pub(super) const HANDLER: c_int = 1;
pub(super) const ENTRY: c_int = 2;
/// What runs that may wait need: their entry function, Luau's `xpcall`, and what makes their coroutine.
pub(super) const ENTRY_WAITING: c_int = 3;
pub(super) const XPCALL: c_int = 4;
pub(super) const OPEN: c_int = 5;
/// What Luau says of a yield that it refuses: to its script, the coroutine of a run is none. It is there for when there is no memory.
pub(super) const REFUSED: c_int = 6;
pub(super) const TOP: c_int = REFUSED;

/// Builds the library and leaves what is on the stack's bottom.
pub(super) unsafe extern "C-unwind" fn build(state: *mut lua_State) -> c_int {
    // SAFETY: called once by `Vm::new`, protected, in a fresh VM.
    unsafe {
        ffi::luaL_openlibs(state);
        remove_unlisted(state);
        replace(state);
        add(state);
        freeze(state);
        ffi::lua_settop(state, 0);
        ffi::lua_pushcfunctiond(state, traceback::handle_error, c"perilune".as_ptr());
        push_entry(state);
        push_waiting_entry(state);
        ffi::lua_getglobal(state, c"xpcall".as_ptr());
        ffi::lua_pushcfunctiond(state, run::open, c"open".as_ptr());
        ffi::lua_pushliteral(state, c"attempt to yield across metamethod/C-call boundary");
    }
    TOP
}

unsafe fn remove_unlisted(state: *mut lua_State) {
    // SAFETY: as in `build`; a key that exists may be cleared while iterating.
    unsafe {
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, ffi::LUA_GLOBALSINDEX) != 0 {
            ffi::lua_pop(state, 1);
            let name = CStr::from_ptr(ffi::lua_tostring(state, -1));
            if !KEPT.contains(&name) {
                ffi::lua_pushvalue(state, -1);
                ffi::lua_pushnil(state);
                ffi::lua_rawset(state, ffi::LUA_GLOBALSINDEX);
            }
        }
    }
}

/// Sets a function in the table on the top of the stack.
unsafe fn set_function(state: *mut lua_State, name: &CStr, function: ffi::lua_CFunction) {
    // SAFETY: as in `build`; the names are static, as Luau needs them to be.
    unsafe {
        ffi::lua_pushcfunctiond(state, function, name.as_ptr());
        ffi::lua_rawsetfield(state, -2, name.as_ptr());
    }
}

/// Sets functions of the library that is named.
unsafe fn set_functions(
    state: *mut lua_State,
    library: &CStr,
    functions: &[(&'static CStr, ffi::lua_CFunction)],
) {
    // SAFETY: as in `build`.
    unsafe {
        ffi::lua_getglobal(state, library.as_ptr());
        for (name, function) in functions {
            set_function(state, name, *function);
        }
        ffi::lua_pop(state, 1);
    }
}

/// Sets a function that has Luau's own as its upvalue; of the globals where the library has no name. Once for each: Luau's
/// runs in the frame of ours, where another of ours would find itself as its upvalue.
unsafe fn wrap(state: *mut lua_State, library: &CStr, name: &'static CStr, function: ffi::lua_CFunction) {
    // SAFETY: as in `build`; the names are static, as Luau needs them to be.
    unsafe {
        if library.is_empty() {
            ffi::lua_pushvalue(state, ffi::LUA_GLOBALSINDEX);
        } else {
            ffi::lua_getglobal(state, library.as_ptr());
        }
        ffi::lua_rawgetfield(state, -1, name.as_ptr());
        ffi::lua_pushcclosured(state, function, name.as_ptr(), 1);
        ffi::lua_rawsetfield(state, -2, name.as_ptr());
        ffi::lua_pop(state, 1);
    }
}

unsafe fn replace(state: *mut lua_State) {
    // SAFETY: as in `build`.
    unsafe {
        for guard in &guard::GUARDS {
            wrap(state, guard.library, guard.name, guard.wrapper);
        }
        set_functions(state, c"math", &[(c"random", random::random), (c"randomseed", random::randomseed)]);
        set_functions(state, c"debug", &[(c"traceback", traceback::traceback)]);
        set_functions(
            state,
            c"string",
            &[
                (c"find", strings::find),
                (c"match", strings::r#match),
                (c"gmatch", strings::gmatch),
                (c"gsub", strings::gsub),
                (c"split", strings::split),
                (c"format", format::format),
            ],
        );
        set_functions(
            state,
            c"table",
            &[
                (c"move", table_library::r#move),
                (c"concat", table_library::concat),
                (c"find", table_library::find),
                (c"unpack", table_library::unpack),
                (c"foreach", table_library::foreach),
                (c"foreachi", table_library::foreachi),
            ],
        );
        set_functions(state, c"utf8", &[(c"len", strings::utf8_len)]);
        set_functions(
            state,
            c"coroutine",
            &[(c"running", coroutines::running), (c"isyieldable", coroutines::isyieldable)],
        );
        set_functions(state, c"os", &[(c"date", clock::date), (c"time", clock::time)]);
        wrap(state, c"table", c"sort", table_library::sort);
        wrap(state, c"table", c"clear", clear);
        wrap(state, c"debug", c"info", guard::info);
        ffi::lua_pushvalue(state, ffi::LUA_GLOBALSINDEX);
        set_function(state, c"rawset", rawset);
        set_function(state, c"unpack", table_library::unpack);
        ffi::lua_settop(state, 0);
    }
}

unsafe fn add(state: *mut lua_State) {
    // SAFETY: as in `build`.
    unsafe {
        ffi::lua_pushvalue(state, ffi::LUA_GLOBALSINDEX);
        set_function(state, c"print", output::print);
        set_function(state, c"warn", output::warn);
        set_function(state, c"require", require::require);
        set_function(state, c"set_response", response::set_response);

        ffi::lua_createtable(state, 0, 3);
        ffi::lua_createtable(state, 0, 1);
        set_function(state, c"write", output::stdout_write);
        ffi::lua_setreadonly(state, -1, 1);
        ffi::lua_pushvalue(state, -1);
        ffi::lua_pushcclosured(state, output::io_write, c"write".as_ptr(), 1);
        ffi::lua_rawsetfield(state, -3, c"write".as_ptr());
        ffi::lua_rawsetfield(state, -2, c"stdout".as_ptr());
        ffi::lua_createtable(state, 0, 1);
        set_function(state, c"write", output::stderr_write);
        ffi::lua_setreadonly(state, -1, 1);
        ffi::lua_rawsetfield(state, -2, c"stderr".as_ptr());
        ffi::lua_rawsetfield(state, -2, c"io".as_ptr());

        json::open(state);
        ffi::lua_rawsetfield(state, -2, c"json".as_ptr());
        ffi::lua_settop(state, 0);
    }
}

/// Makes everything that runs share read-only, so that compiled code may rely on it (`safeenv`).
unsafe fn freeze(state: *mut lua_State) {
    // SAFETY: as in `build`. Luau's own sandboxing does the library, the strings' metatable and, with its repair
    // flag, the vectors'.
    unsafe { ffi::luaL_sandbox_(state) };
}

/// Pushes the entry function of a run, with the templates and names that each run needs as upvalues: see [`run::enter`].
unsafe fn push_entry(state: *mut lua_State) {
    // SAFETY: as in `build`.
    unsafe {
        // 1: the template of `_G`. It has the keys that each run sets, so that a copy need not grow.
        ffi::lua_createtable(state, 0, 7);
        for name in [c"ARGS", c"GET", c"POST", c"_G"] {
            ffi::lua_pushboolean(state, 1);
            ffi::lua_rawsetfield(state, -2, name.as_ptr());
        }
        for name in [c"CONFIG", c"META", c"host"] {
            ffi::lua_newtable(state);
            ffi::lua_setreadonly(state, -1, 1);
            ffi::lua_rawsetfield(state, -2, name.as_ptr());
        }
        ffi::lua_createtable(state, 0, 3);
        ffi::lua_pushvalue(state, ffi::LUA_GLOBALSINDEX);
        ffi::lua_rawsetfield(state, -2, c"__index".as_ptr());
        set_function(state, c"__newindex", new_global);
        lock(state);
        ffi::lua_setmetatable(state, -2);
        perilune_luau::perilune_names_only(state, -1);
        // 2: the template of `ARGS`.
        ffi::lua_createtable(state, 0, 2);
        for name in [c"GET", c"POST"] {
            ffi::lua_pushboolean(state, 1);
            ffi::lua_rawsetfield(state, -2, name.as_ptr());
        }
        ffi::lua_createtable(state, 0, 2);
        set_function(state, c"__index", tables::args_index);
        lock(state);
        ffi::lua_setmetatable(state, -2);
        perilune_luau::perilune_names_only(state, -1);
        // 3 to 8: the names, so that setting them hashes nothing.
        for name in run::NAMES {
            ffi::lua_pushliteral(state, name);
        }
        ffi::lua_pushcclosured(state, run::enter, job::NAME.as_ptr(), 2 + run::NAMES.len() as c_int);
    }
}

/// Pushes the entry of runs that may wait, with the same upvalues.
unsafe fn push_waiting_entry(state: *mut lua_State) {
    // SAFETY: as in `build`, with the entry on the top of the stack.
    unsafe {
        let entry = ffi::lua_gettop(state);
        let count = 2 + run::NAMES.len() as c_int;
        for index in 1..=count {
            ffi::lua_getupvalue(state, entry, index);
        }
        let (enter, returned) = (run::enter_waiting, Some(run::returned as ffi::lua_Continuation));
        ffi::lua_pushcclosurek(state, enter, job::NAME.as_ptr(), count, returned);
    }
}

/// Locks the metatable on the top of the stack: scripts can neither see, change nor replace it.
unsafe fn lock(state: *mut lua_State) {
    // SAFETY: as in `build`.
    unsafe {
        ffi::lua_pushliteral(state, c"The metatable is locked");
        ffi::lua_rawsetfield(state, -2, c"__metatable".as_ptr());
        ffi::lua_setreadonly(state, -1, 1);
    }
}

/// The `__newindex` of `_G`.
unsafe extern "C-unwind" fn new_global(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with `_G`, a key and a value; a script can't name it.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(state, 3);
        shadow(state);
        ffi::lua_rawset(state, 1);
    }
    0
}

/// `rawset(table, key, value)`, which must not get past [`new_global`].
unsafe extern "C-unwind" fn rawset(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::luaL_checkany(state, 2);
        ffi::luaL_checkany(state, 3);
        ffi::lua_settop(state, 3);
        if is_globals(state) {
            shadow(state);
        }
        ffi::lua_rawset(state, 1);
    }
    1
}

/// `table.clear(table)`: for `_G` it clears the library behind it, too.
unsafe extern "C-unwind" fn clear(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau; the original is called as Luau would, in this function's frame.
    unsafe {
        Control::from_state(&state).safepoint(state);
        if is_globals(state) {
            ffi::lua_settop(state, 1);
            ffi::lua_createtable(state, 0, 0);
            put_behind(state);
            ffi::lua_settop(state, 1);
        }
        original(state)(state)
    }
}

/// Whether the value at index 1 is a run's `_G`: no other table has a metatable with [`new_global`] in it.
unsafe fn is_globals(state: *mut lua_State) -> bool {
    // SAFETY: at a call of one of the functions above.
    unsafe {
        if ffi::luaL_getmetafield(state, 1, c"__newindex".as_ptr()) == ffi::LUA_TNIL {
            return false;
        }
        let function = ffi::lua_tocfunction(state, -1);
        ffi::lua_pop(state, 1);
        function.is_some_and(|function| std::ptr::fn_addr_eq(function, new_global as ffi::lua_CFunction))
    }
}

/// Pushes the table behind the `_G` at `index`, in which names are looked up that `_G` does not have: the library, without the
/// names that this run has shadowed.
///
/// # Safety
/// There is a run's `_G` at `index`, and two free stack slots.
pub(super) unsafe fn push_behind(state: *mut lua_State, index: c_int) {
    // SAFETY: by this function's contract.
    unsafe {
        ffi::luaL_getmetafield(state, index, c"__index".as_ptr());
    }
}

/// Shadows the library's name at index 2: removes it from the table behind the `_G` at index 1, so that setting it to nil in `_G`
/// takes effect. The library that runs share does not change: this run gets a copy.
unsafe fn shadow(state: *mut lua_State) {
    // SAFETY: `_G`, a key and a value are at 1 to 3.
    unsafe {
        push_behind(state, 1);
        ffi::lua_pushvalue(state, 2);
        if ffi::lua_rawget(state, 4) != ffi::LUA_TNIL {
            if ffi::lua_getreadonly(state, 4) != 0 {
                ffi::lua_clonetable(state, 4);
                ffi::lua_replace(state, 4);
                ffi::lua_pushvalue(state, 4);
                put_behind(state);
            }
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushnil(state);
            ffi::lua_rawset(state, 4);
        }
        ffi::lua_settop(state, 3);
    }
}

/// Pops a table, and puts it behind the `_G` at index 1. Compiled code resolved library names when it was loaded; from now on
/// it looks them up at each use.
unsafe fn put_behind(state: *mut lua_State) {
    // SAFETY: as in `shadow`; the key is there already, so setting it does not fail half-way.
    unsafe {
        ffi::lua_getmetatable(state, 1);
        ffi::lua_clonetable(state, -1);
        ffi::lua_pushvalue(state, -3);
        ffi::lua_rawsetfield(state, -2, c"__index".as_ptr());
        ffi::lua_setreadonly(state, -1, 1);
        ffi::lua_setmetatable(state, 1);
        ffi::lua_setsafeenv(state, 1, 0);
        ffi::lua_pop(state, 2);
    }
}
