//! Paths as a task gives them, and questions about them.

use super::errno::failed;
use crate::module::{Failure, FileKind, Host};
use std::path::{Component, Path, PathBuf};

/// The path with `~` and variables expanded on the host. A trailing slash stays: some modules give
/// it a meaning.
pub fn expand(host: &dyn Host, path: &Path) -> PathBuf {
    match path.to_str() {
        Some(text) => crate::modules::expand::path(host, text),
        None => path.to_owned(),
    }
}

/// Whether the path names a directory by its spelling alone.
pub fn has_trailing_slash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The path as text for a result.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Whether something is there, links followed.
pub fn exists(host: &dyn Host, path: &Path) -> Result<bool, Failure> {
    Ok(host.stat(path).map_err(failed("stat failed", path))?.is_some())
}

/// Whether a directory is there, links followed.
pub fn is_dir(host: &dyn Host, path: &Path) -> Result<bool, Failure> {
    let info = host.stat(path).map_err(failed("stat failed", path))?;
    Ok(info.is_some_and(|info| info.kind == FileKind::Directory))
}

/// Whether the path itself is a link.
pub fn is_link(host: &dyn Host, path: &Path) -> Result<bool, Failure> {
    let info = host.lstat(path).map_err(failed("stat failed", path))?;
    Ok(info.is_some_and(|info| info.kind == FileKind::Symlink))
}

/// The path without links, as far as it is there; what a broken link leads to is named all the same.
pub fn real(host: &dyn Host, path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // As many links as Linux itself follows.
    for _ in 0..40 {
        if let Ok(real) = host.canonicalize(&path) {
            return real;
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return path };
        let parent = host.canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
        let place = parent.join(name);
        match host.read_link(&place) {
            Ok(target) => path = without_dots(&parent.join(target)),
            Err(_) => return place,
        }
    }
    path
}

/// The path without `.` and `..`, by its spelling.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if out.file_name().is_some() => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;

    #[test]
    fn broken_links_have_a_real_path_too() {
        let host = FakeHost::new().with_link("/etc/a", "../var/b").with_link("/var/b", "c").with_link("/etc/l", "l");
        assert_eq!(real(&host, Path::new("/etc/a")), Path::new("/var/c"));
        assert_eq!(real(&host, Path::new("/no/a")), Path::new("/no/a"));
        real(&host, Path::new("/etc/l"));
    }
}
