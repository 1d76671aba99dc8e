//! An archive of any kind: what is in it, whether it is unpacked, unpacking it.

use super::{HostArgs, tar, zip};
use crate::module::{Failure, Host};
use crate::modules::file::errno::failed;
use crate::value::Value;
use std::io::Read;
use std::path::Path;

/// What an archive is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ZIP file.
    Zip,
    /// Tar, not compressed.
    Tar,
    /// Tar through gzip.
    Gzip,
    /// Tar through bzip2.
    Bzip,
    /// Tar through xz.
    Xz,
    /// Tar through zstd.
    Zstd,
}

impl Kind {
    /// Looks at a file.
    pub fn of(host: &dyn Host, path: &Path) -> Result<Kind, Failure> {
        let mut start = Vec::new();
        let file = host.open(path).map_err(failed("reading failed", path))?;
        file.take(6).read_to_end(&mut start).map_err(failed("reading failed", path))?;
        Ok(match start.as_slice() {
            [b'P', b'K', 3 | 5 | 7, ..] => Kind::Zip,
            [0x1f, 0x8b, ..] => Kind::Gzip,
            [b'B', b'Z', b'h', ..] => Kind::Bzip,
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Kind::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Zstd,
            _ => Kind::Tar,
        })
    }

    /// Ansible's name of what handles it.
    pub fn handler(self) -> &'static str {
        match self {
            Kind::Zip => "ZipArchive",
            Kind::Gzip => "TgzArchive",
            // Ansible lets tar itself find these compressions out, under this name.
            Kind::Tar | Kind::Bzip | Kind::Xz | Kind::Zstd => "TarArchive",
        }
    }
}

/// An archive, and where it belongs.
pub struct Archive<'a> {
    /// The machine.
    pub host: &'a dyn Host,
    /// The task.
    pub args: &'a HostArgs,
    /// What it is.
    pub kind: Kind,
    /// The archive on the host.
    pub source: &'a Path,
    /// The directory.
    pub dest: &'a Path,
}

impl Archive<'_> {
    /// The names in it that count.
    pub fn files(&self) -> Result<Vec<String>, Failure> {
        let files = if self.kind == Kind::Zip { zip::files(self)? } else { tar::files(self)? };
        if files.is_empty() {
            let msg = format!("Failed to find handler for \"{}\": found no files in archive", self.source.display());
            return Err(Failure::new(msg));
        }
        Ok(files)
    }

    /// Whether all is there as the archive has it.
    pub fn is_unpacked(&self) -> Result<bool, Failure> {
        if self.kind == Kind::Zip { zip::is_unpacked(self) } else { tar::is_unpacked(self) }
    }

    /// Unpacks. Returns what `extract_results` shows.
    pub fn unpack(&self) -> Result<Value, Failure> {
        if self.kind == Kind::Zip { zip::unpack(self) } else { tar::unpack(self) }
    }

    /// A program that handles archives, where it is.
    pub fn program(&self, names: &[&str]) -> Result<String, Failure> {
        let found = names.iter().find_map(|name| self.host.which(name));
        found.map(|path| path.to_string_lossy().into_owned()).ok_or_else(|| {
            let msg = format!(
                "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\nUnable to find required '{}' binary in the path.",
                self.source.display(),
                names.join("' or '")
            );
            Failure::new(msg)
        })
    }

    /// Whether a name is left out.
    pub fn excludes(&self, name: &str) -> bool {
        self.args.exclude.iter().any(|pattern| crate::modules::wildcard::matches(pattern, name))
    }
}
