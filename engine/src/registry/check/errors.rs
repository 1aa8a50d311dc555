//! Which of the parser's errors are reported.
//!
//! The parser goes on behind an error, and what it then finds wrong may follow from the first error alone. It is in step again at the
//! latest where a statement of the outermost block begins a line with a word: an error counts when such a statement has begun
//! between it and the one before. An error about a block that is not closed or not open counts only as the
//! first error, since it may follow from any other. One error too few is better than a wrong one.

use perilune_luau::syntax::{Kind, SyntaxError};

use crate::syntax::parsed::{Parsed, is_word};

/// The errors of a source that stand for themselves, in their order.
pub(super) fn errors<'p>(source: &'p Parsed<'_>) -> impl Iterator<Item = &'p SyntaxError> {
    let beginnings: Vec<u32> =
        source.children(0).filter_map(|statement| beginning(source, statement)).collect();
    let mut before: Option<u32> = None;
    source.errors().iter().filter(move |error| {
        let within = beginnings.partition_point(|begin| *begin < error.begin).checked_sub(1);
        let counts = match before {
            None => true,
            Some(before) => {
                within.is_some_and(|at| beginnings[at] >= before) && !depends_on_blocks(&error.message)
            }
        };
        before = before.max(Some(error.begin));
        counts
    })
}

/// Where a statement begins, if that shows.
fn beginning(source: &Parsed<'_>, statement: usize) -> Option<u32> {
    let begin = source.begin(statement);
    let (above, text) = source.code().split_at(begin as usize);
    let line = above.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let begins_line = line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
    // The parser takes `function(` for the statement, which has a name.
    let is_statement = match source.kind(statement) {
        Kind::Error => false,
        Kind::FunctionStatement => text.get(b"function ".len()).is_some_and(|byte| is_word(*byte)),
        _ => text.first().is_some_and(|byte| is_word(*byte)),
    };
    (begins_line && is_statement).then_some(begin)
}

/// Whether an error may come of a block that is not closed or not open.
fn depends_on_blocks(message: &str) -> bool {
    let closes_word = message
        .split_once("(to close '")
        .is_some_and(|(_, opener)| opener.starts_with(|first: char| first.is_ascii_alphabetic()));
    let begins = ["break ", "continue ", "Cannot use '...'"];
    closes_word || message.contains("<eof>") || begins.iter().any(|begin| message.starts_with(begin))
}
