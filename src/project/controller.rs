//! The controller's side of templates: files, commands, the clock, the vault.

use super::search::find_in;
use super::{Config, Files};
use crate::template::{Controller, Instant, Output, PathFacts};
use crate::value::Value;
use crate::vault::{self, Secret, Secrets};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// Serves templates from the project's folder.
pub struct ProjectController {
    /// Reads and decrypts files.
    pub files: Files,
    /// The settings.
    pub config: Config,
    /// The folder of the playbook.
    pub playbook_dir: PathBuf,
    /// Takes warnings.
    pub warnings: Box<dyn Fn(&str) + Send + Sync>,
}

impl ProjectController {
    fn folders(&self, search: &[PathBuf]) -> Vec<PathBuf> {
        match search.is_empty() {
            true => vec![self.playbook_dir.clone()],
            false => search.to_vec(),
        }
    }
}

impl Controller for ProjectController {
    fn find_file(&self, kind: &str, name: &str, search: &[PathBuf]) -> Option<PathBuf> {
        find_in(&self.folders(search), kind, name)
    }

    fn read_file(&self, kind: &str, name: &str, search: &[PathBuf]) -> Result<(PathBuf, Vec<u8>), String> {
        let path =
            self.find_file(kind, name, search).ok_or_else(|| format!("unable to find {name:?} in expected paths"))?;
        let content = self.files.read(&path).map_err(|error| error.to_string())?;
        Ok((path, content))
    }

    fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        let refuse = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(refuse)?;
        let mut file = tempfile::Builder::new().prefix(".rplay-").tempfile_in(folder).map_err(refuse)?;
        std::io::Write::write_all(&mut file, content).map_err(refuse)?;
        file.as_file().sync_all().map_err(refuse)?;
        file.persist(path).map_err(|error| refuse(error.error))?;
        Ok(())
    }

    fn path_facts(&self, path: &Path) -> Option<PathFacts> {
        let own = std::fs::symlink_metadata(path).ok()?;
        let target = std::fs::metadata(path).ok();
        let identity = target.as_ref().map_or((0, 0), |info| (info.dev(), info.ino()));
        let parent = path.parent().and_then(|parent| std::fs::metadata(parent).ok());
        let mount = match (&target, parent) {
            (Some(info), Some(parent)) => info.is_dir() && (info.dev() != parent.dev() || info.ino() == parent.ino()),
            (Some(_), None) => true,
            _ => false,
        };
        Some(PathFacts {
            directory: target.as_ref().is_some_and(std::fs::Metadata::is_dir),
            file: target.as_ref().is_some_and(std::fs::Metadata::is_file),
            link: own.file_type().is_symlink(),
            exists: target.is_some(),
            mount,
            identity,
        })
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        std::fs::canonicalize(path).unwrap_or_else(|_| super::absolute(path))
    }

    fn glob(&self, pattern: &str) -> Vec<PathBuf> {
        let mut found = super::glob::glob(Path::new(pattern));
        found.retain(|path| path.is_file());
        found.sort();
        found
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn home(&self, user: Option<&str>) -> Option<PathBuf> {
        match user {
            None => std::env::var_os("HOME").map(PathBuf::from),
            Some(user) => std::fs::read_to_string("/etc/passwd").ok()?.lines().find_map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                (fields.first() == Some(&user)).then(|| PathBuf::from(fields.get(5).copied().unwrap_or("/")))
            }),
        }
    }

    fn working_folder(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn run(&self, command: &str, _search: &[PathBuf]) -> Result<Output, String> {
        let output = Command::new("/bin/sh")
            .args(["-c", command])
            .current_dir(&self.playbook_dir)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot run /bin/sh: {error}"))?;
        let status = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(1));
        Ok(Output { status, stdout: output.stdout })
    }

    fn decrypt(&self, envelope: &str) -> Result<String, String> {
        vault::decrypt_text(envelope, &self.files.secrets).map_err(|error| error.to_string())
    }

    fn encrypt(&self, text: &str, secret: &str, salt: Option<&str>, vault_id: Option<&str>) -> Result<String, String> {
        if salt.is_some() {
            return Err("a fixed salt is not supported".into());
        }
        let secret = Secret::new(secret.as_bytes()).map_err(|error| error.to_string())?;
        vault::encrypt(text, &secret, vault_id).map_err(|error| error.to_string())
    }

    fn decrypt_with(&self, envelope: &str, secret: &str, vault_id: Option<&str>) -> Result<String, String> {
        let mut secrets = Secrets::default();
        let secret = Secret::new(secret.as_bytes()).map_err(|error| error.to_string())?;
        secrets.push(vault_id.unwrap_or(vault::DEFAULT_ID), secret);
        vault::decrypt_text(envelope, &secrets).map_err(|error| error.to_string())
    }

    fn now(&self) -> Instant {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = now.as_secs() as i64;
        let (offset, zone) = self.zone_at(seconds);
        Instant { seconds, nanoseconds: now.subsec_nanos(), offset, zone }
    }

    fn zone_at(&self, seconds: i64) -> (i32, String) {
        super::zone::local_zone(seconds)
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        let mut source = std::fs::File::open("/dev/urandom").map_err(|error| error.to_string())?;
        source.read_exact(bytes).map_err(|error| error.to_string())
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.config.by_name(name)
    }

    fn warn(&self, message: &str) {
        (self.warnings)(message);
    }
}
