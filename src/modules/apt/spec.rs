//! What a task names as a package: `name`, `name:arch`, `name=version`, `name>=version`, wildcards.

use super::installed::Installed;
use super::version;
use crate::modules::wildcard;
use std::cmp::Ordering;

/// One wanted package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The name, perhaps with wildcards.
    pub name: String,
    /// The architecture after a colon.
    pub architecture: Option<String>,
    /// The wanted version.
    pub version: Option<Wanted>,
}

/// A version that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This one, perhaps with wildcards.
    Exactly(String),
    /// This one or a later one.
    AtLeast(String),
}

impl Spec {
    /// Reads a task's text.
    pub fn parse(text: &str) -> Spec {
        let (package, version) = match (text.split_once(">="), text.split_once('=')) {
            (Some((package, version)), _) => (package, Some(Wanted::AtLeast(version.trim().to_owned()))),
            (None, Some((package, version))) => (package, Some(Wanted::Exactly(version.trim().to_owned()))),
            (None, None) => (text, None),
        };
        let (name, architecture) = match package.trim().split_once(':') {
            Some((name, architecture)) => (name, Some(architecture.to_owned())),
            None => (package.trim(), None),
        };
        Spec { name: name.to_owned(), architecture, version }
    }

    /// Whether it stands for several packages.
    pub fn is_pattern(&self) -> bool {
        wildcard::is_pattern(&self.name)
    }

    /// Whether what is installed is what is wanted, later versions aside.
    pub fn is_met(&self, installed: &Installed) -> bool {
        let Some(entry) = installed.get(&self.name, self.architecture.as_deref()) else { return false };
        match &self.version {
            None => true,
            Some(Wanted::Exactly(version)) => wildcard::matches(version, &entry.version),
            Some(Wanted::AtLeast(version)) => version::compare(&entry.version, version) != Ordering::Less,
        }
    }

    /// The name for apt-get, without a version.
    pub fn package(&self) -> String {
        match &self.architecture {
            Some(architecture) => format!("{}:{architecture}", self.name),
            None => self.name.clone(),
        }
    }
}
