//! The files of a machine in memory: names that lead to inodes.

use crate::module::{FileInfo, FileKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

#[derive(Clone)]
struct Inode {
    kind: FileKind,
    content: Vec<u8>,
    target: PathBuf,
    mode: u32,
    uid: u32,
    gid: u32,
    atime: f64,
    mtime: f64,
}

impl Inode {
    fn new(kind: FileKind, mode: u32) -> Inode {
        let time = 1_600_000_000.0;
        Inode { kind, content: Vec::new(), target: PathBuf::new(), mode, uid: 0, gid: 0, atime: time, mtime: time }
    }
}

/// Names by absolute path, and what they lead to.
pub(super) struct Tree {
    names: BTreeMap<PathBuf, u64>,
    inodes: BTreeMap<u64, Inode>,
    next: u64,
}

fn os(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

/// None when nothing is there.
pub(super) fn there(result: io::Result<FileInfo>) -> io::Result<Option<FileInfo>> {
    match result {
        Ok(info) => Ok(Some(info)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Tree {
    pub(super) fn new() -> Tree {
        let mut tree = Tree { names: BTreeMap::new(), inodes: BTreeMap::new(), next: 2 };
        tree.put(Path::new("/"), Inode::new(FileKind::Directory, 0o755));
        tree
    }

    fn put(&mut self, path: &Path, inode: Inode) {
        self.next += 1;
        self.inodes.insert(self.next, inode);
        self.names.insert(path.to_owned(), self.next);
    }

    fn parents(&mut self, path: &Path) {
        if let Some(parent) = path.parent()
            && !self.names.contains_key(parent)
        {
            self.plant_dir(parent, 0o755);
        }
    }

    pub(super) fn plant_dir(&mut self, path: &Path, mode: u32) {
        self.parents(path);
        self.put(path, Inode::new(FileKind::Directory, mode));
    }

    pub(super) fn plant_file(&mut self, path: &Path, content: &[u8], mode: u32) {
        self.parents(path);
        self.put(path, Inode { content: content.to_vec(), ..Inode::new(FileKind::File, mode) });
    }

    pub(super) fn plant_link(&mut self, path: &Path, target: &Path) {
        self.parents(path);
        self.put(path, Inode { target: target.to_owned(), ..Inode::new(FileKind::Symlink, 0o777) });
    }

    pub(super) fn own(&mut self, path: &Path, uid: u32, gid: u32) {
        if let Some(inode) = self.names.get(path).and_then(|number| self.inodes.get_mut(number)) {
            (inode.uid, inode.gid) = (uid, gid);
        }
    }

    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.names.keys().cloned().collect()
    }

    /// The path without links; the last part may be missing, and stays a link unless `follow`.
    pub(super) fn resolve(&self, path: &Path, follow: bool) -> io::Result<PathBuf> {
        self.resolve_within(path, follow, 40)
    }

    fn resolve_within(&self, path: &Path, follow: bool, left: u32) -> io::Result<PathBuf> {
        if left == 0 {
            return Err(os(libc::ELOOP));
        }
        let mut done = PathBuf::from("/");
        let mut parts = path.components().peekable();
        while let Some(part) = parts.next() {
            match part {
                Component::ParentDir => {
                    done.pop();
                    continue;
                }
                Component::Normal(name) => done.push(name),
                _ => continue,
            }
            let last = parts.peek().is_none();
            match self.at(&done) {
                Some(inode) if inode.kind == FileKind::Symlink && (follow || !last) => {
                    let base = done.parent().unwrap_or(Path::new("/")).join(&inode.target);
                    done = self.resolve_within(&base, true, left - 1)?;
                }
                Some(inode) if !last && inode.kind != FileKind::Directory => return Err(os(libc::ENOTDIR)),
                None if !last => return Err(os(libc::ENOENT)),
                _ => {}
            }
        }
        Ok(done)
    }

    fn at(&self, path: &Path) -> Option<&Inode> {
        self.names.get(path).and_then(|number| self.inodes.get(number))
    }

    fn inode_mut(&mut self, path: &Path, follow: bool) -> io::Result<&mut Inode> {
        let path = self.resolve(path, follow)?;
        let number = self.names.get(&path).ok_or_else(|| os(libc::ENOENT))?;
        self.inodes.get_mut(number).ok_or_else(|| os(libc::ENOENT))
    }

    pub(super) fn info(&self, path: &Path, follow: bool) -> io::Result<FileInfo> {
        let path = self.resolve(path, follow)?;
        let number = *self.names.get(&path).ok_or_else(|| os(libc::ENOENT))?;
        let inode = self.at(&path).ok_or_else(|| os(libc::ENOENT))?;
        let links = self.names.values().filter(|other| **other == number).count() as u64;
        let size = inode.content.len().max(inode.target.as_os_str().len()) as u64;
        Ok(FileInfo {
            kind: inode.kind,
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            size,
            atime: inode.atime,
            mtime: inode.mtime,
            ctime: inode.mtime,
            inode: number,
            device: 1,
            links: if inode.kind == FileKind::Directory { 2 } else { links },
            blocks: size.div_ceil(512),
            block_size: 4096,
            rdev: 0,
        })
    }

    pub(super) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.at(&self.resolve(path, true)?) {
            Some(inode) if inode.kind == FileKind::Directory => Err(os(libc::EISDIR)),
            Some(inode) => Ok(inode.content.clone()),
            None => Err(os(libc::ENOENT)),
        }
    }

    pub(super) fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.at(&self.resolve(path, false)?) {
            Some(inode) if inode.kind == FileKind::Symlink => Ok(inode.target.clone()),
            Some(_) => Err(os(libc::EINVAL)),
            None => Err(os(libc::ENOENT)),
        }
    }

    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let path = self.resolve(path, true)?;
        match self.at(&path) {
            Some(inode) if inode.kind == FileKind::Directory => {}
            Some(_) => return Err(os(libc::ENOTDIR)),
            None => return Err(os(libc::ENOENT)),
        }
        let inside = self.names.keys().filter(|name| name.parent() == Some(&path));
        Ok(inside.filter_map(|name| name.file_name()).map(OsString::from).collect())
    }

    /// The place of a new name: its directory must be there.
    fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let path = self.resolve(path, false)?;
        match path.parent().and_then(|parent| self.at(parent)) {
            Some(inode) if inode.kind == FileKind::Directory => Ok(path),
            Some(_) => Err(os(libc::ENOTDIR)),
            None => Err(os(libc::ENOENT)),
        }
    }

    pub(super) fn write(&mut self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let path = self.place(path)?;
        self.put(&path, Inode { content: content.to_vec(), ..Inode::new(FileKind::File, mode) });
        Ok(())
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let path = self.place(path)?;
        if self.names.contains_key(&path) {
            return Err(os(libc::EEXIST));
        }
        self.put(&path, Inode::new(FileKind::Directory, 0o755));
        Ok(())
    }

    pub(super) fn symlink(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        let link = self.place(link)?;
        if self.at(&link).is_some_and(|inode| inode.kind == FileKind::Directory) {
            return Err(os(libc::EEXIST));
        }
        self.put(&link, Inode { target: target.to_owned(), ..Inode::new(FileKind::Symlink, 0o777) });
        Ok(())
    }

    pub(super) fn hard_link(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        let target = self.resolve(target, false)?;
        let number = *self.names.get(&target).ok_or_else(|| os(libc::ENOENT))?;
        let link = self.place(link)?;
        self.names.insert(link, number);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.resolve(from, false)?, self.place(to)?);
        if !self.names.contains_key(&from) {
            return Err(os(libc::ENOENT));
        }
        let moved: Vec<PathBuf> = self.names.keys().filter(|name| name.starts_with(&from)).cloned().collect();
        for name in moved {
            if let (Some(number), Ok(rest)) = (self.names.remove(&name), name.strip_prefix(&from)) {
                let new = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                self.names.insert(new, number);
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let path = self.resolve(path, false)?;
        self.names.remove(&path).map(drop).ok_or_else(|| os(libc::ENOENT))
    }

    pub(super) fn remove_tree(&mut self, path: &Path) -> io::Result<()> {
        let path = self.resolve(path, false)?;
        if !self.names.contains_key(&path) {
            return Err(os(libc::ENOENT));
        }
        self.names.retain(|name, _| !name.starts_with(&path));
        Ok(())
    }

    pub(super) fn set_mode(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.inode_mut(path, true)?.mode = mode;
        Ok(())
    }

    pub(super) fn set_owner(
        &mut self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> io::Result<()> {
        let inode = self.inode_mut(path, follow)?;
        inode.uid = uid.unwrap_or(inode.uid);
        inode.gid = gid.unwrap_or(inode.gid);
        Ok(())
    }

    pub(super) fn set_times(
        &mut self,
        path: &Path,
        atime: Option<f64>,
        mtime: Option<f64>,
        follow: bool,
    ) -> io::Result<()> {
        let inode = self.inode_mut(path, follow)?;
        inode.atime = atime.unwrap_or(inode.atime);
        inode.mtime = mtime.unwrap_or(inode.mtime);
        Ok(())
    }
}
