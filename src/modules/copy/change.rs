//! What `copy` found and will do on the host.

use crate::module::{BlobRef, Diff, Failure, Host, Outcome, Plan};
use crate::modules::file::attributes::Wanted;
use crate::modules::file::checksum::{Algorithm, WithMd5, of_file};
use crate::modules::file::content::{Put, put};
use crate::modules::file::diff::{Shown, of_contents, of_maps};
use crate::modules::file::errno::failed;
use crate::modules::file::info::entries;
use crate::modules::file::paths::{exists, text};
use crate::modules::file::step::Step;
use crate::value::{Map, Value};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where content comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// From the controller.
    Blob(BlobRef),
    /// From a file of the host.
    File(PathBuf),
}

impl Source {
    /// Opens it.
    pub fn open(&self, host: &dyn Host) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Source::Blob(blob) => host.blob(blob),
            Source::File(path) => host.open(path),
        }
    }

    /// Bytes.
    pub fn size(&self, host: &dyn Host) -> io::Result<u64> {
        match self {
            Source::Blob(blob) => Ok(blob.size),
            Source::File(path) => Ok(host.stat(path)?.map_or(0, |info| info.size)),
        }
    }

    /// The SHA-1 checksum.
    pub fn sha1(&self, host: &dyn Host) -> Result<String, Failure> {
        match self {
            Source::Blob(blob) => Ok(blob.sha1.clone()),
            Source::File(path) => of_file(host, path, Algorithm::Sha1),
        }
    }

    /// For a diff.
    pub fn shown(&self, host: &dyn Host, path: &Path) -> Result<Shown, Failure> {
        let could_not = failed("reading the new content failed", path);
        Shown::of_stream(self.size(host).map_err(&could_not)?, || self.open(host)).map_err(&could_not)
    }
}

/// Content that goes to a path.
#[derive(Debug, Clone)]
pub struct Placing {
    /// The content.
    pub source: Source,
    /// The path.
    pub dest: PathBuf,
    /// How.
    pub how: Put,
    /// Access and modification time that the file gets, in seconds since the epoch.
    pub times: Option<(f64, f64)>,
}

/// One change.
// There are few of them, and they do not live long.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum Change {
    /// Content.
    Place(Box<Placing>),
    /// A directory, link or attribute.
    Step(Step, Wanted),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Scene {
    /// What has to happen.
    pub changes: Vec<Change>,
    /// The differences, when they are asked for.
    pub diff: Vec<Diff>,
    /// The result as far as it is known.
    pub returns: Map,
}

impl Scene {
    /// Adds a value to the result.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Scene {
        self.returns.insert(key.into(), value.into());
        self
    }

    /// Adds the step that sets attributes, where they differ.
    pub fn attributes(&mut self, host: &dyn Host, path: &Path, wanted: &Wanted) -> Result<(), Failure> {
        let mut differences = wanted.differences(host, path)?;
        if !differences.is_empty() {
            differences.before.insert("path".into(), text(path).into());
            differences.after.insert("path".into(), text(path).into());
            self.diff.push(of_maps(&differences.before, &differences.after));
            self.changes.push(Change::Step(Step::Attributes { path: path.to_owned() }, wanted.clone()));
        }
        Ok(())
    }

    /// Adds the difference of contents.
    pub fn contents(&mut self, host: &dyn Host, placing: &Placing, header: &str) -> Result<(), Failure> {
        let dest = &placing.dest;
        let before_header = if exists(host, dest)? { text(dest) } else { String::new() };
        let before = (Shown::of_file(host, dest)?, before_header);
        self.diff.push(of_contents(before, (placing.source.shown(host, dest)?, header.to_owned())));
        Ok(())
    }

    /// The plan.
    pub fn plan(&self) -> Plan<Change> {
        Plan {
            changes: self.changes.clone(),
            diff: self.diff.clone(),
            returns: self.returns.clone(),
            ..Plan::default()
        }
    }
}

/// Makes the changes. The result is of the path that `returns` names as `dest`.
pub fn apply(host: &dyn Host, changes: &[Change], returns: &Map) -> Result<Outcome, Failure> {
    let dest = returns.get("dest").and_then(Value::as_str).unwrap_or_default();
    let mut outcome = Outcome::new();
    for change in changes {
        match change {
            Change::Step(step, wanted) => step.apply(host, wanted)?,
            Change::Place(placing) => {
                let placed = place(host, placing)?;
                if placing.dest == Path::new(dest) {
                    outcome.returns.extend(placed);
                }
            }
        }
    }
    if returns.contains_key("checksum") || returns.contains_key("state") {
        outcome.returns.extend(entries(host, Path::new(dest))?);
    }
    Ok(outcome)
}

fn place(host: &dyn Host, placing: &Placing) -> Result<Map, Failure> {
    let dest = &placing.dest;
    let parent = dest.parent().unwrap_or(Path::new("/"));
    if !exists(host, parent)? {
        return Err(Failure::new(format!("Destination directory {} does not exist", parent.display())));
    }
    let stream = placing.source.open(host).map_err(failed("reading the new content failed", dest))?;
    let mut stream = WithMd5::new(stream);
    let mut returns = put(host, dest, &mut stream, &placing.how)?;
    returns.insert("md5sum".into(), stream.finish().into());
    if let Some((atime, mtime)) = placing.times {
        host.set_times(dest, Some(atime), Some(mtime), true).map_err(failed("setting the times failed", dest))?;
    }
    Ok(returns)
}
