//! What lookups and a few filters need of the controller. The engine itself touches nothing.

use std::path::{Path, PathBuf};

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathFacts {
    /// Whether it is a directory (links followed).
    pub directory: bool,
    /// Whether it is a regular file (links followed).
    pub file: bool,
    /// Whether the path itself is a symbolic link.
    pub link: bool,
    /// Whether a link's target exists, or the path is no link.
    pub exists: bool,
    /// Whether something is mounted there.
    pub mount: bool,
    /// Device and inode of what is there (links followed).
    pub identity: (u64, u64),
}

/// An instant: seconds and nanoseconds since 1970 in UTC, and the local zone then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instant {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanoseconds: u32,
    /// The local zone's offset from UTC in seconds.
    pub offset: i32,
    /// The local zone's name, such as `CET`.
    pub zone: String,
}

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit status; negative for a signal.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
}

/// An answer to an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A request of the `url` lookup.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The address.
    pub url: String,
    /// The method; `GET` unless told.
    pub method: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// User and password for basic authentication.
    pub login: Option<(String, String)>,
    /// Whether the certificate is checked.
    pub validate_certs: bool,
    /// Seconds to wait.
    pub timeout: f64,
}

/// The controller's side of templates: files, commands, the clock and the vault. Every method may
/// refuse; the defaults do, so that a test says only what it needs.
///
/// `kind` is the subfolder that Ansible searches: `files`, `templates` or `vars`. `search` is the
/// value of the scope's `ansible_search_path`; when it is empty the playbook's folder is searched.
pub trait Controller: Send + Sync {
    /// The file or folder that `name` means; absolute names and `~` are allowed.
    fn find_file(&self, _kind: &str, _name: &str, _search: &[PathBuf]) -> Option<PathBuf> {
        None
    }

    /// The content of the file that `name` means, decrypted when it is a vault file.
    fn read_file(&self, kind: &str, name: &str, search: &[PathBuf]) -> Result<(PathBuf, Vec<u8>), String> {
        let _ = (kind, search);
        Err(format!("unable to find {name:?} in expected paths"))
    }

    /// The content of exactly this file, as it is on the disk.
    fn read_raw(&self, path: &Path) -> Result<(PathBuf, Vec<u8>), String> {
        Err(format!("cannot read {}", path.display()))
    }

    /// Creates or replaces a file with mode 0600, and its folders (the `password` lookup).
    fn write_file(&self, path: &Path, _content: &[u8]) -> Result<(), String> {
        Err(format!("cannot write {}", path.display()))
    }

    /// What is at a path; None when nothing is.
    fn path_facts(&self, _path: &Path) -> Option<PathFacts> {
        None
    }

    /// The path without links, `.` and `..`; what does not exist is kept as it is.
    fn real_path(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    /// The files (not folders) that a shell pattern matches, sorted.
    fn glob(&self, _pattern: &str) -> Vec<PathBuf> {
        Vec::new()
    }

    /// An environment variable.
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    /// The home folder of a user, or of the user that runs rplay.
    fn home(&self, _user: Option<&str>) -> Option<PathBuf> {
        None
    }

    /// The folder that relative paths are relative to.
    fn working_folder(&self) -> PathBuf {
        PathBuf::from("/")
    }

    /// The playbook's folder, which the `password` lookup's files are relative to.
    fn playbook_folder(&self) -> PathBuf {
        self.working_folder()
    }

    /// Runs a command with the shell.
    fn run(&self, command: &str, _search: &[PathBuf]) -> Result<Output, String> {
        Err(format!("cannot run {command:?}"))
    }

    /// Decrypts a vault envelope.
    fn decrypt(&self, _envelope: &str) -> Result<String, String> {
        Err("Attempting to decrypt but no vault secrets found.".into())
    }

    /// Encrypts with a password (the `vault` filter).
    fn encrypt(
        &self,
        _text: &str,
        _secret: &str,
        _salt: Option<&str>,
        _vault_id: Option<&str>,
    ) -> Result<String, String> {
        Err("encryption is not available here".into())
    }

    /// Decrypts with a password (the `unvault` filter).
    fn decrypt_with(&self, _envelope: &str, _secret: &str, _vault_id: Option<&str>) -> Result<String, String> {
        Err("decryption is not available here".into())
    }

    /// The clock.
    fn now(&self) -> Instant {
        Instant { seconds: 0, nanoseconds: 0, offset: 0, zone: "UTC".into() }
    }

    /// The local zone's offset in seconds and its name at an instant (seconds since 1970).
    fn zone_at(&self, _seconds: i64) -> (i32, String) {
        (0, "UTC".into())
    }

    /// Random bytes.
    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        let _ = bytes;
        Err("no source of randomness".into())
    }

    /// Makes an HTTP request.
    fn http(&self, request: &Request) -> Result<Answer, String> {
        Err(format!("cannot open {}", request.url))
    }

    /// A setting of ansible.cfg (the `config` lookup), by its upper-case name.
    fn setting(&self, _name: &str) -> Option<crate::value::Value> {
        None
    }

    /// Shows a warning.
    fn warn(&self, _message: &str) {}
}

/// A controller that refuses everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoController;

impl Controller for NoController {}
