//! The `mount` module: file systems in fstab, mounted now, or both.

mod fstab;
mod mounts;
mod steps;

use super::expand;
use super::program;
use crate::module::{Diff, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use fstab::{Edit, Entry, trimmed};
use mounts::Mounted;
use std::path::{Path, PathBuf};
use steps::{Undo, make_folders, remount, remove_folder, run, write_fstab};

/// Mounts, unmounts, and keeps fstab.
pub struct Mount;

crate::arg_choices! {
    /// What should be there.
    pub enum State {
        Absent = "absent", AbsentFromFstab = "absent_from_fstab", Mounted = "mounted", Present = "present",
        Unmounted = "unmounted", Remounted = "remounted", Ephemeral = "ephemeral"
    }
}

crate::module_args! {
    /// Arguments of `mount`.
    pub struct Args {
        /// The mount point.
        [aliases("name")] path: String,
        /// What should be there: `mounted` (in fstab and mounted), `present` (in fstab), `unmounted` (fstab
        /// is left alone), `absent` (not in fstab, not mounted, mount point removed), `absent_from_fstab`,
        /// `remounted` (mounted again, always a change), `ephemeral` (mounted without fstab, always a change).
        state: State,
        /// What is mounted: a device, an export, a bucket.
        src: Option<String>,
        /// The type of the file system.
        fstype: Option<String>,
        /// Options, separated by commas; `defaults` when not given.
        opts: Option<String>,
        /// Keep the options out of results and differences.
        opts_no_log: bool = false,
        /// The fifth field of fstab.
        dump: String = "0",
        /// The sixth field of fstab.
        passno: String = "0",
        /// The file instead of /etc/fstab.
        fstab: Option<PathBuf>,
        /// Whether it is mounted when the host starts; `noauto` is added to the options otherwise.
        boot: bool = true,
        /// Keep a copy of the old fstab.
        backup: bool = false,
    }
}

/// What the host looks like.
pub struct Seen {
    /// The mount point, `~` and variables replaced.
    path: String,
    fstab: Option<String>,
    mounts: Vec<Mounted>,
    /// The topmost mount at the mount point.
    mounted: Option<Mounted>,
    /// What `src` leads to, where it names a device by another name.
    device: Option<String>,
    /// The folders to make for the mount point, outermost first.
    missing: Vec<PathBuf>,
    /// The folders to make for the fstab file.
    fstab_missing: Vec<PathBuf>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Writes this text as fstab.
    Fstab(String),
    /// Makes folders, outermost first.
    Folders(Vec<PathBuf>),
    /// Unmounts the mount point.
    Unmount,
    /// Runs this to mount.
    Mount(Vec<String>),
    /// Runs the first to mount again, or else unmounts and runs the second, when there is one.
    Remount(Vec<String>, Option<Vec<String>>),
    /// Removes the mount point, if it is there.
    RemoveFolder,
}

const HIDDEN: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

impl Module for Mount {
    type Args = Args;
    type State = Seen;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.posix.mount",
        aliases: &["mount"],
        summary: "Mounts file systems and keeps them in fstab.",
        notes: "Other lines of fstab, comments included, stay as they are. When mounting fails, fstab is put back.",
        rules: &[
            Rule::RequiredIf("state", "mounted", &["src", "fstype"]),
            Rule::RequiredIf("state", "present", &["src", "fstype"]),
            Rule::RequiredIf("state", "ephemeral", &["src", "fstype"]),
        ],
        returns: &[
            ReturnSpec { name: "name", doc: "The mount point." },
            ReturnSpec { name: "src", doc: "What is mounted, when given." },
            ReturnSpec { name: "fstype", doc: "The type, when given." },
            ReturnSpec { name: "opts", doc: "The options." },
            ReturnSpec { name: "dump", doc: "The fifth field." },
            ReturnSpec { name: "passno", doc: "The sixth field." },
            ReturnSpec { name: "boot", doc: "`yes` or `no`." },
            ReturnSpec { name: "fstab", doc: "The file." },
            ReturnSpec { name: "backup_file", doc: "The copy of the old file; empty without one." },
        ],
        examples: &[Example {
            title: "A bucket",
            yaml: "ansible.posix.mount:\n  src: my-bucket\n  path: /srv/bucket\n  fstype: fuse.s3fs\n  opts: _netdev,allow_other\n  state: mounted",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Seen, Failure> {
        let path = expand::expand(host, &args.path);
        let file = args.file();
        let there = host.stat(file).map_err(|error| program::file_failure("look at", file, &error))?;
        let fstab = match there {
            None => None,
            Some(_) => Some(read(host, file)?),
        };
        let mounts = match args.state {
            State::Present | State::AbsentFromFstab => Vec::new(),
            _ => mounts::parse(&read(host, Path::new("/proc/self/mountinfo"))?),
        };
        let real = host.canonicalize(Path::new(&path)).ok().map(|path| path.to_string_lossy().into_owned());
        let mounted = mounts::at(&mounts, real.as_deref().unwrap_or(&path)).cloned();
        let missing = match Path::new(&path).is_absolute() {
            true => missing(host, Path::new(&path))?,
            false => Vec::new(),
        };
        let fstab_missing = file.parent().map_or(Ok(Vec::new()), |folder| missing_of(host, folder))?;
        let device = args.src.as_deref().and_then(|src| device(host, src));
        Ok(Seen { path, fstab, mounts, mounted, device, missing, fstab_missing })
    }

    fn plan(&self, args: &Args, seen: &Seen) -> Result<Plan<Change>, Failure> {
        let wanted = wanted(args, &seen.path);
        if args.state == State::Mounted && !seen.path.starts_with('/') && wanted.fstype != "swap" {
            return Err(Failure::new(format!("the mount point is not an absolute path: {}", seen.path)));
        }
        let edit = edit(args, seen, &wanted);
        let mut plan = Plan::of(changes(args, seen, &wanted, edit.as_ref())?);
        if let Some(edit) = edit {
            let header = args.file().to_string_lossy().into_owned();
            let (before, after) = match args.opts_no_log {
                true => (String::new(), String::new()),
                false => (edit.old, edit.new),
            };
            plan.diff.push(Diff { before, after, before_header: header.clone(), after_header: header });
        }
        for (key, value) in [("src", &args.src), ("fstype", &args.fstype)] {
            if let Some(value) = value {
                plan = plan.with(key, value.as_str());
            }
        }
        let opts = if args.opts_no_log && args.opts.is_some() { HIDDEN } else { wanted.opts.as_str() };
        Ok(plan
            .with("name", args.path.as_str())
            .with("opts", opts)
            .with("dump", args.dump.as_str())
            .with("passno", args.passno.as_str())
            .with("boot", if args.boot { "yes" } else { "no" })
            .with("fstab", args.file().to_string_lossy().into_owned())
            .with("backup_file", ""))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let path = expand::expand(host, &args.path);
        let mut outcome = Outcome::new();
        let mut undo = Undo::default();
        for change in &plan.changes {
            let done = match change {
                Change::Fstab(text) => write_fstab(args, text, host, &mut undo)
                    .map(|copy| outcome.returns.extend(copy.map(|copy| ("backup_file".into(), copy.into())))),
                Change::Folders(folders) => make_folders(folders, host, &mut undo),
                Change::Unmount => run(args, host, "unmounting", &["umount".into(), path.clone()]),
                Change::Mount(argv) => run(args, host, "mounting", argv),
                Change::Remount(again, anew) => remount(args, host, &path, again, anew.as_deref()),
                Change::RemoveFolder => remove_folder(args, host, &path),
            };
            if let Err(mut failure) = done {
                // An entry that cannot be mounted would keep the host from starting.
                if let Err(further) = undo.run(args, host) {
                    failure.msg.push_str(&format!("; {}", further.msg));
                }
                return Err(failure);
            }
        }
        Ok(outcome)
    }
}

impl Args {
    fn file(&self) -> &Path {
        self.fstab.as_deref().unwrap_or(Path::new("/etc/fstab"))
    }
}

fn wanted(args: &Args, path: &str) -> Entry {
    let mut opts = args.opts.clone().filter(|opts| !opts.is_empty()).unwrap_or_else(|| "defaults".into());
    if !args.boot && args.state != State::Ephemeral && opts.split(',').all(|opt| opt != "noauto") {
        opts.push_str(",noauto");
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Entry {
        src: text(&args.src),
        path: trimmed(path).to_owned(),
        fstype: text(&args.fstype),
        opts,
        dump: args.dump.clone(),
        passno: args.passno.clone(),
    }
}

fn edit(args: &Args, seen: &Seen, wanted: &Entry) -> Option<Edit> {
    let text = seen.fstab.as_deref().unwrap_or_default();
    match args.state {
        State::Mounted | State::Present => fstab::set(text, wanted),
        State::Absent | State::AbsentFromFstab => fstab::unset(text, args.src.as_deref(), &seen.path),
        State::Unmounted | State::Remounted | State::Ephemeral => None,
    }
}

fn changes(args: &Args, seen: &Seen, wanted: &Entry, edit: Option<&Edit>) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    if let Some(edit) = edit {
        if seen.fstab.is_none() && !seen.fstab_missing.is_empty() {
            changes.push(Change::Folders(seen.fstab_missing.clone()));
        }
        changes.push(Change::Fstab(edit.text.clone()));
    }
    let folders = || (!seen.missing.is_empty()).then(|| Change::Folders(seen.missing.clone()));
    let by_fstab = |extra: &[&str]| {
        let mut argv = vec!["mount".to_owned()];
        argv.extend(args.fstab.iter().flat_map(|file| ["-T".to_owned(), file.to_string_lossy().into_owned()]));
        argv.extend(extra.iter().map(|word| (*word).to_owned()));
        argv.push(seen.path.clone());
        argv
    };
    match (args.state, &seen.mounted) {
        (State::Present | State::AbsentFromFstab, _) | (State::Unmounted, None) => {}
        (State::Unmounted, Some(_)) => changes.push(Change::Unmount),
        (State::Absent, mounted) => {
            if mounted.is_some() {
                changes.push(Change::Unmount);
            }
            if !changes.is_empty() && seen.path.starts_with('/') {
                changes.push(Change::RemoveFolder);
            }
        }
        (State::Mounted, _) if wanted.fstype == "swap" => {}
        (State::Mounted, None) => {
            changes.extend(folders());
            changes.push(Change::Mount(by_fstab(&[])));
        }
        (State::Mounted, Some(_)) => match edit.map(|edit| edit.replaced.as_ref()) {
            None => {}
            // Something else is to be mounted there: options alone would not change it.
            Some(Some(old)) if old.src != wanted.src || old.fstype != wanted.fstype => {
                changes.extend([Change::Unmount, Change::Mount(by_fstab(&[]))]);
            }
            Some(_) => changes.push(Change::Remount(by_fstab(&["-o", "remount"]), Some(by_fstab(&[])))),
        },
        (State::Remounted, None) => {
            return Err(Failure::new(format!("Error remounting {}: nothing is mounted there", args.path)));
        }
        (State::Remounted, Some(_)) => {
            // Options that could not be applied must not end in a mount without them.
            let given = args.opts.as_deref().filter(|opts| !matches!(*opts, "" | "defaults"));
            let options = given.map_or("remount".to_owned(), |opts| format!("remount,{opts}"));
            let anew = given.is_none().then(|| by_fstab(&[]));
            changes.push(Change::Remount(by_fstab(&["-o", &options]), anew));
        }
        (State::Ephemeral, None) => {
            changes.extend(folders());
            changes.push(Change::Mount(ephemeral(wanted, &wanted.opts)));
        }
        (State::Ephemeral, Some(mounted)) => {
            if !is_from(mounted, wanted, seen) {
                return Err(Failure::new(format!(
                    "Ephemeral mount point is already mounted with a different source than the specified one: \
                     {} is mounted on {}. Failing in order to prevent an unwanted unmount or override operation. \
                     Try replacing this command with a \"state: unmounted\" followed by a \"state: ephemeral\", \
                     or use a different destination path.",
                    mounted.source, args.path
                )));
            }
            let again = ephemeral(wanted, &format!("remount,{}", wanted.opts));
            changes.push(Change::Remount(again, Some(ephemeral(wanted, &wanted.opts))));
        }
    }
    Ok(changes)
}

fn ephemeral(wanted: &Entry, opts: &str) -> Vec<String> {
    ["mount", "-t", &wanted.fstype, "-o", opts, &wanted.src, &wanted.path].map(str::to_owned).to_vec()
}

/// Whether a mount is of the wanted source; of a bind mount the kernel shows the folder, not the source.
fn is_from(mounted: &Mounted, wanted: &Entry, seen: &Seen) -> bool {
    let is_bind = wanted.opts.split(',').any(|opt| matches!(opt, "bind" | "rbind")) || wanted.fstype == "none";
    let source = seen.device.as_deref().unwrap_or(&wanted.src);
    match is_bind {
        // The folder is shown as its file system sees it, below whatever mount holds the source.
        true => {
            let below = |mount: &Mounted| {
                let rest = Path::new(source).strip_prefix(&mount.path).ok()?;
                let folder = Path::new(&mount.root).join(rest);
                Some((mount.path.len(), folder == Path::new(&mounted.root) && mount.source == mounted.source))
            };
            seen.mounts.iter().filter_map(below).max_by_key(|(length, _)| *length).is_some_and(|(_, same)| same)
        }
        false => mounted.source == wanted.src || mounted.source == source,
    }
}

/// The device or folder behind a name such as `UUID=…`, `LABEL=…` or a link.
fn device(host: &dyn Host, src: &str) -> Option<String> {
    let by = |folder: &str, name: &str| format!("/dev/disk/by-{folder}/{}", name.trim_matches('"'));
    let path = match src.split_once('=') {
        Some(("UUID", name)) => by("uuid", name),
        Some(("LABEL", name)) => by("label", name),
        Some(("PARTUUID", name)) => by("partuuid", name),
        Some(("PARTLABEL", name)) => by("partlabel", name),
        _ => Some(src.to_owned()).filter(|src| src.starts_with('/'))?,
    };
    host.canonicalize(Path::new(&path)).ok().map(|path| path.to_string_lossy().into_owned())
}

fn read(host: &dyn Host, path: &Path) -> Result<String, Failure> {
    let bytes = host.read(path).map_err(|error| program::file_failure("read", path, &error))?;
    // Written back whole: a text that would come out different must not be touched.
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("{} is not UTF-8 text", path.display())))
}

fn missing_of(host: &dyn Host, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if folder.is_absolute() { missing(host, folder) } else { Ok(Vec::new()) }
}

fn missing(host: &dyn Host, path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut missing = Vec::new();
    for folder in path.ancestors() {
        // lstat: what hangs (a dead mount) or leads nowhere is there all the same.
        match host.lstat(folder) {
            Ok(None) => missing.push(folder.to_owned()),
            Ok(Some(_)) => break,
            // The mount point of a file system whose server is gone.
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => break,
            Err(error) => return Err(program::file_failure("look at", folder, &error)),
        }
    }
    missing.reverse();
    Ok(missing)
}

#[cfg(test)]
mod tests;
