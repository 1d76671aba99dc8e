//! What dpkg says is installed, read from its status file.

use crate::module::{Failure, Host};
use crate::modules::program;
use std::collections::HashMap;
use std::path::Path;

/// An entry of dpkg's status file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The version.
    pub version: String,
    /// The architecture.
    pub architecture: String,
    /// Whether it is there whole; configuration files alone do not count.
    pub installed: bool,
    /// Names that it provides.
    pub provides: Vec<String>,
}

/// All entries by name; several architectures of one package are several entries.
#[derive(Debug, Clone, Default)]
pub struct Installed(HashMap<String, Vec<Entry>>);

impl Installed {
    /// Reads the status file.
    pub fn read(host: &dyn Host) -> Result<Installed, Failure> {
        let path = Path::new("/var/lib/dpkg/status");
        let bytes = host.read(path).map_err(|error| program::file_failure("read", path, &error))?;
        Ok(Installed::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads the file's text: paragraphs of `Field: value`.
    pub fn parse(text: &str) -> Installed {
        let mut found = Installed::default();
        for paragraph in text.split("\n\n") {
            let mut name = "";
            let mut entry = Entry::default();
            for line in paragraph.lines() {
                let Some((field, value)) = line.split_once(": ") else { continue };
                match field {
                    "Package" => name = value,
                    "Version" => entry.version = value.to_owned(),
                    "Architecture" => entry.architecture = value.to_owned(),
                    "Status" => entry.installed = value.ends_with(" installed"),
                    "Provides" => {
                        let names = value.split(',').filter_map(|item| item.split_whitespace().next());
                        entry.provides = names.map(str::to_owned).collect();
                    }
                    _ => {}
                }
            }
            if !name.is_empty() {
                found.0.entry(name.to_owned()).or_default().push(entry);
            }
        }
        found
    }

    /// A package that is there whole; with `architecture`, that one alone.
    pub fn get(&self, name: &str, architecture: Option<&str>) -> Option<&Entry> {
        let fits = |entry: &&Entry| {
            entry.installed && architecture.is_none_or(|wanted| wanted == "any" || entry.architecture == wanted)
        };
        self.0.get(name)?.iter().find(fits)
    }

    /// Whether something of the package is left, such as configuration files.
    pub fn has_traces(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|entries| entries.iter().any(|entry| !entry.version.is_empty() || entry.installed))
    }

    /// Whether an installed package provides the name.
    pub fn provides(&self, name: &str) -> bool {
        let mut entries = self.0.values().flatten();
        entries.any(|entry| entry.installed && entry.provides.iter().any(|provided| provided == name))
    }

    /// Every name that dpkg knows.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
