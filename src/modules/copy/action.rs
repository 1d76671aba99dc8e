//! The controller's half of `copy`: finds the content, offers it, and asks the host to place it.

use super::local_tree::LocalTree;
use super::python_json::dumps;
use crate::module::{
    Action, ArgSpec, BlobRef, Example, Failure, Mode, ModuleArgs, ModuleSpec, ReturnSpec, Rule, RunsOn, TaskDoor,
    parse_args,
};
use crate::modules::file::attributes::file_args;
use crate::modules::file::mode::octal;
use crate::value::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

file_args! {
    /// Arguments of `copy`.
    pub struct Args {
        /// A file or directory of the controller, looked for in files/ of the role and of the play. A
        /// directory goes with its name, or, with a slash at its end, without.
        src: Option<String>,
        /// The content itself, in place of src. A map or list becomes JSON.
        [secret] content: Option<Value>,
        /// The path on the host. With a slash at its end, or when it is a directory, src's name is added.
        dest: PathBuf,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
        /// Replace content that differs; without, only what is not there is copied.
        force: bool = true,
        /// When dest is a link, write to what it leads to and keep the link.
        follow: bool = false,
        /// Follow links in the source; by default yes, and no with remote_src.
        local_follow: Option<bool>,
        /// The permissions of directories that are made; else the system's default.
        directory_mode: Option<Mode>,
        /// Whether src is on the host.
        remote_src: bool = false,
        /// A command that must accept the new content before it is put in place; %s is its path.
        validate: Option<String>,
        /// The SHA-1 checksum that the content must have.
        checksum: Option<String>,
        /// Decrypt a source that is a vault file.
        decrypt: bool = true,
    }
}

pub(super) const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.copy",
    aliases: &["copy", "ansible.legacy.copy"],
    summary: "Copies files, directories or given content to the host.",
    notes: "A directory is one request: what the host has already is not sent.",
    returns: &[
        ReturnSpec { name: "dest", doc: "The path on the host." },
        ReturnSpec { name: "src", doc: "Where the content came from." },
        ReturnSpec { name: "checksum", doc: "SHA-1 of the content." },
        ReturnSpec { name: "md5sum", doc: "MD5 of the content, when it was written." },
        ReturnSpec { name: "backup_file", doc: "Where the old content is kept." },
        ReturnSpec {
            name: "mode",
            doc: "The permissions, such as '0644'; with uid, gid, owner, group, size and state.",
        },
    ],
    examples: &[
        Example {
            title: "A file of the role",
            yaml: "ansible.builtin.copy:\n  src: limits.conf\n  dest: /etc/security/limits.d/\n  mode: '0644'\n",
        },
        Example {
            title: "Given content",
            yaml: "ansible.builtin.copy:\n  content: \"{{ secret }}\\n\"\n  dest: /etc/app/key\n  owner: app\n  mode: '0600'\n",
        },
    ],
    diff_as_list: true,
    ..ModuleSpec::EMPTY
};

const RULES: &[Rule] = &[Rule::RequiredOneOf(&["src", "content"]), Rule::MutuallyExclusive(&["src", "content"])];

/// The action.
pub struct CopyAction;

impl Action for CopyAction {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec { runs_on: RunsOn::Controller, rules: RULES, ..SPEC }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(RULES, given)?;
        let mut to_host = host_args(given, &["content", "src", "decrypt"]);
        to_host.insert("show_diff".into(), task.flags().diff.into());
        match (&args.content, &args.src) {
            (Some(content), _) => {
                if args.dest.as_os_str().as_encoded_bytes().ends_with(b"/") {
                    return Err(Failure::new("can not use content with a dir as dest"));
                }
                if args.mode == Some(Mode::Preserve) {
                    return Err(Failure::new("mode 'preserve' needs a source file"));
                }
                let blob = task.offer(content_bytes(content))?;
                to_host.insert("content_blob".into(), blob.to_value());
                to_host.insert("after_header".into(), "dynamically generated".into());
            }
            (None, Some(src)) if args.remote_src => {
                to_host.insert("src".into(), src.as_str().into());
            }
            (None, Some(src)) => local(&args, src, task, &mut to_host)?,
            (None, None) => return Err(Failure::new("src (or content) is required")),
        }
        task.remote(SPEC.name, &to_host, task.flags()).map(|run| run.result)
    }
}

/// The arguments that go to the host as they are: all but those named.
pub fn host_args(given: &Map, without: &[&str]) -> Map {
    let kept =
        given.iter().filter(|(key, value)| !without.contains(&key.as_str().unwrap_or_default()) && !value.is_null());
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn content_bytes(content: &Value) -> Vec<u8> {
    match content {
        Value::Map(_) | Value::List(_) => dumps(content).into_bytes(),
        Value::Null => Vec::new(),
        other => other.to_string().into_bytes(),
    }
}

fn local(args: &Args, src: &str, task: &dyn TaskDoor, to_host: &mut Map) -> Result<(), Failure> {
    let path = task.find_file("files", src)?;
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let blob = offer(&path, args.decrypt, task)?;
        if args.mode == Some(Mode::Preserve) {
            to_host.insert("mode".into(), mode_of(&path)?.into());
        }
        to_host.insert("content_blob".into(), blob.to_value());
        to_host.insert("original_basename".into(), name.into());
        to_host.insert("src".into(), path.to_string_lossy().as_ref().into());
        return Ok(());
    }
    let trailing_slash = src.ends_with('/');
    let tree = LocalTree::read(&path, trailing_slash, args.local_follow.unwrap_or(true))?;
    let mut files = Vec::with_capacity(tree.files.len());
    for (path, relative) in &tree.files {
        let mut file = Map::from([
            ("path".into(), Value::str(relative)),
            ("src".into(), Value::str(path.to_string_lossy())),
            ("blob".into(), offer(path, args.decrypt, task)?.to_value()),
        ]);
        if args.mode == Some(Mode::Preserve) {
            file.insert("mode".into(), mode_of(path)?.into());
        }
        files.push(Value::map(file));
    }
    if args.mode == Some(Mode::Preserve) {
        to_host.shift_remove("mode");
    }
    let links =
        tree.links.iter().map(|(path, target)| Value::from([("path", path.as_str()), ("target", target.as_str())]));
    to_host.insert("files".into(), Value::list(files));
    to_host.insert("directories".into(), tree.directories.into());
    to_host.insert("links".into(), Value::list(links.collect()));
    let shown = path.to_string_lossy();
    let shown = shown.trim_end_matches('/');
    to_host.insert("src".into(), format!("{shown}{}", if trailing_slash { "/" } else { "" }).into());
    Ok(())
}

/// Offers a file of the controller; a vault file is decrypted first.
pub fn offer(path: &Path, decrypt: bool, task: &dyn TaskDoor) -> Result<BlobRef, Failure> {
    if decrypt && is_vault(path) {
        return task.offer(task.read_file(path)?);
    }
    task.offer_file(path)
}

fn is_vault(path: &Path) -> bool {
    let mut start = [0; 14];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && &start == b"$ANSIBLE_VAULT"
}

/// The permissions of a file of the controller, such as `0644`.
pub fn mode_of(path: &Path) -> Result<String, Failure> {
    let info = std::fs::metadata(path);
    let info = info.map_err(|error| Failure::new(format!("reading the mode of {} failed: {error}", path.display())))?;
    Ok(octal(info.permissions().mode() & 0o7777))
}
