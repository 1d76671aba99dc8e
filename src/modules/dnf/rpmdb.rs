//! What rpm says is installed.

use super::{Args, version};
use crate::module::{Failure, Host};
use crate::modules::{expand, program};
use std::cmp::Ordering;
use std::fmt;

/// A package with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name.
    pub name: String,
    /// The epoch; 0 without one.
    pub epoch: u64,
    /// The version.
    pub version: String,
    /// The release.
    pub release: String,
    /// The architecture.
    pub arch: String,
}

impl fmt::Display for Package {
    /// `name-[epoch:]version-release.arch`, the epoch only when it is not 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.name)?;
        if self.epoch != 0 {
            write!(f, "{}:", self.epoch)?;
        }
        write!(f, "{}-{}.{}", self.version, self.release, self.arch)
    }
}

impl Package {
    /// The order of two versions of a package.
    pub fn order(&self, other: &Package) -> Ordering {
        let versions = || version::compare(&self.version, &other.version);
        self.epoch.cmp(&other.epoch).then_with(versions).then_with(|| version::compare(&self.release, &other.release))
    }

    /// Reads `name`, `arch` and `[epoch:]version-release`.
    pub fn from_parts(name: &str, arch: &str, evr: &str) -> Option<Package> {
        let (epoch, rest) = evr.split_once(':').unwrap_or(("0", evr));
        let (version, release) = rest.split_once('-')?;
        Some(Package {
            name: name.to_owned(),
            epoch: epoch.parse().ok()?,
            version: version.to_owned(),
            release: release.to_owned(),
            arch: arch.to_owned(),
        })
    }
}

/// What a query prints of each package.
const FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";

fn parse(line: &str) -> Option<Package> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, epoch, version, release, arch] = fields.as_slice() else { return None };
    Package::from_parts(name, arch, &format!("{epoch}:{version}-{release}"))
}

fn query(args: &Args, host: &dyn Host, words: &[&str]) -> Result<Vec<Package>, Failure> {
    let root = expand::expand(host, &args.installroot);
    let mut argv = vec!["rpm", "--root", root.as_str(), "-q", "--qf", FORMAT];
    argv.extend(words);
    let output = program::read(host, &argv)?;
    // Words that nothing fits come as messages; packages have five fields.
    Ok(output.stdout_text().lines().filter_map(parse).collect())
}

/// All installed packages.
pub fn all(args: &Args, host: &dyn Host) -> Result<Vec<Package>, Failure> {
    query(args, host, &["-a"])
}

/// The installed packages that a name, with version, release and architecture or without, or a pattern stands for.
pub fn named(args: &Args, host: &dyn Host, name: &str) -> Result<Vec<Package>, Failure> {
    match crate::modules::wildcard::is_pattern(name) {
        true => query(args, host, &["-a", name]),
        false => query(args, host, &[name]),
    }
}

/// The installed packages that provide a name or hold a file.
pub fn providers(args: &Args, host: &dyn Host, name: &str) -> Result<Vec<Package>, Failure> {
    query(args, host, &["--whatprovides", name])
}

/// The package in a file, or at an address.
pub fn in_file(args: &Args, host: &dyn Host, file: &str) -> Result<Package, Failure> {
    let argv = ["rpm", "-qp", "--nosignature", "--qf", FORMAT, file];
    let output = program::read(host, &argv)?;
    let package = output.stdout_text().lines().find_map(parse);
    package.ok_or_else(|| {
        let why = output.stderr_text().trim().to_owned();
        Failure::new(format!("No RPM file matching '{file}' found on system: {why}"))
            .with("rc", 127)
            .with("root", args.installroot.as_str())
    })
}
