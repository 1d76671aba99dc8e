//! `remote_src` with a directory: what is new or different there is copied, nothing is removed.

use super::HostArgs;
use super::change::{Change, Placing, Scene, Source};
use super::single::is_same;
use crate::module::{Failure, FileInfo, FileKind, Host, Mode};
use crate::modules::file::attributes::Wanted;
use crate::modules::file::content::Put;
use crate::modules::file::errno::failed;
use crate::modules::file::info::entries;
use crate::modules::file::paths::{exists, has_trailing_slash, text};
use crate::modules::file::step::Step;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub(super) fn observe(
    args: &HostArgs,
    host: &dyn Host,
    scene: Scene,
    src: &Path,
    dest: &Path,
    wanted: &Wanted,
) -> Result<Scene, Failure> {
    let mut top = PathBuf::from(text(dest).trim_end_matches('/'));
    if !has_trailing_slash(src) {
        top.push(src.file_name().unwrap_or_default());
    }
    let owner = Wanted { owner: wanted.owner.clone(), group: wanted.group.clone(), ..Wanted::default() };
    let mut copying = Copying { args, host, scene, owner };
    copying.directory(src, &top)?;
    let mut scene = copying.scene;
    // The mode and the rest are the top directory's.
    match host.lstat(&top).map_err(failed("stat failed", &top))? {
        Some(_) => scene.attributes(host, &top, wanted)?,
        None if wanted.is_empty() => {}
        None => scene.changes.push(Change::Step(Step::Attributes { path: top.clone() }, wanted.clone())),
    }
    let below = has_trailing_slash(src) && exists(host, dest)?;
    scene.returns.insert("dest".into(), format!("{}{}", text(&top), if below { "/" } else { "" }).into());
    scene.returns.insert("src".into(), text(src).into());
    for key in ["checksum", "md5sum"] {
        scene.returns.insert(key.into(), crate::value::Value::Null);
    }
    scene.returns.extend(entries(host, &top)?);
    Ok(scene)
}

struct Copying<'a> {
    args: &'a HostArgs,
    host: &'a dyn Host,
    scene: Scene,
    owner: Wanted,
}

impl Copying<'_> {
    fn lstat(&self, path: &Path) -> Result<Option<FileInfo>, Failure> {
        self.host.lstat(path).map_err(failed("stat failed", path))
    }

    fn directory(&mut self, src: &Path, dest: &Path) -> Result<(), Failure> {
        let source = self.host.stat(src).map_err(failed("stat failed", src))?;
        match self.host.stat(dest).map_err(failed("stat failed", dest))? {
            None => {
                let mode = source.map(|info| Mode::Bits(info.mode));
                self.scene.changes.push(Change::Step(Step::MakeDirs { path: dest.to_owned() }, Wanted::default()));
                let wanted = Wanted { mode, ..self.owner.clone() };
                self.scene.changes.push(Change::Step(Step::Attributes { path: dest.to_owned() }, wanted));
            }
            Some(info) if info.kind == FileKind::Directory => {
                let owner = self.owner.clone();
                self.scene.attributes(self.host, dest, &owner)?;
            }
            Some(_) => return Err(Failure::new(format!("Cannot copy directory over file {}", dest.display()))),
        }
        let names = self.host.list(src).map_err(failed("reading the directory failed", src))?;
        for name in &names {
            self.entry(&src.join(name), &dest.join(name))?;
        }
        self.others(dest, &names)
    }

    /// What is in the directory beside the copies gets the owner too, as in Ansible.
    fn others(&mut self, dest: &Path, copies: &[OsString]) -> Result<(), Failure> {
        let owner = self.owner.clone();
        if owner.is_empty() || self.lstat(dest)?.is_none_or(|info| info.kind != FileKind::Directory) {
            return Ok(());
        }
        for name in self.host.list(dest).map_err(failed("reading the directory failed", dest))? {
            if !copies.contains(&name) {
                let path = dest.join(name);
                self.scene.attributes(self.host, &path, &owner)?;
                self.others(&path, &[])?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, src: &Path, dest: &Path) -> Result<(), Failure> {
        let Some(mut info) = self.lstat(src)? else { return Ok(()) };
        if info.kind == FileKind::Symlink && self.args.local_follow == Some(true) {
            // A link that leads nowhere stays a link.
            info = self.host.stat(src).map_err(failed("stat failed", src))?.unwrap_or(info);
        }
        match info.kind {
            FileKind::Directory => self.directory(src, dest),
            FileKind::Symlink => self.link(src, dest),
            FileKind::File => self.file(src, dest, &info),
            // Devices, sockets and pipes are not copied.
            _ => Ok(()),
        }
    }

    fn link(&mut self, src: &Path, dest: &Path) -> Result<(), Failure> {
        let target = self.host.read_link(src).map_err(failed("reading the link failed", src))?;
        let kept = match self.lstat(dest)? {
            Some(info) if info.kind == FileKind::Symlink => self.host.read_link(dest).is_ok_and(|old| old == target),
            _ => false,
        };
        if kept {
            let owner = self.owner.clone();
            return self.scene.attributes(self.host, dest, &owner);
        }
        let step = Step::Link { target, path: dest.to_owned(), replaces_directory: false };
        self.scene.changes.push(Change::Step(step, Wanted::default()));
        if !self.owner.is_empty() {
            let step = Step::Attributes { path: dest.to_owned() };
            self.scene.changes.push(Change::Step(step, self.owner.clone()));
        }
        Ok(())
    }

    fn file(&mut self, src: &Path, dest: &Path, info: &FileInfo) -> Result<(), Failure> {
        let source = Source::File(src.to_owned());
        let there = self.lstat(dest)?;
        if there.is_some() && is_same(self.host, dest, &source, &source.sha1(self.host)?)? {
            let owner = self.owner.clone();
            return self.scene.attributes(self.host, dest, &owner);
        }
        let placing = Placing {
            source,
            dest: dest.to_owned(),
            how: Put {
                wanted: Wanted { mode: Some(Mode::Bits(info.mode)), ..self.owner.clone() },
                unsafe_writes: self.args.unsafe_writes,
                ..Put::default()
            },
            times: there.is_none().then_some((info.atime, info.mtime)),
        };
        if self.args.show_diff {
            self.scene.contents(self.host, &placing, &text(src))?;
        }
        self.scene.changes.push(Change::Place(Box::new(placing)));
        Ok(())
    }
}
