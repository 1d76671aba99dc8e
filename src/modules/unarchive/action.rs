//! The controller's half of `unarchive`: finds the archive and offers it.

use crate::module::{
    Action, ArgSpec, Example, Failure, ModuleArgs, ModuleSpec, ReturnSpec, Rule, RunsOn, TaskDoor, parse_args,
};
use crate::modules::copy::{host_args, offer};
use crate::modules::file::attributes::file_args;
use crate::value::Map;
use std::path::PathBuf;

file_args! {
    /// Arguments of `unarchive`.
    pub struct Args {
        /// The archive: tar (plain, gzip, bzip2, xz, zstd) or zip. On the controller, looked for in
        /// files/ of the role and of the play; with remote_src on the host, or an address.
        src: String,
        /// The directory on the host that it is unpacked in; it must be there.
        dest: PathBuf,
        /// Whether src is on the host or an address.
        remote_src: Option<bool>,
        /// The opposite of remote_src; older tasks have it.
        copy: Option<bool>,
        /// Nothing is done when this path is there.
        creates: Option<PathBuf>,
        /// Tell the names in the archive.
        list_files: bool = false,
        /// Leave files alone that are newer than the archive's.
        keep_newer: bool = false,
        /// Names to leave out.
        exclude: Vec<String> = Vec::<String>::new(),
        /// Names to take; else all.
        include: Vec<String> = Vec::<String>::new(),
        /// Further options of tar or unzip, one per item.
        extra_opts: Vec<String> = Vec::<String>::new(),
        /// Check the certificate of an https address.
        validate_certs: bool = true,
        /// Bytes that are read at once; it makes no difference here.
        io_buffer_size: u64 = 65536u64,
        /// Decrypt an archive that is a vault file.
        decrypt: bool = true,
    }
}

pub(super) const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.unarchive",
    aliases: &["unarchive", "ansible.legacy.unarchive"],
    summary: "Unpacks an archive of the controller or the host.",
    notes: "The host needs GNU tar with the compression's program, or unzip.",
    returns: &[
        ReturnSpec { name: "dest", doc: "The directory." },
        ReturnSpec { name: "src", doc: "The archive." },
        ReturnSpec { name: "handler", doc: "Ansible's name of the archive's kind, such as TgzArchive." },
        ReturnSpec { name: "extract_results", doc: "What the program that unpacked it printed, when it ran." },
        ReturnSpec { name: "files", doc: "The names in the archive, with list_files." },
    ],
    examples: &[Example {
        title: "A release",
        yaml: "ansible.builtin.unarchive:\n  src: app-1.2.tar.gz\n  dest: /opt\n  owner: app\n  creates: /opt/app-1.2\n",
    }],
    ..ModuleSpec::EMPTY
};

const RULES: &[Rule] =
    &[Rule::MutuallyExclusive(&["include", "exclude"]), Rule::MutuallyExclusive(&["copy", "remote_src"])];

/// The action.
pub struct UnarchiveAction;

impl Action for UnarchiveAction {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec { runs_on: RunsOn::Controller, rules: RULES, ..SPEC }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(RULES, given)?;
        let remote = args.remote_src.or(args.copy.map(|copy| !copy)).unwrap_or(false);
        let mut to_host = host_args(given, &["copy", "decrypt", "remote_src"]);
        to_host.insert("remote_src".into(), remote.into());
        if !remote {
            if args.src.contains("://") {
                let msg = "Unsupported option, an URI src is only supported when remote_src is True";
                return Err(Failure::new(msg));
            }
            let path = task.find_file("files", &args.src)?;
            to_host.insert("content_blob".into(), offer(&path, args.decrypt, task)?.to_value());
        }
        task.remote(SPEC.name, &to_host, task.flags()).map(|run| run.result)
    }
}
