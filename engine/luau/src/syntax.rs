//! Luau's own parser: what it makes of a source, and what it finds wrong, as lists of places in the source.
//!
//! It recurses up to 1,000 levels deep, whatever the source: call it with [`STACK`] bytes of stack. Sources have less than 4 GiB and no
//! NUL byte.

pub use self::bridge::{Kind, Node, SyntaxError, Token, Tree};

/// What the parser, and so the compiler, may take of native stack, in bytes: frames of up to 2 KiB.
pub const STACK: usize = 8 << 20;

#[cxx::bridge(namespace = "perilune::syntax")]
mod bridge {
    /// What a node is. Types are not listed.
    #[derive(Debug)]
    #[allow(missing_docs, reason = "they are called as in the grammar")]
    enum Kind {
        Group,
        Nil,
        Bool,
        Number,
        String,
        /// A key of a table's constructor that is a name.
        Key,
        Interpolated,
        Varargs,
        /// A use of a local or a parameter.
        Local,
        /// A use of a name that no local has there.
        Global,
        /// `x.name`; the name ends with the node.
        Field,
        /// `x:name`; as above.
        Method,
        /// `x[…]`
        Index,
        /// What is called, and then the arguments.
        Call,
        Function,
        Table,
        Not,
        /// `-x` and `#x`.
        Unary,
        And,
        Or,
        /// `==` and `~=`.
        Equal,
        Divide,
        Power,
        Concat,
        /// Any other operator of two operands.
        Binary,
        /// `x :: T` and `f<<T>>`.
        Cast,
        IfElse,
        Block,
        If,
        While,
        Repeat,
        For,
        /// `break` and `continue`.
        Jump,
        Return,
        CallStatement,
        LocalStatement,
        LocalFunction,
        FunctionStatement,
        Assign,
        CompoundAssign,
        /// What an assignment or a function's statement sets: the first in it.
        Targets,
        /// The name of a new local or parameter.
        Binding,
        /// What is no expression or statement.
        Error,
    }

    /// A piece of a source.
    #[derive(Debug, Clone, Copy)]
    struct Node {
        /// What it is.
        kind: Kind,
        /// The node that it is in, before it in the list; of the first, itself.
        parent: u32,
        /// Behind the last node in it.
        next: u32,
        /// Bytes of the source, from 0.
        begin: u32,
        /// Behind its last byte.
        end: u32,
    }

    /// What the parser refuses.
    #[derive(Debug, Clone)]
    struct SyntaxError {
        /// Bytes of the source, from 0.
        begin: u32,
        /// Behind its last byte.
        end: u32,
        /// In the words of Luau's compiler.
        message: String,
    }

    /// What the parser makes of a source.
    #[derive(Debug)]
    struct Tree {
        /// The source's block and all in it, each before what is in it. Empty where the parser gave up.
        nodes: Vec<Node>,
        /// Up to 101, in the order in which they were found: the first is the compiler's.
        errors: Vec<SyntaxError>,
    }

    /// Where a token is; comments are none.
    #[derive(Debug, Clone, Copy)]
    struct Token {
        /// Bytes of the source, from 0.
        begin: u32,
        /// Behind its last byte.
        end: u32,
        /// Of its beginning, from 1.
        line: u32,
    }

    unsafe extern "C++" {
        include!("perilune-luau/cpp/syntax.h");

        /// Parses a source.
        ///
        /// # Errors
        /// Memory ran out.
        fn parse(source: &[u8]) -> Result<Tree>;

        /// The tokens of a source, the last of them empty and at its end.
        ///
        /// # Errors
        /// Memory ran out.
        fn tokens(source: &[u8]) -> Result<Vec<Token>>;
    }
}

pub use self::bridge::{parse, tokens};
