//! Editing a text file: what all modules share that change a part of a file.

use super::attributes::Wanted;
use super::content::{Put, put};
use super::diff::{Shown, of_contents, of_maps};
use super::errno::failed;
use super::paths::{exists, is_dir, is_link, real, text};
use super::step::make_dirs;
use crate::module::{Diff, Failure, Host, Outcome, Plan};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};

/// A file before it is edited.
pub struct Original {
    /// The path as the task gives it, expanded.
    pub path: PathBuf,
    /// The content; None when the file is not there.
    pub content: Option<Vec<u8>>,
}

impl Original {
    /// Reads the file. A missing one is a failure unless it may be created.
    pub fn read(host: &dyn Host, path: PathBuf, create: bool, missing: &str) -> Result<Original, Failure> {
        if is_dir(host, &path)? {
            return Err(Failure::new(format!("Path {} is a directory !", path.display())).with("rc", 256));
        }
        let content = match exists(host, &path)? {
            true => Some(host.read(&path).map_err(failed("reading failed", &path))?),
            false if create => None,
            false => return Err(Failure::new(missing.replace("{}", &text(&path))).with("rc", 257)),
        };
        Ok(Original { path, content })
    }
}

/// How an edit is carried out.
pub struct How {
    /// What is wanted beside the content.
    pub wanted: Wanted,
    /// Keep the old content beside it.
    pub backup: bool,
    /// A command that must accept the new content.
    pub validate: Option<String>,
    /// Write in place where the file cannot be replaced.
    pub unsafe_writes: bool,
    /// Whether the message says that attributes change.
    pub tells_attributes: bool,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// New content; the directory is made when it is missing.
    Write {
        /// The path, links followed.
        path: PathBuf,
        /// The content.
        content: Vec<u8>,
        /// How.
        how: Box<Put>,
    },
    /// The attributes wanted.
    Attributes {
        /// The path.
        path: PathBuf,
        /// What is wanted.
        wanted: Wanted,
    },
}

/// What was found.
#[derive(Debug, Default)]
pub struct Scene {
    /// What has to happen.
    pub changes: Vec<Change>,
    /// The differences.
    pub diff: Vec<Diff>,
    /// The result as far as it is known.
    pub returns: Map,
}

impl Scene {
    /// From a file to its new content; `msg` says what the edit did, and is empty when it did nothing.
    pub fn new(host: &dyn Host, original: Original, new: Vec<u8>, msg: &str, how: How) -> Result<Scene, Failure> {
        let Original { path, content: old } = original;
        let mut scene = Scene::default();
        let mut msg = msg.to_owned();
        let changes = old.as_deref() != Some(&new);
        // Attributes are the path's own: a link has no mode, and what it leads to keeps its.
        let link = is_link(host, &path)?;
        let differences = match &old {
            Some(_) => how.wanted.differences(host, &path)?,
            None => new_differences(host, &how.wanted)?,
        };
        if changes {
            let header = format!("{} (content)", path.display());
            let before = (Shown::of_bytes(old.as_deref().unwrap_or_default()), header.clone());
            scene.diff.push(of_contents(before, (Shown::of_bytes(&new), header)));
            let put = Put {
                wanted: if link { Wanted::default() } else { how.wanted.clone() },
                backup: how.backup,
                validate: how.validate,
                unsafe_writes: how.unsafe_writes,
                fresh: None,
            };
            scene.changes.push(Change::Write { path: real(host, &path), content: new, how: Box::new(put) });
        }
        if !differences.is_empty() {
            if old.is_some() {
                let header = format!("{} (file attributes)", path.display());
                let diff = of_maps(&differences.before, &differences.after);
                scene.diff.push(Diff { before_header: header.clone(), after_header: header, ..diff });
                if !changes || link {
                    scene.changes.push(Change::Attributes { path, wanted: how.wanted });
                }
            }
            if how.tells_attributes {
                msg += if msg.is_empty() { "" } else { " and " };
                msg += "ownership, perms or SE linux context changed";
            }
        }
        scene.returns.insert("msg".into(), msg.into());
        Ok(scene)
    }

    /// Nothing to do, with a message.
    pub fn nothing(msg: &str) -> Scene {
        Scene { returns: Map::from([("msg".into(), msg.into())]), ..Scene::default() }
    }

    /// Adds a value to the result.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Scene {
        self.returns.insert(key.into(), value.into());
        self
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

/// What a new file will have other than by default.
fn new_differences(host: &dyn Host, wanted: &Wanted) -> Result<super::attributes::Differences, Failure> {
    let mut found = super::attributes::Differences::default();
    let bits = 0o666 & !host.umask();
    let group = host.user_by_id(host.euid()).ok().flatten().map(|user| user.gid);
    let differs = wanted.bits(host, bits, false)?.is_some_and(|wanted| wanted != bits)
        || (wanted.owner.is_some() && wanted.uid(host)? != Some(host.euid()))
        || (wanted.group.is_some() && wanted.gid(host)? != group)
        || wanted.attributes.is_some();
    if differs {
        found.after.insert("path".into(), Value::Null);
    }
    Ok(found)
}

/// Carries the changes out. The backup's path comes under `backup_key`.
pub fn apply(host: &dyn Host, changes: &[Change], backup_key: &str) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::new();
    for change in changes {
        match change {
            Change::Attributes { path, wanted } => wanted.ensure(host, path)?,
            Change::Write { path, content, how } => {
                make_dirs(host, path.parent().unwrap_or(Path::new("/")), &Wanted::default())?;
                let written = put(host, path, &mut content.as_slice(), how).map_err(refused)?;
                if let Some(backup) = written.get("backup_file") {
                    outcome = outcome.with(backup_key, backup.clone());
                }
            }
        }
    }
    Ok(outcome)
}

/// These modules tell a refusal by `validate` in the message alone.
fn refused(failure: Failure) -> Failure {
    match (failure.returns.get("exit_status"), failure.returns.get("stderr")) {
        (Some(rc), Some(stderr)) => Failure::new(format!("failed to validate: rc:{rc} error:{stderr}")),
        _ => failure,
    }
}

/// Splits into lines that keep their ends; only `\n` ends a line.
pub fn lines(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}
