//! Sources as text: parsing them, the names that they use, and hints for their authors.

pub(crate) mod dialects;
pub(crate) mod elsewhere;
pub(crate) mod findings;
pub(crate) mod hints;
pub(crate) mod names;
pub(crate) mod parsed;
pub(crate) mod typo;
pub(crate) mod uses;
