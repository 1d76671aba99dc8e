//! The real machine: the one door of [`Host`] onto files, processes, users and the network.

mod ca;
mod files;
mod http;
mod net;
mod poll;
mod process;
mod resolve;
mod selinux;
#[cfg(test)]
mod tests;
mod unix;
mod users;
mod write;

use crate::agent::JobContext;
use crate::module::{BlobRef, Command, FileInfo, Group, Host, HttpRequest, HttpResponse, Output, User, WriteOptions};
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The machine that this process runs on, for one job. Its temporary directories go with it.
pub struct Machine {
    context: JobContext,
    temporary: Mutex<Vec<tempfile::TempDir>>,
}

impl Machine {
    /// The machine as one job sees it.
    pub fn new(context: JobContext) -> Machine {
        Machine { context, temporary: Mutex::new(Vec::new()) }
    }

    fn run_quietly(&self, argv: &[&str]) -> io::Result<Output> {
        process::run(&self.context, &Command::new(argv.iter().copied()))
    }

    fn check_cancelled(&self) -> io::Result<()> {
        if self.context.cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }
}

/// The error of every wait that a cancelled task ends.
fn cancelled() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "the task was cancelled")
}

impl Host for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::fs::File::open(path)?))
    }
    fn stat(&self, path: &Path) -> io::Result<Option<FileInfo>> {
        files::info(std::fs::metadata(path))
    }
    fn lstat(&self, path: &Path) -> io::Result<Option<FileInfo>> {
        files::info(std::fs::symlink_metadata(path))
    }
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.check_cancelled()?;
        let mut names = std::fs::read_dir(path)?.map(|e| e.map(|e| e.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }
    fn access(&self, path: &Path, wanted: u32) -> bool {
        files::access(path, wanted)
    }
    fn write(&self, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
        self.check_cancelled()?;
        write::write(self, path, content, options)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)?;
        selinux::restore(self, path);
        Ok(())
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        files::replace_link(link, |at| std::os::unix::fs::symlink(target, at))
    }
    fn hard_link(&self, target: &Path, link: &Path) -> io::Result<()> {
        files::replace_link(link, |at| std::fs::hard_link(target, at))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        files::set_mode(path, mode)
    }
    fn set_owner(&self, path: &Path, uid: Option<u32>, gid: Option<u32>, follow: bool) -> io::Result<()> {
        if follow { std::os::unix::fs::chown(path, uid, gid) } else { std::os::unix::fs::lchown(path, uid, gid) }
    }
    fn set_times(&self, path: &Path, atime: Option<f64>, mtime: Option<f64>, follow: bool) -> io::Result<()> {
        files::set_times(path, atime, mtime, follow)
    }
    fn run(&self, command: &Command) -> io::Result<Output> {
        process::run(&self.context, command)
    }
    fn which(&self, program: &str) -> Option<PathBuf> {
        process::which(&self.context, program)
    }
    fn env(&self, name: &str) -> Option<String> {
        process::env(&self.context, name)
    }
    fn user(&self, name: &str) -> io::Result<Option<User>> {
        users::user(self, users::Wanted::Name(name))
    }
    fn user_by_id(&self, uid: u32) -> io::Result<Option<User>> {
        users::user(self, users::Wanted::Id(uid))
    }
    fn group(&self, name: &str) -> io::Result<Option<Group>> {
        users::group(self, users::Wanted::Name(name))
    }
    fn group_by_id(&self, gid: u32) -> io::Result<Option<Group>> {
        users::group(self, users::Wanted::Id(gid))
    }
    fn euid(&self) -> u32 {
        files::euid()
    }
    fn umask(&self) -> u32 {
        files::umask()
    }
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn sleep(&self, time: Duration) -> io::Result<()> {
        if self.context.cancel.wait(time) { Err(cancelled()) } else { Ok(()) }
    }
    fn probe_tcp(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
        until: Option<&dyn Fn(&[u8]) -> bool>,
    ) -> io::Result<bool> {
        net::probe(&self.context, host, port, timeout, until)
    }
    fn http(&self, request: &HttpRequest) -> io::Result<HttpResponse> {
        self.check_cancelled()?;
        http::send(&self.context, request)
    }
    fn blob(&self, blob: &BlobRef) -> io::Result<Box<dyn Read + Send>> {
        self.context.blobs.open(blob)
    }
    fn temp_dir(&self) -> io::Result<PathBuf> {
        let parent = &self.context.remote_tmp;
        files::private_dir(parent)?;
        self.temp_dir_in(parent)
    }

    fn temp_dir_in(&self, parent: &Path) -> io::Result<PathBuf> {
        let dir = tempfile::Builder::new().prefix("task-").tempdir_in(parent)?;
        let path = dir.path().to_owned();
        self.temporary.lock().unwrap_or_else(PoisonError::into_inner).push(dir);
        Ok(path)
    }
}
