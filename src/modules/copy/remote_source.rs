//! `remote_src`: from one path of the host to another.

use super::HostArgs;
use super::change::{Change, Placing, Scene, Source};
use super::remote_tree;
use super::single::{directory_wanted, is_same};
use crate::module::{Failure, FileKind, Host, Mode};
use crate::modules::file::checksum::{Algorithm, of_file};
use crate::modules::file::content::Put;
use crate::modules::file::errno::failed;
use crate::modules::file::info::entries;
use crate::modules::file::paths::{exists, expand, has_trailing_slash, is_dir, is_link, real, text};
use crate::modules::file::step::Step;
use std::path::{Path, PathBuf};

pub(super) fn observe(args: &HostArgs, host: &dyn Host) -> Result<Scene, Failure> {
    let src = args.src.as_ref().ok_or_else(|| Failure::new("src (or content) is required"))?;
    let src = expand(host, Path::new(src));
    let info = host.stat(&src).map_err(failed("stat failed", &src))?;
    let info = info.ok_or_else(|| Failure::new(format!("Source {} not found", src.display())))?;
    if !host.access(&src, 4) {
        return Err(Failure::new(format!("Source {} not readable", src.display())));
    }
    let mut wanted = args.wanted();
    if wanted.mode == Some(Mode::Preserve) {
        wanted.mode = Some(Mode::Bits(info.mode));
    }
    let mut scene = Scene::default();
    let dest = expand(host, &args.dest);
    if info.kind == FileKind::Directory {
        return remote_tree::observe(args, host, scene, &src, &dest, &wanted);
    }
    if info.kind != FileKind::File {
        return Err(Failure::new(format!("Cannot copy invalid source '{}': not a file", src.display())));
    }
    let mut dest = destination(args, host, &mut scene, &src, dest)?;
    let there = exists(host, &dest)?;
    let mut link = is_link(host, &dest)?;
    if there && link && args.follow {
        dest = real(host, &dest);
        link = false;
    }
    scene = scene.with("dest", text(&dest)).with("src", text(&src));
    if there && !args.force {
        return Ok(scene.with("msg", "file already exists"));
    }
    let source = Source::File(src.clone());
    let sha1 = source.sha1(host)?;
    if let Some(expected) = args.checksum.as_ref().filter(|expected| **expected != sha1) {
        return Err(Failure::new("Copied file does not match the expected checksum. Transfer failed.")
            .with("checksum", sha1)
            .with("expected_checksum", expected.as_str()));
    }
    if !link && is_same(host, &dest, &source, &sha1)? {
        scene.returns.insert("md5sum".into(), of_file(host, &src, Algorithm::Md5)?.into());
        scene.attributes(host, &dest, &wanted)?;
    } else {
        // The copy is a file of its own: of the source it has the times, and its mode where it
        // replaces another file.
        let bits = if there && !link { info.mode } else { 0o666 & !host.umask() };
        let placing = Placing {
            source,
            dest: dest.clone(),
            how: Put {
                wanted,
                backup: args.backup,
                validate: args.validate.clone(),
                unsafe_writes: args.unsafe_writes,
                fresh: Some(bits),
            },
            times: Some((info.atime, info.mtime)),
        };
        if args.show_diff {
            scene.contents(host, &placing, &text(&src))?;
        }
        scene.changes.push(Change::Place(Box::new(placing)));
    }
    scene.returns.insert("checksum".into(), sha1.into());
    scene.returns.extend(entries(host, &dest)?);
    Ok(scene)
}

fn destination(
    args: &HostArgs,
    host: &dyn Host,
    scene: &mut Scene,
    src: &Path,
    mut dest: PathBuf,
) -> Result<PathBuf, Failure> {
    if has_trailing_slash(&dest) && !exists(host, &dest)? {
        let path = dest.clone();
        scene.changes.push(Change::Step(Step::MakeDirs { path }, directory_wanted(args)));
        dest.push(src.file_name().unwrap_or_default());
    } else if is_dir(host, &dest)? {
        dest.push(src.file_name().unwrap_or_default());
    }
    Ok(dest)
}
