//! What is in a directory of the controller, for `copy`.

use crate::module::Failure;
use std::collections::HashSet;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Everything in a directory, with paths relative to the destination.
#[derive(Debug, Default)]
pub struct LocalTree {
    /// Files: where they are, and where they go.
    pub files: Vec<(PathBuf, String)>,
    /// Directories below the top.
    pub directories: Vec<String>,
    /// Links that stay links: where they go, and where they lead.
    pub links: Vec<(String, String)>,
}

impl LocalTree {
    /// Reads a directory. Without a trailing slash its own name is part of the paths. With `follow`
    /// links are replaced by what they lead to, unless they lead to a directory they are in.
    pub fn read(top: &Path, trailing_slash: bool, follow: bool) -> Result<LocalTree, Failure> {
        let name = top.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let prefix = if trailing_slash { String::new() } else { name };
        let mut tree = LocalTree::default();
        let mut within = HashSet::new();
        if let Ok(info) = std::fs::metadata(top) {
            within.insert((info.dev(), info.ino()));
        }
        tree.walk(top, &prefix, follow, &mut within)
            .map_err(|error| Failure::new(format!("reading {} failed: {error}", top.display())))?;
        Ok(tree)
    }

    fn walk(&mut self, dir: &Path, prefix: &str, follow: bool, within: &mut HashSet<(u64, u64)>) -> io::Result<()> {
        let mut names: Vec<_> =
            std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>()?;
        names.sort();
        for name in names {
            let path = dir.join(&name);
            let name = name.to_str().ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a UTF-8 name", path.display()))
            })?;
            let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let own = std::fs::symlink_metadata(&path)?;
            if own.is_symlink() {
                let target = std::fs::metadata(&path).ok();
                self.link(&path, relative, target.filter(|_| follow), within)?;
            } else if own.is_dir() {
                self.directories.push(relative.clone());
                let id = (own.dev(), own.ino());
                within.insert(id);
                self.walk(&path, &relative, follow, within)?;
                within.remove(&id);
            } else if own.is_file() {
                self.files.push((path, relative));
            }
        }
        Ok(())
    }

    fn link(
        &mut self,
        path: &Path,
        relative: String,
        target: Option<Metadata>,
        within: &mut HashSet<(u64, u64)>,
    ) -> io::Result<()> {
        match target {
            Some(info) if info.is_file() => self.files.push((std::fs::canonicalize(path)?, relative)),
            Some(info) if info.is_dir() && within.insert((info.dev(), info.ino())) => {
                self.directories.push(relative.clone());
                let real = std::fs::canonicalize(path)?;
                self.walk(&real, &relative, true, within)?;
                within.remove(&(info.dev(), info.ino()));
            }
            _ => {
                let target = std::fs::read_link(path)?;
                self.links.push((relative, target.to_string_lossy().into_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("top");
        std::fs::create_dir_all(top.join("sub")).unwrap();
        std::fs::write(top.join("sub/f"), "x").unwrap();
        symlink("f", top.join("sub/l")).unwrap();
        symlink("..", top.join("sub/up")).unwrap();
        symlink("sub", top.join("other")).unwrap();
        let names = |tree: &LocalTree| tree.files.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        let followed = LocalTree::read(&top, false, true).unwrap();
        assert_eq!(names(&followed), ["top/other/f", "top/other/l", "top/sub/f", "top/sub/l"]);
        assert_eq!(followed.links.len(), 2);
        let kept = LocalTree::read(&top, true, false).unwrap();
        assert_eq!((names(&kept), kept.links.len()), (vec!["sub/f".to_owned()], 3));
    }
}
