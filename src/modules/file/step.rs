//! What `file` found and will do: the steps, the difference they make, and the result.

use super::attributes::{Differences, Wanted};
use super::errno::{failed, reason};
use super::paths::text;
use super::{Args, State, diff, info, paths, stat_failed, time};
use crate::module::{Failure, FileKind, Host, Outcome, Plan, WriteOptions};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};

/// One change of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A file or link, or a directory with all in it, goes.
    Remove {
        /// The path.
        path: PathBuf,
        /// Whether it is a directory.
        directory: bool,
    },
    /// A directory with its missing parents, all with the attributes wanted.
    MakeDirs {
        /// The path.
        path: PathBuf,
    },
    /// An empty file with the attributes wanted.
    MakeFile {
        /// The path.
        path: PathBuf,
    },
    /// A symbolic link; its target (or itself) gets the attributes wanted.
    Link {
        /// Where it leads.
        target: PathBuf,
        /// Where it is.
        path: PathBuf,
        /// An empty directory is there and makes room.
        replaces_directory: bool,
    },
    /// A hard link.
    HardLink {
        /// What it is another name of.
        target: PathBuf,
        /// The name.
        path: PathBuf,
    },
    /// The attributes wanted, where they differ.
    Attributes {
        /// The path.
        path: PathBuf,
    },
    /// Access and modification time, in seconds since the epoch.
    Times {
        /// The path.
        path: PathBuf,
        /// Access time; None stays.
        atime: Option<f64>,
        /// Modification time; None stays.
        mtime: Option<f64>,
    },
}

impl Step {
    /// Does it.
    pub fn apply(&self, host: &dyn Host, wanted: &Wanted) -> Result<(), Failure> {
        match self {
            Step::Remove { path, directory: true } => {
                let removed = host.remove_tree(path);
                removed.map_err(|error| Failure::new(format!("rmtree failed: {}", reason(&error))))
            }
            Step::Remove { path, directory: false } => match host.remove_file(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                removed => removed.map_err(|error| {
                    Failure::new(format!("Unlinking failed. {}", reason(&error))).with("path", text(path))
                }),
            },
            Step::MakeDirs { path } => make_dirs(host, path, wanted),
            Step::MakeFile { path } => {
                let options =
                    WriteOptions { mode: wanted.bits(host, 0o666 & !host.umask(), false)?, ..WriteOptions::default() };
                let made = host.write(path, &mut std::io::empty(), &options);
                made.map_err(failed("Error, could not touch target", path))?;
                wanted.ensure(host, path)
            }
            Step::Link { target, path, replaces_directory } => {
                if *replaces_directory {
                    // It was seen to be empty; nothing else goes.
                    host.remove_tree(path).map_err(failed("Error while replacing", path))?;
                }
                host.symlink(target, path).map_err(failed("Error while linking", path))
            }
            Step::HardLink { target, path } => {
                host.hard_link(target, path).map_err(failed("Error while linking", path))
            }
            Step::Attributes { path } => wanted.ensure(host, path),
            Step::Times { path, atime, mtime } => {
                let set = host.set_times(path, *atime, *mtime, true);
                set.map_err(failed("Error while updating modification or access time", path))
            }
        }
    }
}

/// Makes a directory and its missing parents, outermost first, each with the attributes.
pub fn make_dirs(host: &dyn Host, path: &Path, wanted: &Wanted) -> Result<(), Failure> {
    let missing: Vec<&Path> = missing_dirs(host, path)?;
    for dir in missing.into_iter().rev() {
        match host.create_dir(dir) {
            // Somebody else was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && paths::is_dir(host, dir)? => {}
            made => made.map_err(|error| {
                let msg = format!("There was an issue creating {} as requested: {}", dir.display(), reason(&error));
                Failure::new(msg).with("path", text(path))
            })?,
        }
        wanted.ensure(host, dir)?;
    }
    Ok(())
}

/// The directories that are not there, innermost first.
pub fn missing_dirs<'a>(host: &dyn Host, path: &'a Path) -> Result<Vec<&'a Path>, Failure> {
    let mut missing = Vec::new();
    for dir in path.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
        if host.stat(dir).map_err(stat_failed(dir))?.is_some() {
            break;
        }
        missing.push(dir);
    }
    Ok(missing)
}

/// What was found.
#[derive(Debug, Default)]
pub struct Scene {
    /// What has to happen.
    pub steps: Vec<Step>,
    /// The difference, before.
    pub before: Map,
    /// The difference, after.
    pub after: Map,
    /// The result as far as it is known.
    pub returns: Map,
}

impl Scene {
    /// Nothing found yet.
    pub fn new(path: &Path) -> Scene {
        let path = || Map::from([("path".into(), text(path).into())]);
        Scene { before: path(), after: path(), ..Scene::default() }
    }

    /// Notes a difference.
    pub fn differ(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.before.insert(name.into(), before.into());
        self.after.insert(name.into(), after.into());
    }

    fn merge(&mut self, differences: Differences) {
        self.before.extend(differences.before);
        self.after.extend(differences.after);
    }

    /// Adds the steps for attributes and times of something that is there.
    pub fn attributes(&mut self, host: &dyn Host, path: &Path, wanted: &Wanted, times: &Times) -> Result<(), Failure> {
        let differences = wanted.differences(host, path)?;
        if !differences.is_empty() {
            self.steps.push(Step::Attributes { path: path.to_owned() });
            self.merge(differences);
        }
        self.steps.extend(times.step(host, path, false)?);
        Ok(())
    }

    /// The result: the path under `key`, and what is there.
    pub fn report(&mut self, host: &dyn Host, key: &str, path: &Path) -> Result<(), Failure> {
        self.returns.insert(key.into(), text(path).into());
        self.returns.extend(info::entries(host, path)?);
        Ok(())
    }

    /// The plan.
    pub fn plan(&self) -> Plan<Step> {
        let mut plan = Plan::of(self.steps.clone());
        plan.returns = self.returns.clone();
        if !self.steps.is_empty() {
            plan.diff.push(diff::of_maps(&self.before, &self.after));
        }
        plan
    }
}

/// The result after the steps: what is there now.
pub fn outcome(host: &dyn Host, returns: &Map) -> Result<Outcome, Failure> {
    let path = returns.get("path").or_else(|| returns.get("dest")).and_then(Value::as_str);
    let returns = match path {
        Some(path) => info::entries(host, Path::new(path))?,
        None => Map::new(),
    };
    Ok(Outcome { returns, ..Outcome::default() })
}

/// A time that a task asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stamp {
    Preserve,
    Now,
    At(f64),
}

/// Access and modification time as a task wants them.
#[derive(Debug, Clone)]
pub struct Times {
    atime: Stamp,
    mtime: Stamp,
}

impl Times {
    /// From a task's arguments; touch alone sets times that are not asked for.
    pub fn new(args: &Args, state: State) -> Result<Times, Failure> {
        let usual = if state == State::Touch { Stamp::Now } else { Stamp::Preserve };
        let stamp = |given: &Option<String>, format: &str| match given.as_deref() {
            None => Ok(usual),
            Some("preserve") => Ok(Stamp::Preserve),
            Some("now") => Ok(Stamp::Now),
            Some(text) => time::read(text, format).map(Stamp::At).ok_or_else(|| {
                let msg = format!("Error while obtaining timestamp for time {text} using format {format}");
                Failure::new(msg)
            }),
        };
        Ok(Times {
            atime: stamp(&args.access_time, &args.access_time_format)?,
            mtime: stamp(&args.modification_time, &args.modification_time_format)?,
        })
    }

    /// The times of a new file: what is asked for by a number. A new file's own time is now.
    pub fn explicit_step(&self, host: &dyn Host, path: &Path) -> Result<Option<Step>, Failure> {
        match (self.atime, self.mtime) {
            (Stamp::At(_), _) | (_, Stamp::At(_)) => self.step(host, path, true),
            _ => Ok(None),
        }
    }

    /// The step that sets the times; None when they are right. `new` says that nothing is there yet.
    pub fn step(&self, host: &dyn Host, path: &Path, new: bool) -> Result<Option<Step>, Failure> {
        if self.atime == Stamp::Preserve && self.mtime == Stamp::Preserve {
            return Ok(None);
        }
        let info = host.stat(path).map_err(stat_failed(path))?;
        if info.is_none() && !new {
            return Ok(None);
        }
        if info.as_ref().is_some_and(|info| info.kind == FileKind::Symlink) {
            return Ok(None);
        }
        let now = time::seconds(host.now());
        let change = |stamp: Stamp, present: Option<f64>| match stamp {
            Stamp::Preserve => None,
            Stamp::Now => Some(now),
            Stamp::At(time) => Some(time).filter(|time| present != Some(*time)),
        };
        let atime = change(self.atime, info.as_ref().map(|info| info.atime));
        let mtime = change(self.mtime, info.as_ref().map(|info| info.mtime));
        let path = path.to_owned();
        Ok((atime.is_some() || mtime.is_some()).then_some(Step::Times { path, atime, mtime }))
    }
}
