//! Who may ask.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::setup::SetupError;

/// Keys are compared as blocks of one length, whatever they are: no time tells how long one is, or how much of one was right.
const BLOCK: usize = 64;

/// The first byte of a block with the hash of a key that is too long for it. For all others it is their length.
const HASHED: u8 = 255;

/// As words, which are fewer to compare than bytes.
type Block = [u64; BLOCK / 8];

fn block_of(key: &[u8]) -> Block {
    let mut block = [0_u8; BLOCK];
    match u8::try_from(key.len()) {
        Ok(length) if key.len() < BLOCK => {
            block[0] = length;
            block[1..=key.len()].copy_from_slice(key);
        }
        _ => {
            block[0] = HASHED;
            block[1..33].copy_from_slice(&Sha256::digest(key));
        }
    }
    let (words, _) = block.as_chunks();
    std::array::from_fn(|at| u64::from_ne_bytes(words[at]))
}

#[derive(Default)]
pub(crate) struct Keys {
    of_all: Vec<Block>,
    of_one: HashMap<String, Vec<Block>>,
}

impl Keys {
    pub(crate) fn add(&mut self, instance: Option<&str>, key: &str) -> Result<(), SetupError> {
        if key.is_empty() {
            return Err(SetupError::Keys);
        }
        let keys = match instance {
            None => &mut self.of_all,
            Some(instance) => self.of_one.entry(instance.to_owned()).or_default(),
        };
        keys.push(block_of(key.as_bytes()));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.of_all.is_empty() && self.of_one.is_empty()
    }

    /// Takes as long whichever key it is.
    pub(crate) fn is_one(&self, instance: &str, key: &[u8]) -> bool {
        let asked = block_of(key);
        let own = self.of_one.get(instance).map_or(&[][..], Vec::as_slice);
        let mut is_one = subtle::Choice::from(0);
        for known in self.of_all.iter().chain(own) {
            is_one |= asked[..].ct_eq(&known[..]);
        }
        is_one.into()
    }
}
