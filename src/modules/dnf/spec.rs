//! What a task names as a package.

use super::rpmdb::{self, Package};
use super::{Args, version};
use crate::module::{Failure, Host};
use std::cmp::Ordering;

/// One wanted thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// A name, with version, release and architecture or without; also what a package provides.
    Name(String),
    /// `name >= version` and the like.
    Compared {
        /// The name.
        name: String,
        /// `<`, `<=`, `=`, `>=` or `>`.
        operator: String,
        /// The version, with a release or without.
        version: String,
    },
    /// A name with wildcards.
    Pattern(String),
    /// A file that a package holds.
    File(String),
    /// A package file or its address.
    PackageFile(String),
    /// A group, an environment or a module stream.
    Group(String),
    /// Everything that is installed.
    All,
}

impl Spec {
    /// Reads a task's text.
    pub fn parse(text: &str) -> Spec {
        let text = text.trim();
        let compared = ["<=", ">=", "=", "<", ">"].iter().find_map(|operator| {
            let (name, version) = text.split_once(operator)?;
            Some((name.trim(), *operator, version.trim()))
        });
        match compared {
            _ if text == "*" => Spec::All,
            _ if text.starts_with('@') => Spec::Group(text.to_owned()),
            _ if text.ends_with(".rpm") || text.contains("://") => Spec::PackageFile(text.to_owned()),
            _ if text.starts_with('/') => Spec::File(text.to_owned()),
            Some((name, operator, version)) if !name.is_empty() && !version.is_empty() => {
                Spec::Compared { name: name.to_owned(), operator: operator.to_owned(), version: version.to_owned() }
            }
            _ if text.contains(['*', '?', '[']) => Spec::Pattern(text.to_owned()),
            _ => Spec::Name(text.to_owned()),
        }
    }

    /// As dnf takes it.
    pub fn word(&self) -> String {
        match self {
            Spec::Compared { name, operator, version } => format!("{name} {operator} {version}"),
            Spec::Name(text) | Spec::Pattern(text) | Spec::File(text) | Spec::PackageFile(text) | Spec::Group(text) => {
                text.clone()
            }
            Spec::All => "*".into(),
        }
    }

    /// The installed packages that it stands for. Groups are known to dnf alone.
    pub fn installed(&self, args: &Args, host: &dyn Host) -> Result<Vec<Package>, Failure> {
        match self {
            Spec::Name(name) => {
                let named = rpmdb::named(args, host, name)?;
                // A name that no package bears may be something that one provides.
                if named.is_empty() { rpmdb::providers(args, host, name) } else { Ok(named) }
            }
            Spec::Pattern(pattern) => rpmdb::named(args, host, pattern),
            Spec::File(path) => rpmdb::providers(args, host, path),
            Spec::Compared { name, operator, version } => {
                let found = rpmdb::named(args, host, name)?;
                Ok(found.into_iter().filter(|package| fits(package, operator, version)).collect())
            }
            Spec::PackageFile(file) => {
                let offered = rpmdb::in_file(args, host, file)?;
                let found = rpmdb::named(args, host, &offered.name)?;
                Ok(found
                    .into_iter()
                    .filter(|package| match package.order(&offered) {
                        Ordering::Less => false,
                        Ordering::Equal => true,
                        Ordering::Greater => !args.allow_downgrade,
                    })
                    .collect())
            }
            Spec::Group(_) | Spec::All => Ok(Vec::new()),
        }
    }
}

/// Whether a package's version fits. A version without a release fits every release of it.
fn fits(package: &Package, operator: &str, wanted: &str) -> bool {
    let (epoch, rest) = match wanted.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().ok(), rest),
        None => (None, wanted),
    };
    let (wanted, release) = rest.split_once('-').map_or((rest, None), |(version, release)| (version, Some(release)));
    let epochs = epoch.map_or(Ordering::Equal, |epoch: u64| package.epoch.cmp(&epoch));
    let releases = || release.map_or(Ordering::Equal, |release| version::compare(&package.release, release));
    let order = epochs.then_with(|| version::compare(&package.version, wanted)).then_with(releases);
    match operator {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        "=" => order == Ordering::Equal,
        ">=" => order != Ordering::Less,
        _ => order == Ordering::Greater,
    }
}
