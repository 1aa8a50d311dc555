//! Fixes in Luau that are behind flags and off by default. They are enabled once per process, before its first VM.
//!
//! The flags are global: another user of the same Luau in this process shares them.

use std::sync::OnceLock;

use crate::model::error::Error;

/// Each flag, and what goes wrong without it (`grep FASTFLAG` in the VM sources of `luau0-src`).
const REPAIRS: &[(&str, &str)] = &[
    ("LuauTableArrayAdjustCheck", "a table with a key of -2^31 grown by table.move writes out of bounds"),
    ("LuauTableArrayShrinkOrder", "a table is inconsistent when memory runs out while its array shrinks"),
    ("LuauTableRobustOom", "a table is inconsistent when memory runs out while it grows"),
    ("LuauTableMoveTimeoutFix", "table.move over 2^31 indexes does not look at the interrupt"),
    ("LuauFastpcallInterrupt", "a loop of pcall does not look at the interrupt"),
    ("LuauBackedgeHeapCheck", "a loop that only grows tables never collects"),
    ("LuauOptimizeStringSplit", "string.split takes time in the product of its arguments' lengths"),
    ("LuauSandboxFreezesVectorMetatable", "a script can write to the vectors' shared metatable"),
];

/// Enables the fixes; later calls cost one atomic load.
///
/// # Errors
/// The linked Luau does not have one of the flags, so its fix may be missing.
pub(super) fn switch_on() -> Result<(), Error> {
    static DONE: OnceLock<Result<(), Error>> = OnceLock::new();
    DONE.get_or_init(|| {
        for (flag, _) in REPAIRS {
            mlua::Lua::set_fflag(flag, true).map_err(|()| {
                Error::Internal(format!("the linked Luau does not know the repair {flag}: see vm/flags.rs"))
            })?;
        }
        Ok(())
    })
    .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repair_is_known_to_the_linked_luau() {
        for (flag, without) in REPAIRS {
            assert!(mlua::Lua::set_fflag(flag, true).is_ok(), "{flag} is gone; without it {without}");
        }
        assert_eq!(mlua::Lua::set_fflag("NoSuchFlag", true), Err(()));
    }
}
