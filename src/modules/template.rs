//! `template`: renders a template on the controller and puts the result in place on the host.

use super::clock::Moment;
use super::copy::{host_args, mode_of};
use super::file::attributes::file_args;
use crate::module::{
    Action, ArgSpec, Example, Failure, Mode, ModuleArgs, ModuleSpec, ReturnSpec, RunsOn, TaskDoor, parse_args,
};
use crate::template::{FileOptions, Overlay, Scope, Syntax};
use crate::value::{Map, Value};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

file_args! {
    /// Arguments of `template`.
    pub struct Args {
        /// The template on the controller, looked for in templates/ of the role and of the play.
        src: String,
        /// The path on the host. With a slash at its end, or when it is a directory, src's name is added.
        dest: PathBuf,
        /// Keep the old content beside it, under a name with the time.
        backup: bool = false,
        /// Replace content that differs; without, the file is only made when it is not there.
        force: bool = true,
        /// When dest is a link, write to what it leads to and keep the link.
        follow: bool = false,
        /// A command that must accept the new content before it is put in place; %s is its path.
        validate: Option<String>,
        /// What ends the lines of the result: \n, \r\n or \r.
        newline_sequence: String = "\n",
        /// What a block starts with.
        block_start_string: String = "{%",
        /// What a block ends with.
        block_end_string: String = "%}",
        /// What an expression starts with.
        variable_start_string: String = "{{",
        /// What an expression ends with.
        variable_end_string: String = "}}",
        /// What a comment starts with.
        comment_start_string: Option<String>,
        /// What a comment ends with.
        comment_end_string: Option<String>,
        /// Whether the newline after a block is dropped.
        trim_blocks: bool = true,
        /// Whether blanks before a block are dropped.
        lstrip_blocks: bool = false,
        /// How the result's characters are written: utf-8, ascii, latin-1 or utf-16.
        output_encoding: String = "utf-8",
    }
}

const OWN: [&str; 11] = [
    "src",
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "output_encoding",
];

/// The action.
pub struct Template;

impl Action for Template {
    fn spec(&self) -> ModuleSpec {
        ModuleSpec {
            name: "ansible.builtin.template",
            aliases: &["template", "ansible.legacy.template"],
            summary: "Renders a template and puts the result in place on the host.",
            notes: "Beside the task's variables a template has ansible_managed, template_host, template_uid, \
                    template_path, template_fullpath, template_destpath, template_mtime and template_run_date.",
            runs_on: RunsOn::Controller,
            returns: &[
                ReturnSpec { name: "dest", doc: "The path on the host." },
                ReturnSpec { name: "src", doc: "The template." },
                ReturnSpec { name: "checksum", doc: "SHA-1 of the result." },
                ReturnSpec { name: "md5sum", doc: "MD5 of the result, when it was written." },
                ReturnSpec { name: "backup_file", doc: "Where the old content is kept." },
                ReturnSpec {
                    name: "mode",
                    doc: "The permissions, such as '0644'; with uid, gid, owner, group, size and state.",
                },
            ],
            examples: &[Example {
                title: "A configuration file that is checked before it counts",
                yaml: "ansible.builtin.template:\n  src: sudoers.j2\n  dest: /etc/sudoers.d/app\n  mode: '0440'\n  validate: visudo -cf %s\n",
            }],
            ..ModuleSpec::EMPTY
        }
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(&[], given)?;
        let source = task.find_file("templates", &args.src)?;
        let text = String::from_utf8(task.read_file(&source)?)
            .map_err(|_| Failure::new(format!("{} is not written in UTF-8", source.display())))?;
        let scope: Arc<dyn Scope> =
            Arc::new(Overlay { over: variables(&args, &source, task)?, under: task.scope().clone() });
        let search = source.parent().map(Path::to_owned).into_iter().collect();
        let options = FileOptions { syntax: syntax(&args), search };
        let name = source.to_string_lossy();
        let rendered = task.engine().render_file(&name, &text, &options, &scope);
        let rendered = rendered.map_err(|error| Failure::new(error.to_string()))?;
        let blob = task.offer(encode(&rendered, &args.output_encoding)?)?;
        let mut to_host = host_args(given, &OWN);
        if args.mode == Some(Mode::Preserve) {
            to_host.insert("mode".into(), mode_of(&source)?.into());
        }
        let base = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        to_host.insert("content_blob".into(), blob.to_value());
        to_host.insert("original_basename".into(), base.into());
        to_host.insert("src".into(), name.as_ref().into());
        to_host.insert("show_diff".into(), task.flags().diff.into());
        task.remote("ansible.builtin.copy", &to_host, task.flags()).map(|run| run.result)
    }
}

fn syntax(args: &Args) -> Syntax {
    let usual = Syntax::default();
    let newline = match args.newline_sequence.as_str() {
        "\\n" => "\n",
        "\\r" => "\r",
        "\\r\\n" => "\r\n",
        other => other,
    };
    Syntax {
        block_start: args.block_start_string.clone(),
        block_end: args.block_end_string.clone(),
        variable_start: args.variable_start_string.clone(),
        variable_end: args.variable_end_string.clone(),
        comment_start: args.comment_start_string.clone().unwrap_or(usual.comment_start),
        comment_end: args.comment_end_string.clone().unwrap_or(usual.comment_end),
        trim_blocks: args.trim_blocks,
        lstrip_blocks: args.lstrip_blocks,
        newline_sequence: newline.to_owned(),
        ..Syntax::default()
    }
}

/// The variables that a template has beside the task's.
fn variables(args: &Args, source: &Path, task: &dyn TaskDoor) -> Result<Map, Failure> {
    let info = std::fs::metadata(source);
    let info = info.map_err(|error| Failure::new(format!("could not read {}: {error}", source.display())))?;
    let stamp = |time: SystemTime| {
        let text = Moment::local(time).stamp();
        // Python leaves out microseconds that are none.
        text.strip_suffix(".000000").map(str::to_owned).unwrap_or(text)
    };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut vars = Map::from([
        ("template_host".into(), Value::str(host.trim())),
        ("template_path".into(), args.src.as_str().into()),
        ("template_fullpath".into(), source.to_string_lossy().as_ref().into()),
        ("template_destpath".into(), args.dest.to_string_lossy().as_ref().into()),
        ("template_uid".into(), owner(info.uid())),
        ("template_mtime".into(), info.modified().map(stamp).unwrap_or_default().into()),
        ("template_run_date".into(), stamp(SystemTime::now()).into()),
    ]);
    if task.scope().get("ansible_managed").is_none() {
        vars.insert("ansible_managed".into(), "Ansible managed".into());
    }
    Ok(vars)
}

/// The name of a user of the controller, or the id when there is none.
fn owner(uid: u32) -> Value {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then_some(name)
    });
    name.map_or(Value::from(uid), Value::str)
}

/// The result's bytes.
fn encode(text: &str, encoding: &str) -> Result<Vec<u8>, Failure> {
    let lacks = || Failure::new(format!("the result has characters that {encoding} lacks"));
    match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "" => Ok(text.as_bytes().to_vec()),
        "ascii" | "us-ascii" => text.is_ascii().then(|| text.as_bytes().to_vec()).ok_or_else(lacks),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => {
            text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| lacks())).collect()
        }
        // As Python does: with a mark of the byte order, in this machine's.
        "utf-16" | "utf16" => {
            Ok(std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_ne_bytes).collect())
        }
        _ => {
            let msg =
                format!("output_encoding {encoding} is not supported: utf-8, ascii, latin-1 or utf-16 is expected");
            Err(Failure::new(msg))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        assert_eq!(encode("é", "latin-1").unwrap(), [0xe9]);
        assert_eq!(encode("é", "UTF-8").unwrap(), "é".as_bytes());
        assert!(encode("é", "ascii").is_err() && encode("a", "ebcdic").is_err());
        assert_eq!(encode("a", "utf-16").unwrap().len(), 4);
    }

    #[test]
    fn escaped_newlines_are_newlines() {
        let given = Map::from([
            ("src".into(), "a".into()),
            ("dest".into(), "/b".into()),
            ("newline_sequence".into(), "\\r\\n".into()),
        ]);
        let args: Args = parse_args(&[], &given).unwrap();
        assert_eq!(syntax(&args), Syntax { newline_sequence: "\r\n".into(), ..Syntax::default() });
    }
}
