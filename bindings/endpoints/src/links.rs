//! The scripts that need no key, and their links.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use subtle::ConstantTimeEq;

use crate::setup::SetupError;

/// Random bytes of a link, of which each is two hex digits.
const BYTES: usize = 20;

/// Links by the names of their scripts.
#[derive(Default)]
pub(crate) struct Links(RwLock<BTreeMap<String, String>>);

impl Links {
    pub(crate) fn publish(&self, script: &str, link: Option<&str>) -> Result<String, SetupError> {
        let is_name = |name: &str| {
            name.split_once('/').is_some_and(|(instance, name)| {
                !instance.is_empty() && !name.is_empty() && !name.contains('/')
            })
        };
        if !is_name(script) {
            return Err(SetupError::Public(script.to_owned()));
        }
        let link = match link {
            None => random().map_err(SetupError::Random)?,
            Some(link) if is_link(link) => link.to_owned(),
            Some(_) => return Err(SetupError::Link(script.to_owned())),
        };
        self.0.write().insert(script.to_owned(), link.clone());
        Ok(link)
    }

    pub(crate) fn unpublish(&self, script: &str) {
        self.0.write().remove(script);
    }

    /// Gives a script another link, if it is public still.
    pub(crate) fn reset(&self, script: &str, link: String) -> bool {
        self.0.write().get_mut(script).map(|own| *own = link).is_some()
    }

    pub(crate) fn get(&self, script: &str) -> Option<String> {
        self.0.read().get(script).cloned()
    }

    pub(crate) fn all(&self) -> Vec<(String, String)> {
        self.0.read().iter().map(|(script, link)| (script.clone(), link.clone())).collect()
    }

    pub(crate) fn is_of(&self, script: &str, link: &str) -> bool {
        self.0.read().get(script).is_some_and(|own| own.as_bytes().ct_eq(link.as_bytes()).into())
    }
}

fn is_link(text: &str) -> bool {
    text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(crate) fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
