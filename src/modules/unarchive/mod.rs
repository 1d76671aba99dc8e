//! `unarchive`: what is in an archive, into a directory of the host.

mod action;
mod archive;
mod tar;
mod zip;

pub use action::UnarchiveAction;

use super::file::attributes::{Wanted, file_args};
use super::file::errno::failed;
use super::file::info::entries;
use super::file::paths::{exists, expand, is_dir, text};
use crate::module::{BlobRef, Failure, Host, HttpRequest, Module, ModuleSpec, Outcome, Plan, WriteOptions};
use crate::value::{Map, Value};
use archive::{Archive, Kind};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

file_args! {
    /// What the action asks of the host.
    pub struct HostArgs {
        /// The archive on the host, or its address, when it does not come from the controller.
        src: PathBuf,
        /// The archive from the controller.
        content_blob: Option<BlobRef>,
        /// The directory that it is unpacked in.
        dest: PathBuf,
        /// Whether src is on the host.
        remote_src: bool = false,
        /// Not when this is there.
        creates: Option<PathBuf>,
        /// Tell the names in the archive.
        list_files: bool = false,
        /// Leave files alone that are newer than the archive's.
        keep_newer: bool = false,
        /// Names to leave out.
        exclude: Vec<String> = Vec::<String>::new(),
        /// Names to take; else all.
        include: Vec<String> = Vec::<String>::new(),
        /// Further options of tar or unzip.
        extra_opts: Vec<String> = Vec::<String>::new(),
        /// Check the certificate of an https address.
        validate_certs: bool = true,
        /// Bytes that are read at once; it makes no difference here.
        io_buffer_size: u64 = 65536u64,
    }
}

/// The host's half of `unarchive`.
pub struct Unarchive;

/// What was found.
pub struct Scene {
    /// Why nothing is done.
    skipped: Option<String>,
    kind: Option<Kind>,
    /// The archive on the host.
    source: PathBuf,
    dest: PathBuf,
    /// Whether something must be unpacked.
    unpack: bool,
    /// Paths whose attributes differ, when nothing must be unpacked.
    attributes: bool,
    files: Vec<String>,
    src: String,
    /// What the directory is.
    info: Map,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// Unpack.
    Unpack {
        /// The archive's kind.
        kind: Kind,
        /// The archive.
        source: PathBuf,
        /// The directory.
        dest: PathBuf,
        /// What is in it.
        files: Vec<String>,
    },
    /// Set the attributes of what was unpacked.
    Attributes {
        /// The directory.
        dest: PathBuf,
        /// What is in it.
        files: Vec<String>,
    },
}

impl Module for Unarchive {
    type Args = HostArgs;
    type State = Scene;
    type Change = Change;
    const SPEC: ModuleSpec = action::SPEC;

    fn observe(&self, args: &HostArgs, host: &dyn Host) -> Result<Scene, Failure> {
        let dest = expand(host, &args.dest);
        let nothing = |reason: String| Scene {
            skipped: Some(reason),
            kind: None,
            source: PathBuf::new(),
            dest: dest.clone(),
            unpack: false,
            attributes: false,
            files: Vec::new(),
            src: String::new(),
            info: Map::new(),
        };
        if let Some(creates) = &args.creates {
            let creates = expand(host, creates);
            if exists(host, &creates)? {
                return Ok(nothing(format!("skipped, since {} exists", creates.display())));
            }
        }
        if !is_dir(host, &dest)? {
            return Err(Failure::new(format!("dest '{}' must be an existing dir", dest.display())));
        }
        let source = source(args, host)?;
        let info = host.stat(&source).map_err(failed("stat failed", &source))?;
        match info {
            None => return Err(Failure::new(format!("Source '{}' does not exist", source.display()))),
            Some(info) if info.size == 0 => {
                return Err(Failure::new(format!("Invalid archive '{}', the file is 0 bytes", source.display())));
            }
            Some(_) if !host.access(&source, 4) => {
                return Err(Failure::new(format!("Source '{}' not readable", source.display())));
            }
            Some(_) => {}
        }
        let kind = Kind::of(host, &source)?;
        let archive = Archive { host, args, kind, source: &source, dest: &dest };
        let files = archive.files()?;
        let unpack = !archive.is_unpacked()?;
        let wanted = args.wanted();
        let mut attributes = false;
        if !unpack {
            for path in paths(&dest, &files) {
                attributes |= !wanted.differences(host, &path)?.is_empty();
            }
        }
        let src = if args.remote_src { text(&args.src) } else { text(&source) };
        let info = entries(host, &dest)?;
        Ok(Scene { skipped: None, kind: Some(kind), source, dest, unpack, attributes, files, src, info })
    }

    fn plan(&self, args: &HostArgs, scene: &Scene) -> Result<Plan<Change>, Failure> {
        if let Some(reason) = &scene.skipped {
            return Ok(Plan::nothing().with("skipped", true).with("msg", reason.as_str()));
        }
        let Some(kind) = scene.kind else { return Ok(Plan::nothing()) };
        let mut changes = Vec::new();
        let (dest, files) = (scene.dest.clone(), scene.files.clone());
        if scene.unpack {
            changes.push(Change::Unpack { kind, source: scene.source.clone(), dest, files });
        } else if scene.attributes {
            changes.push(Change::Attributes { dest, files });
        }
        let mut plan = Plan::of(changes)
            .with("handler", kind.handler())
            .with("dest", text(&args.dest))
            .with("src", scene.src.as_str());
        plan.returns.extend(scene.info.clone());
        if args.list_files {
            plan = plan.with("files", scene.files.clone());
        }
        Ok(plan)
    }

    fn apply(&self, args: &HostArgs, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new();
        let wanted = args.wanted();
        for change in &plan.changes {
            let (dest, files) = match change {
                Change::Attributes { dest, files } => (dest, files),
                Change::Unpack { kind, source, dest, files } => {
                    let archive = Archive { host, args, kind: *kind, source, dest };
                    outcome = outcome.with("extract_results", archive.unpack()?);
                    (dest, files)
                }
            };
            set(host, dest, files, &wanted)?;
            outcome.returns.extend(entries(host, dest)?);
        }
        Ok(outcome)
    }
}

/// The paths of an archive's files, and the directories at its top.
fn paths(dest: &Path, files: &[String]) -> BTreeSet<PathBuf> {
    let tops = files.iter().filter_map(|file| file.split_once('/')).map(|(top, _)| dest.join(top));
    let all = files.iter().map(|file| dest.join(file.trim_end_matches('/')));
    tops.chain(all).collect()
}

fn set(host: &dyn Host, dest: &Path, files: &[String], wanted: &Wanted) -> Result<(), Failure> {
    for path in paths(dest, files) {
        if host.lstat(&path).map_err(failed("stat failed", &path))?.is_some() {
            wanted.ensure(host, &path)?;
        }
    }
    Ok(())
}

/// The archive as a file of the host: fetched first when it is the controller's or has an address.
fn source(args: &HostArgs, host: &dyn Host) -> Result<PathBuf, Failure> {
    let address = text(&args.src);
    let options = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
    let temporary = || {
        let dir = host.temp_dir();
        dir.map_err(|error| Failure::new(format!("no temporary directory: {error}")))
    };
    if let Some(blob) = &args.content_blob {
        let path = temporary()?.join("source");
        let mut content = host.blob(blob).map_err(failed("Source failed to transfer", &path))?;
        host.write(&path, &mut content, &options).map_err(failed("Source failed to transfer", &path))?;
        return Ok(path);
    }
    if !address.contains("://") {
        return Ok(expand(host, &args.src));
    }
    let path = temporary()?.join("source");
    let request = HttpRequest {
        method: "GET".into(),
        url: address.clone(),
        timeout: Some(Duration::from_secs(600)),
        max_redirects: 10,
        validate_certs: args.validate_certs,
        use_proxy: true,
        ..HttpRequest::default()
    };
    let response =
        host.http(&request).map_err(|error| Failure::new(format!("Failure downloading {address}, {error}")))?;
    if response.status >= 400 {
        let why = format!("HTTP Error {}: {}", response.status, response.reason);
        return Err(Failure::new(format!("Failure downloading {address}, {why}")));
    }
    let mut body = response.body;
    host.write(&path, &mut body, &options).map_err(failed("Failure downloading", &path))?;
    Ok(path)
}

/// A program's result as `extract_results` shows it.
fn extract_results(words: &[String], output: &crate::module::Output) -> Value {
    Value::from(Map::from([
        ("cmd".into(), Value::from(words.to_vec())),
        ("rc".into(), output.rc.into()),
        ("out".into(), output.stdout_text().into()),
        ("err".into(), output.stderr_text().into()),
    ]))
}

#[cfg(test)]
mod tests;
