//! Reading what Luau's compiler wrote, and making scripts look at the deadline where Luau does not.
//!
//! Luau looks on calls and loop edges. Code without any, and the calls of builtins that it does itself, can take long all
//! the same: `n = s + 0` reads a string of megabytes, and a thousand such lines took 16 s to notice that time was up. So
//! a source with many instructions of that kind in one function is compiled with coverage, which puts an instruction
//! before each statement and expression, and those are replaced by jumps of no distance, at which Luau looks.

use std::ops::Range;

/// The version of bytecode that is read here (`LBC_VERSION_TARGET` in Luau's `Bytecode.h`).
const VERSION: u8 = 9;

/// Instructions of one function whose cost depends on how long a string is, at which nothing looks.
const UNWATCHED: usize = 64;

/// The opcodes that are told apart here, by their numbers in Luau's `Bytecode.h`.
mod op {
    pub(super) const JUMPBACK: u8 = 24;
    pub(super) const COVERAGE: u8 = 69;

    /// Whether a word of operands follows.
    pub(super) fn is_long(op: u8) -> bool {
        matches!(op, 7 | 8 | 12 | 15 | 16 | 20 | 27..=32 | 53 | 55 | 58 | 60 | 66 | 74 | 75 | 77..=80 | 83..=88 | 90)
    }

    /// Whether it compares strings, reads a string as a number, joins strings, or calls a builtin without a look.
    pub(super) fn may_be_slow(op: u8) -> bool {
        matches!(op, 28 | 29 | 31 | 32 | 33..=44 | 49 | 51 | 56 | 60 | 68 | 71..=75 | 81 | 82)
    }
}

/// It is of a form that is not known here.
#[derive(Debug)]
pub(super) struct Unknown;

/// Where things are in bytecode.
pub(super) struct Layout {
    pub(super) strings: Vec<Range<usize>>,
    /// The instructions of each function.
    code: Vec<Range<usize>>,
}

impl Layout {
    pub(super) fn of(bytecode: &[u8]) -> Result<Self, Unknown> {
        let mut reader = Reader { bytes: bytecode, at: 0 };
        reader.layout().ok_or(Unknown)
    }

    /// Whether some function does much that Luau does not look at.
    pub(super) fn needs_looks(&self, bytecode: &[u8]) -> bool {
        let slow = |code: &Range<usize>| {
            instructions(bytecode, code).filter(|&at| op::may_be_slow(bytecode[at])).count()
        };
        self.code.iter().any(|code| slow(code) > UNWATCHED)
    }

    /// Has Luau look where it would count for coverage.
    pub(super) fn add_looks(&self, bytecode: &mut [u8]) {
        for code in &self.code {
            let places: Vec<usize> =
                instructions(bytecode, code).filter(|&at| bytecode[at] == op::COVERAGE).collect();
            for at in places {
                bytecode[at..at + 4].copy_from_slice(&u32::from(op::JUMPBACK).to_le_bytes());
            }
        }
    }
}

/// Where the instructions of a function begin; the opcode is the first byte.
fn instructions<'a>(bytecode: &'a [u8], code: &Range<usize>) -> impl Iterator<Item = usize> + use<'a> {
    let end = code.end;
    std::iter::successors(Some(code.start), move |&at| {
        Some(at + if op::is_long(bytecode[at]) { 8 } else { 4 })
    })
    .take_while(move |&at| at < end)
}

/// Reads in the order of `luau_load` (`lvmload.cpp`).
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn layout(&mut self) -> Option<Layout> {
        let (version, types) = (self.byte()?, self.byte()?);
        if version != VERSION || types != 3 {
            return None;
        }
        let strings = self.many(|reader| {
            let length = reader.number()?;
            reader.skip(length)
        })?;
        // Names of userdata types, up to a zero.
        while self.byte()? != 0 {
            self.number()?;
        }
        let code = self.many(Self::function)?;
        self.number()?;
        (self.at == self.bytes.len()).then_some(Layout { strings, code })
    }

    /// Returns where the instructions are.
    fn function(&mut self) -> Option<Range<usize>> {
        // Registers, parameters, upvalues, varargs, flags.
        self.skip(5)?;
        let types = self.number()?;
        self.skip(types)?;
        let count = self.number()?;
        let code = self.skip(count.checked_mul(4)?)?;
        self.many(Self::constant)?;
        self.many(Self::number)?;
        // Line and name of the definition.
        self.number()?;
        self.number()?;
        if self.byte()? != 0 {
            let gap = u32::from(self.byte()?);
            let intervals = (count.checked_sub(1)? >> gap) + 1;
            self.skip(count + 4 * intervals)?;
        }
        if self.byte()? != 0 {
            // Names of locals and of upvalues.
            self.many(|reader| {
                (0..3).try_for_each(|_| reader.number().map(drop))?;
                reader.byte()
            })?;
            self.many(Self::number)?;
        }
        Some(code)
    }

    fn constant(&mut self) -> Option<()> {
        match self.byte()? {
            // nil, boolean, number, string, import.
            0 => {}
            1 => _ = self.byte()?,
            2 => _ = self.skip(8)?,
            3 => _ = self.number()?,
            4 => _ = self.skip(4)?,
            // The keys of a table, a function, a vector.
            5 => _ = self.many(Self::number)?,
            6 => _ = self.number()?,
            7 => _ = self.skip(16)?,
            // A table with constants in it, an integer.
            8 => {
                self.many(|reader| {
                    reader.number()?;
                    reader.skip(4)
                })?;
            }
            9 => {
                self.byte()?;
                self.number()?;
            }
            _ => return None,
        }
        Some(())
    }

    /// As many as are announced.
    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        (0..count).map(|_| one(self)).collect()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// Seven bits a byte, the low ones first.
    fn number(&mut self) -> Option<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    }

    fn skip(&mut self, length: usize) -> Option<Range<usize>> {
        let range = self.at..self.at.checked_add(length)?;
        self.at = range.end;
        (range.end <= self.bytes.len()).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Every source that the tests have.
    fn sources() -> Vec<Vec<u8>> {
        fn walk(folder: &Path, found: &mut Vec<Vec<u8>>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, found);
                } else if path.extension().is_some_and(|extension| extension == "lua") {
                    found.push(std::fs::read(path).expect("a file"));
                }
            }
        }
        let mut found = Vec::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        walk(&folder.join("tests/scripts"), &mut found);
        walk(&folder.join("examples"), &mut found);
        found
    }

    /// Were the form another, the reader would not come to the very end, nor an instruction end where its function does.
    #[test]
    fn bytecode_is_of_the_form_that_is_read() {
        let (mut read, mut looks) = (0, 0);
        for source in sources() {
            for (coverage, debug) in [(0, 1), (2, 1), (2, 2)] {
                let compiler = mlua::chunk::Compiler::new()
                    .set_optimization_level(1)
                    .set_debug_level(debug)
                    .set_coverage_level(coverage);
                let Ok(mut bytecode) = compiler.compile(&source) else { continue };
                let layout = Layout::of(&bytecode).expect("it is read");
                for code in &layout.code {
                    let last = instructions(&bytecode, code).last().expect("a function has instructions");
                    let length = if op::is_long(bytecode[last]) { 8 } else { 4 };
                    assert_eq!(last + length, code.end);
                    // The last one of every function is RETURN.
                    assert_eq!(bytecode[last], 22);
                }
                layout.add_looks(&mut bytecode);
                looks += layout
                    .code
                    .iter()
                    .flat_map(|code| instructions(&bytecode, code))
                    .filter(|&at| bytecode[at..at + 4] == [op::JUMPBACK, 0, 0, 0])
                    .count();
                read += 1;
            }
        }
        assert!(read > 1000 && looks > 10_000, "{read} {looks}");
    }

    #[test]
    fn what_is_cut_off_is_unknown_and_no_panic() {
        let bytecode = mlua::chunk::Compiler::new()
            .compile("return function(a) return {a = 1, b = a + 1} end")
            .expect("it compiles");
        assert!(Layout::of(&bytecode).is_ok());
        for end in 0..bytecode.len() {
            assert!(Layout::of(&bytecode[..end]).is_err(), "{end}");
        }
        assert!(Layout::of(&[bytecode, vec![0]].concat()).is_err());
    }
}
