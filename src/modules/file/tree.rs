//! Everything below a directory: attributes for all of it, and lists for the diff.

use super::attributes::Wanted;
use super::errno::failed;
use super::step::{Step, Times};
use super::{paths, stat_failed};
use crate::module::{Failure, FileKind, Host};
use crate::value::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A walk that finds what must be set below a directory.
pub struct Walk<'a> {
    host: &'a dyn Host,
    wanted: &'a Wanted,
    times: &'a Times,
    follow: bool,
    // Directories behind links that were walked already, so that a circle of links ends.
    seen: HashSet<(u64, u64)>,
    steps: Vec<Step>,
}

impl<'a> Walk<'a> {
    /// A walk; with `follow`, what links lead to is set too.
    pub fn new(host: &'a dyn Host, wanted: &'a Wanted, times: &'a Times, follow: bool) -> Walk<'a> {
        Walk { host, wanted, times, follow, seen: HashSet::new(), steps: Vec::new() }
    }

    /// The steps for everything below, not for the directory itself.
    pub fn steps(mut self, dir: &Path) -> Result<Vec<Step>, Failure> {
        self.walk(dir)?;
        Ok(self.steps)
    }

    fn walk(&mut self, dir: &Path) -> Result<(), Failure> {
        for name in self.host.list(dir).map_err(failed("reading the directory failed", dir))? {
            let path = dir.join(name);
            let Some(info) = self.host.lstat(&path).map_err(stat_failed(&path))? else { continue };
            self.set(&path)?;
            match info.kind {
                FileKind::Directory => self.walk(&path)?,
                FileKind::Symlink if self.follow => self.behind(&path)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn behind(&mut self, link: &Path) -> Result<(), Failure> {
        let target = paths::real(self.host, link);
        let Some(info) = self.host.lstat(&target).map_err(stat_failed(&target))? else { return Ok(()) };
        if info.kind == FileKind::Directory && self.seen.insert((info.device, info.inode)) {
            self.walk(&target)?;
        }
        self.set(&target)
    }

    fn set(&mut self, path: &Path) -> Result<(), Failure> {
        if !self.wanted.differences(self.host, path)?.is_empty() {
            self.steps.push(Step::Attributes { path: path.to_owned() });
        }
        self.steps.extend(self.times.step(self.host, path, false)?);
        Ok(())
    }
}

/// The directories and files below a directory, as the diff of a removal shows them.
pub fn listing(host: &dyn Host, dir: &Path) -> Result<Value, Failure> {
    let (mut directories, mut files) = (Vec::new(), Vec::new());
    let mut left: Vec<PathBuf> = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for name in host.list(&dir).map_err(failed("reading the directory failed", &dir))? {
            let path = dir.join(name);
            let kind = host.lstat(&path).map_err(stat_failed(&path))?.map(|info| info.kind);
            if kind == Some(FileKind::Directory) {
                directories.push(Value::from(paths::text(&path)));
                left.push(path);
            } else {
                files.push(Value::from(paths::text(&path)));
            }
        }
    }
    Ok(Value::from([("directories", Value::list(directories)), ("files", Value::list(files))]))
}
