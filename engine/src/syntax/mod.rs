//! A source as text: what Luau's parser makes of it, the names that it uses, and help for its author.

pub(crate) mod dialects;
pub(crate) mod elsewhere;
pub(crate) mod findings;
pub(crate) mod hints;
pub(crate) mod names;
pub(crate) mod parsed;
pub(crate) mod typo;
pub(crate) mod uses;
