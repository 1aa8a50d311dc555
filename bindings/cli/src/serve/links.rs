//! Public links in a file, for them to outlive the process.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use serde_json::{Map, Value};
use tempfile::NamedTempFile;

/// A JSON object of links by the names of their scripts.
pub(crate) struct Links(PathBuf);

impl Links {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> String {
        self.0.display().to_string()
    }

    /// What is kept; nothing where there is no file.
    pub(crate) fn read(&self) -> io::Result<Map<String, Value>> {
        let text = match std::fs::read(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Map::new()),
            text => text?,
        };
        match serde_json::from_slice(&text)? {
            Value::Object(links) => Ok(links),
            _ => Err(io::Error::new(ErrorKind::InvalidData, "it is no JSON object")),
        }
    }

    /// Keeps these, if they are not kept already. Others in the file stay: those of scripts that aren't public now may be again.
    pub(crate) fn keep(&self, links: impl IntoIterator<Item = (String, String)>) -> Result<(), String> {
        self.write(links)
            .map_err(|error| format!("The public links can't be kept in {}: {error}", self.path()))
    }

    fn write(&self, links: impl IntoIterator<Item = (String, String)>) -> io::Result<()> {
        let before = self.read()?;
        let mut after = before.clone();
        after.extend(links.into_iter().map(|(script, link)| (script, link.into())));
        if after == before {
            return Ok(());
        }
        // In the same folder, for its name to be changed in one step. Only its owner can read it.
        let folder = self.0.parent().unwrap_or(&self.0);
        let mut file = NamedTempFile::with_prefix_in(".public_links.json.", folder)?;
        serde_json::to_writer_pretty(&mut file, &after)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&self.0)?;
        Ok(())
    }
}
