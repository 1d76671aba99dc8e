//! A controller over this machine's files, for the template tests.

use rplay::template::{Controller, Instant, Output, PathFacts};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The controller: relative names are searched in `root`.
pub struct Local {
    pub root: PathBuf,
}

impl Controller for Local {
    fn find_file(&self, kind: &str, name: &str, search: &[PathBuf]) -> Option<PathBuf> {
        let absolute = Path::new(name);
        if absolute.is_absolute() {
            return absolute.exists().then(|| absolute.to_path_buf());
        }
        let folders = search.iter().chain([&self.root]);
        folders.flat_map(|folder| [folder.join(kind).join(name), folder.join(name)]).find(|path| path.exists())
    }

    fn read_file(&self, kind: &str, name: &str, search: &[PathBuf]) -> Result<(PathBuf, Vec<u8>), String> {
        let path = self.find_file(kind, name, search).ok_or_else(|| format!("unable to find {name:?}"))?;
        let content = std::fs::read(&path).map_err(|error| error.to_string())?;
        Ok((path, content))
    }

    fn read_raw(&self, path: &Path) -> Result<(PathBuf, Vec<u8>), String> {
        let content = std::fs::read(path).map_err(|error| error.to_string())?;
        Ok((path.to_path_buf(), content))
    }

    fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        std::fs::write(path, content).map_err(|error| error.to_string())
    }

    fn path_facts(&self, path: &Path) -> Option<PathFacts> {
        let own = std::fs::symlink_metadata(path).ok()?;
        let target = std::fs::metadata(path).ok();
        Some(PathFacts {
            directory: target.as_ref().is_some_and(|target| target.is_dir()),
            file: target.as_ref().is_some_and(|target| target.is_file()),
            link: own.is_symlink(),
            exists: target.is_some(),
            mount: path == Path::new("/"),
            identity: target.map_or((0, 0), |target| (target.dev(), target.ino())),
        })
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
    }

    /// Knows `*` in the last part only.
    fn glob(&self, pattern: &str) -> Vec<PathBuf> {
        let Some((folder, last)) = pattern.rsplit_once('/') else { return Vec::new() };
        let (head, tail) = last.split_once('*').unwrap_or((last, ""));
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                name.starts_with(head) && name.ends_with(tail)
            })
            .collect();
        found.sort();
        found
    }

    fn env(&self, name: &str) -> Option<String> {
        (name == "TZ").then(|| "UTC".to_owned())
    }

    fn working_folder(&self) -> PathBuf {
        self.root.clone()
    }

    fn run(&self, command: &str, _search: &[PathBuf]) -> Result<Output, String> {
        let output = Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        Ok(Output { status: output.status.code().unwrap_or(-1), stdout: output.stdout })
    }

    /// The clock stands still.
    fn now(&self) -> Instant {
        Instant { seconds: 1_700_000_000, nanoseconds: 0, offset: 0, zone: "UTC".into() }
    }

    /// As random as a test needs.
    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        bytes.fill(0x5a);
        Ok(())
    }
}
