//! The one door to the machine: files, processes, users, the network.

use super::BlobRef;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharDevice,
}

/// What stat(2) says of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct FileInfo {
    /// What it is.
    pub kind: FileKind,
    /// The twelve permission bits.
    pub mode: u32,
    /// The owner's id.
    pub uid: u32,
    /// The group's id.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Seconds since the epoch.
    pub atime: f64,
    /// Seconds since the epoch.
    pub mtime: f64,
    /// Seconds since the epoch.
    pub ctime: f64,
    /// The inode.
    pub inode: u64,
    /// The device that holds the inode.
    pub device: u64,
    /// Hard links.
    pub links: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// The preferred block size in bytes.
    pub block_size: u64,
    /// The device's number, for device files.
    pub rdev: u64,
}

/// An entry of the user database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub name: String,
    /// The id.
    pub uid: u32,
    /// The primary group's id.
    pub gid: u32,
    /// The comment field.
    pub gecos: String,
    /// The home directory.
    pub home: PathBuf,
    /// The login shell.
    pub shell: PathBuf,
}

/// An entry of the group database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The id.
    pub gid: u32,
    /// Names of users that have it as a supplementary group.
    pub members: Vec<String>,
}

/// How a file is written.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Permissions of a new file, and of an existing one when given; else they stay (new: 0666 less umask).
    pub mode: Option<u32>,
    /// Owner's id; else it stays.
    pub uid: Option<u32>,
    /// Group's id; else it stays.
    pub gid: Option<u32>,
    /// Write in place when the file cannot be replaced by a rename (a mount point, say).
    pub unsafe_writes: bool,
    /// A command that must succeed before the new file takes the old one's place; `%s` is the new file.
    pub validate: Option<String>,
}

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A process to run. The task's `environment` is added by the host.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// The program and its arguments. A bare program is looked up on PATH.
    pub argv: Vec<OsString>,
    /// Variables on top of the inherited ones.
    pub env: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: Option<PathBuf>,
    /// Standard input; empty when None.
    pub stdin: Option<Vec<u8>>,
    /// The process group is killed after this.
    pub timeout: Option<Duration>,
    /// Send lines to the controller's display while the process runs.
    pub stream: bool,
}

impl Command {
    /// A program with arguments.
    pub fn new<S: Into<OsString>>(argv: impl IntoIterator<Item = S>) -> Command {
        Command { argv: argv.into_iter().map(Into::into).collect(), ..Command::default() }
    }

    /// Text for `/bin/sh -c`.
    pub fn shell(script: &str) -> Command {
        Command::new(["/bin/sh", "-c", script])
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Command {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Sets standard input.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Command {
        self.stdin = Some(input.into());
        self
    }
}

/// What a process left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The exit status; minus the signal's number when one killed it.
    pub rc: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether it ended with 0.
    pub fn success(&self) -> bool {
        self.rc == 0
    }
    /// Standard output as text; invalid UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    /// Standard error as text; invalid UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// An HTTP request.
#[derive(Debug, Clone, Default)]
pub struct HttpRequest {
    /// GET, POST, …
    pub method: String,
    /// The address, http or https.
    pub url: String,
    /// Headers by name, repeated names allowed.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// For the whole exchange.
    pub timeout: Option<Duration>,
    /// How many redirects are followed.
    pub max_redirects: u32,
    /// Follow redirects of unsafe methods too.
    pub redirect_unsafe: bool,
    /// Check certificates.
    pub validate_certs: bool,
    /// A PEM file of authorities, instead of the system's.
    pub ca_path: Option<PathBuf>,
    /// PEM files of the client's certificate and key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// Whether http_proxy and friends are honoured.
    pub use_proxy: bool,
    /// Talk to this socket instead of the address's host.
    pub unix_socket: Option<PathBuf>,
}

/// An HTTP answer. The body is read by the caller.
pub struct HttpResponse {
    /// The status, such as 200.
    pub status: u16,
    /// The reason phrase or the status' usual words.
    pub reason: String,
    /// The address after redirects.
    pub url: String,
    /// Headers by lower-case name, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Box<dyn Read + Send>,
}

/// The machine that a module works on. Paths are the machine's own, absolute.
///
/// Every method that waits ends early with [`io::ErrorKind::Interrupted`] when the task is cancelled.
pub trait Host: Send + Sync {
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Opens a file to read it in pieces.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    /// What a path is, links followed; None when nothing is there.
    fn stat(&self, path: &Path) -> io::Result<Option<FileInfo>>;
    /// What a path is, a link itself; None when nothing is there.
    fn lstat(&self, path: &Path) -> io::Result<Option<FileInfo>>;
    /// Where a link points.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// The path without links and dots.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;
    /// The names in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;
    /// Whether the current user may read (4), write (2), execute (1): any sum of them.
    fn access(&self, path: &Path, wanted: u32) -> bool;
    /// Puts content in place atomically: new file beside it, validated, synced, renamed over it.
    fn write(&self, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()>;
    /// Makes one directory.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a file or link.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory with all below it; does not cross into what links point to.
    fn remove_tree(&self, path: &Path) -> io::Result<()>;
    /// Makes a symbolic link, replacing an existing file or link atomically.
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()>;
    /// Makes a hard link, replacing an existing file or link atomically.
    fn hard_link(&self, target: &Path, link: &Path) -> io::Result<()>;
    /// Renames.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Sets the permission bits.
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()>;
    /// Sets owner and group; None leaves one. A link is followed or meant itself.
    fn set_owner(&self, path: &Path, uid: Option<u32>, gid: Option<u32>, follow: bool) -> io::Result<()>;
    /// Sets access and modification time, in seconds since the epoch; None leaves one.
    fn set_times(&self, path: &Path, atime: Option<f64>, mtime: Option<f64>, follow: bool) -> io::Result<()>;
    /// Runs a process to its end.
    fn run(&self, command: &Command) -> io::Result<Output>;
    /// Where a program is: on PATH, then in the sbin directories.
    fn which(&self, program: &str) -> Option<PathBuf>;
    /// A variable of the environment, the task's `environment` included.
    fn env(&self, name: &str) -> Option<String>;
    /// A user by name.
    fn user(&self, name: &str) -> io::Result<Option<User>>;
    /// A user by id.
    fn user_by_id(&self, uid: u32) -> io::Result<Option<User>>;
    /// A group by name.
    fn group(&self, name: &str) -> io::Result<Option<Group>>;
    /// A group by id.
    fn group_by_id(&self, gid: u32) -> io::Result<Option<Group>>;
    /// The effective user's id.
    fn euid(&self) -> u32;
    /// The umask.
    fn umask(&self) -> u32;
    /// The clock.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, time: Duration) -> io::Result<()>;
    /// Opens a TCP connection and closes it again, or reads from it until `until` says that it is enough.
    fn probe_tcp(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
        until: Option<&dyn Fn(&[u8]) -> bool>,
    ) -> io::Result<bool>;
    /// Sends an HTTP request.
    fn http(&self, request: &HttpRequest) -> io::Result<HttpResponse>;
    /// Content that the controller offers; it is fetched if this host does not have it.
    fn blob(&self, blob: &BlobRef) -> io::Result<Box<dyn Read + Send>>;
    /// A fresh directory, removed when the task ends.
    fn temp_dir(&self) -> io::Result<PathBuf>;
    /// The same in a directory of the task's choice.
    fn temp_dir_in(&self, parent: &Path) -> io::Result<PathBuf>;
}
