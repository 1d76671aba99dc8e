//! `slurp`: a file's content, in base64.

use super::file::errno::reason;
use super::file::paths::{expand, text};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::value::base64;
use std::io::ErrorKind;
use std::path::PathBuf;

crate::module_args! {
    /// Arguments of `slurp`.
    pub struct Args {
        /// The file on the host.
        [aliases("path")] src: PathBuf,
    }
}

/// The module.
pub struct Slurp;

/// The file's path and content.
pub struct Content {
    source: PathBuf,
    bytes: Vec<u8>,
}

impl Module for Slurp {
    type Args = Args;
    type State = Content;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.slurp",
        aliases: &["slurp", "ansible.legacy.slurp"],
        summary: "Reads a file from the host.",
        returns: &[
            ReturnSpec { name: "content", doc: "The content in base64; the filter b64decode makes text of it." },
            ReturnSpec { name: "encoding", doc: "base64." },
            ReturnSpec { name: "source", doc: "The path." },
        ],
        examples: &[Example {
            title: "A key that was made on the host",
            yaml: "ansible.builtin.slurp:\n  src: /etc/ssh/ssh_host_rsa_key.pub\n",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Content, Failure> {
        let source = expand(host, &args.src);
        let bytes = host.read(&source).map_err(|error| {
            let path = source.display();
            Failure::new(match error.kind() {
                ErrorKind::NotFound => format!("File not found: {path}"),
                ErrorKind::PermissionDenied => format!("File is not readable: {path}"),
                ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {path}"),
                _ => format!("unable to slurp file: {}", reason(&error)),
            })
        })?;
        Ok(Content { source, bytes })
    }

    fn plan(&self, _: &Args, content: &Content) -> Result<Plan<()>, Failure> {
        Ok(Plan::nothing()
            .with("content", base64::encode(&content.bytes))
            .with("source", text(&content.source))
            .with("encoding", "base64"))
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Map;

    #[test]
    fn reads_or_says_why_not() {
        let host = FakeHost::new().with_file("/etc/f", "hi\n", 0o644);
        let run = |path: &str| Slurp.run(&Map::from([("path".into(), path.into())]), RunFlags::default(), &host);
        assert_eq!(run("/etc/f").unwrap().result.get("content").unwrap().to_string(), "aGkK");
        assert_eq!(run("/etc/no").unwrap_err().msg, "File not found: /etc/no");
        assert_eq!(run("/etc").unwrap_err().msg, "Source is a directory and must be a file: /etc");
    }
}
