//! All syntax errors that can be told apart. Luau's compiler names the first only, so the statement with it is blanked out
//! and the rest compiled again.
//!
//! What comes out then may follow from the first error alone. It counts only when blocks, brackets and indentation agree
//! on where the statement begins and ends, when all that stands before it compiles, and when it is no error of the kind
//! that comes of a block which is not closed or not open. Better one error too few than a wrong one.

use crate::error::CompileError;
use crate::hints::{Blocks, Kind, Lexer, MAX_SOURCE, Open, Token};
use crate::limits::Limits;
use crate::script::Compiled;

/// Compilations for one source.
const TRIES: usize = 40;

/// Places tried as the beginning of the statement with an error.
const BEGINNINGS: usize = 8;

/// The errors of a source, in the order of their lines.
pub(super) fn errors(name: &str, source: &[u8], limits: &Limits) -> Vec<CompileError> {
    let mut tries = TRIES;
    let mut compile = |source: &[u8]| -> Option<Result<(), CompileError>> {
        tries = tries.checked_sub(1)?;
        Some(Compiled::new(name, source, limits).map(drop))
    };
    let mut errors: Vec<CompileError> = Vec::new();
    let mut source = source.to_vec();
    let mut resumed = 0;
    while let Some(Err(error)) = compile(&source) {
        let is_first = errors.is_empty();
        let stands_alone = !depends_on_blocks(&error.reason) && source.len() <= MAX_SOURCE;
        if !is_first && !stands_alone {
            break;
        }
        let outline = stands_alone.then(|| Outline::of(&source));
        let first_line = opener_line(&error.reason).map_or(error.line, |line| line.min(error.line));
        let is_new = |outline: &Outline| first_line >= resumed && outline.is_independent(error.line, resumed);
        if !is_first && !outline.as_ref().is_some_and(is_new) {
            break;
        }
        let region = outline.and_then(|outline| {
            outline.region(&source, first_line, error.line, |before| compile(before) == Some(Ok(())))
        });
        let last_line = error.line;
        errors.push(error);
        let Some(region) = region else { break };
        resumed = region.resumes.max(last_line + 1);
        for byte in &mut source[region.begin as usize..region.end as usize] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    errors
}

/// Whether an error may come of a block that is not closed or not open.
fn depends_on_blocks(reason: &str) -> bool {
    let closes_word = reason
        .split_once("(to close '")
        .is_some_and(|(_, opener)| opener.starts_with(|first: char| first.is_ascii_alphabetic()));
    closes_word
        || reason.contains("<eof>")
        || ["break ", "continue ", "Cannot use '...'", "the source ", "the script's "]
            .iter()
            .any(|begin| reason.starts_with(begin))
}

/// 3, of `Expected ')' (to close '(' at line 3), got …`.
fn opener_line(reason: &str) -> Option<u32> {
    let (_, rest) = reason.split_once("' at line ")?;
    rest.split(')').next()?.parse().ok()
}

/// A statement that is to be blanked out.
struct Region {
    begin: u32,
    end: u32,
    /// The line of what stands behind it.
    resumes: u32,
}

/// A token at the beginning of its line, where a statement begins or a block ends.
struct Mark {
    start: u32,
    line: u32,
    /// The innermost block, by where it or its branch was opened; `None` outside of all.
    block: Option<u32>,
    /// It ends that block; and the byte where the whole was opened.
    ends: Option<u32>,
    /// A statement before it is not complete.
    is_early: bool,
}

/// Where a source's statements begin and its blocks end, as far as the beginnings of its lines show it.
#[derive(Default)]
struct Outline {
    marks: Vec<Mark>,
    /// The line from which on blocks are ended that are not open.
    broken_from: Option<u32>,
    /// Lines on which a bracket is closed that is not open, and the blocks that it is in.
    strays: Vec<(u32, Option<u32>)>,
    /// The line from which on brackets are open where none can be.
    unclosed_from: Option<u32>,
}

impl Outline {
    fn of(source: &[u8]) -> Self {
        let mut lexer = Lexer::new(source);
        let mut blocks = Blocks::default();
        let mut outline = Self::default();
        let mut previous = Token { kind: Kind::Eof, start: 0, end: 0, line: 0 };
        let mut next = lexer.next();
        let mut line_start = 0;
        loop {
            let token = std::mem::replace(&mut next, lexer.next());
            let Token { kind, start, line, .. } = token;
            if kind == Kind::Eof {
                return outline;
            }
            if line > previous.line {
                line_start = line_begin(source, start);
            }
            let ends = matches!(kind, Kind::End | Kind::Until);
            // A type may end with `>`.
            let is_complete =
                previous.kind.ends_statement() || matches!(previous.kind, Kind::Byte(b'>') | Kind::Broken);
            let mut is_early = !is_complete && !ends;
            let is_statement =
                matches!(kind, Kind::Function | Kind::If) && blocks.begins_statement(previous.kind);
            if (is_keyword_of_statement(kind) || ends || is_statement) && !blocks.in_block() {
                blocks.leave_expressions(0);
                is_early = true;
                outline.unclosed_from.get_or_insert(line);
            }
            if line > previous.line && indentation(source, start).is_some() {
                let opened = blocks.open().last().copied();
                let block = opened.map(|opened| opened.branch);
                if ends || matches!(kind, Kind::Else | Kind::Elseif) {
                    let ends = opened.map(|opened| opened.at);
                    outline.marks.push(Mark { start, line, block, ends, is_early });
                } else if begins_statement(&blocks, is_complete, kind, next.kind) {
                    outline.marks.push(Mark { start, line, block, ends: None, is_early });
                }
            }
            blocks.step(previous.kind, &token);
            if blocks.is_broken {
                outline.broken_from.get_or_insert(line);
            }
            if std::mem::take(&mut blocks.is_stray) {
                outline.strays.push((line, blocks.open().last().map(|opened| opened.branch)));
            }
            // An unfinished string may hold the closing brackets of its line, or the end of a block.
            if kind == Kind::Broken && !blocks.in_block() {
                blocks.leave_expressions(line_start);
                outline.unclosed_from.get_or_insert(line);
            }
            if kind == Kind::Broken && holds_keyword(token.text(source)) {
                outline.broken_from.get_or_insert(line);
            }
            previous = token;
        }
    }

    /// Whether an error in `line` can't come of what was blanked out before the line `resumed`: the rest of a statement
    /// would show by brackets that are not open.
    fn is_independent(&self, line: u32, resumed: u32) -> bool {
        let begins_there =
            || line > resumed && self.marks.iter().any(|mark| mark.line == line && mark.ends.is_none());
        self.broken_from.is_none_or(|broken| broken > line)
            && self.strays.first().is_none_or(|(stray, _)| *stray > line || *stray == line && begins_there())
    }

    /// The statement with an error in `line` that may have begun in `first_line`.
    fn region(
        &self,
        source: &[u8],
        first_line: u32,
        line: u32,
        mut compiles: impl FnMut(&[u8]) -> bool,
    ) -> Option<Region> {
        let begins = self.marks.iter().enumerate().rev();
        let begins =
            begins.filter(|(_, mark)| mark.line <= first_line && mark.ends.is_none() && !mark.is_early);
        for (at, begin) in begins.take(BEGINNINGS) {
            let Some(end) = self.resumption(source, at, line) else { continue };
            let is_unclosed = self.unclosed_from.is_some_and(|unclosed| unclosed <= end.line);
            let is_broken = match self.broken_from {
                Some(broken) => is_unclosed || broken <= end.line,
                // They may be open still.
                None => is_unclosed && self.strays.iter().any(|(_, block)| *block == begin.block),
            };
            if is_broken {
                return None;
            }
            let before = closed(&source[..begin.start as usize]);
            if before.is_some_and(|before| compiles(&before)) {
                return Some(Region { begin: begin.start, end: end.start, resumes: end.line });
            }
        }
        None
    }

    /// What follows a statement in its block, behind `line`; if it is indented as it should be.
    fn resumption(&self, source: &[u8], statement: usize, line: u32) -> Option<&Mark> {
        let Mark { start, block, .. } = self.marks[statement];
        let mut behind = self.marks[statement + 1..].iter();
        let end = behind.find(|mark| {
            mark.block == block && (mark.line > line || mark.line == line && mark.ends.is_some())
        })?;
        let indented = indentation(source, end.start)?;
        let is_as_expected = match end.ends {
            None => Some(indented) == indentation(source, start),
            Some(opener) => {
                let is_inside = indented.len() < indentation(source, start)?.len();
                indented == line_indentation(source, opener) && (is_inside || !end.is_early)
            }
        };
        is_as_expected.then_some(end)
    }
}

/// Whether words of blocks are in an unfinished string.
fn holds_keyword(string: &[u8]) -> bool {
    // Without its first character the string is read as code.
    let code = string.get(1..).unwrap_or_default();
    Lexer::tokens(code).iter().any(|token| {
        let is_end = matches!(token.kind, Kind::End | Kind::Until | Kind::Else | Kind::Elseif);
        is_end || matches!(token.kind, Kind::Function | Kind::If | Kind::Do | Kind::Repeat)
    })
}

fn is_keyword_of_statement(kind: Kind) -> bool {
    matches!(kind, Kind::Local | Kind::For | Kind::While | Kind::Repeat | Kind::Return | Kind::Break)
}

/// Whether a token of this kind, with `next` behind it, begins a statement where `blocks` are open.
fn begins_statement(blocks: &Blocks, is_complete: bool, kind: Kind, next: Kind) -> bool {
    let can_begin = blocks.in_block() && is_complete;
    match kind {
        Kind::Do => can_begin && blocks.innermost() != Some(Open::Loop { has_do: false }),
        Kind::Function | Kind::If | Kind::Attribute => can_begin,
        Kind::Name => {
            // Not a comma: the line may go on with a list that began above.
            let goes_on = matches!(
                next,
                Kind::Name
                    | Kind::Text
                    | Kind::CompoundAssign
                    | Kind::Byte(b'=' | b'.' | b':' | b'(' | b'[' | b'{')
            );
            can_begin && goes_on
        }
        _ => is_keyword_of_statement(kind),
    }
}

/// The beginning of a source up to a statement, with all that is open closed.
fn closed(beginning: &[u8]) -> Option<Vec<u8>> {
    let mut blocks = Blocks::default();
    let mut previous = Kind::Eof;
    for token in Lexer::tokens(beginning) {
        blocks.step(previous, &token);
        previous = token.kind;
    }
    let mut source = beginning.to_vec();
    for opened in blocks.open().iter().rev() {
        source.extend_from_slice(match opened.open {
            Open::Function | Open::Do | Open::Loop { .. } | Open::If => b" end",
            Open::Repeat => b" until nil",
            Open::Parenthesis => b")",
            Open::Bracket => b"]",
            Open::Brace => b"}",
            Open::Text => b"}`",
            Open::IfValue => return None,
        });
    }
    Some(source)
}

/// The spaces before a token, if nothing else stands before it on its line.
fn indentation(source: &[u8], at: u32) -> Option<&[u8]> {
    let spaces = line_indentation(source, at);
    (line_begin(source, at) as usize + spaces.len() == at as usize).then_some(spaces)
}

/// The spaces at the beginning of the line that holds a byte.
fn line_indentation(source: &[u8], at: u32) -> &[u8] {
    let line = &source[line_begin(source, at) as usize..];
    let end = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    &line[..end]
}

fn line_begin(source: &[u8], at: u32) -> u32 {
    memchr::memrchr(b'\n', &source[..at as usize]).map_or(0, |newline| newline as u32 + 1)
}
