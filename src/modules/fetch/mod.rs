//! `fetch`: a file from the host to the controller, in pieces.

mod action;

pub use action::FetchAction;

use super::file::checksum::{Algorithm, of_file};
use super::file::errno::{failed, reason};
use super::file::paths::{expand, text};
use crate::module::{Failure, FileKind, Host, Module, ModuleSpec, Outcome, Plan};
use crate::value::{Map, Value, base64};
use std::io::Read;
use std::path::PathBuf;

crate::module_args! {
    /// What the action asks of the host.
    pub struct HostArgs {
        /// The file.
        src: PathBuf,
        /// Where the piece starts; without it the file is only described.
        offset: Option<u64>,
        /// The most bytes of a piece.
        length: u64 = 0u64,
    }
}

/// The host's half of `fetch`: describes a file, and reads pieces of it.
pub struct Fetch;

impl Module for Fetch {
    type Args = HostArgs;
    type State = Map;
    type Change = ();
    const SPEC: ModuleSpec = action::SPEC;

    fn observe(&self, args: &HostArgs, host: &dyn Host) -> Result<Map, Failure> {
        let path = expand(host, &args.src);
        let info = host.stat(&path).map_err(failed("stat failed", &path))?;
        let mut state = Map::from([("source".into(), Value::from(text(&path)))]);
        let Some(info) = info else {
            state.insert("exists".into(), false.into());
            return Ok(state);
        };
        state.insert("exists".into(), true.into());
        state.insert("isdir".into(), (info.kind == FileKind::Directory).into());
        if info.kind == FileKind::Directory {
            return Ok(state);
        }
        match args.offset {
            None => {
                state.insert("checksum".into(), of_file(host, &path, Algorithm::Sha1)?.into());
            }
            Some(offset) => {
                let unable = |error| Failure::new(format!("unable to slurp file: {}", reason(&error)));
                let mut file = host.open(&path).map_err(unable)?;
                std::io::copy(&mut (&mut file).take(offset), &mut std::io::sink()).map_err(unable)?;
                let mut piece = Vec::new();
                file.take(args.length).read_to_end(&mut piece).map_err(unable)?;
                state.insert("content".into(), base64::encode(&piece).into());
            }
        }
        Ok(state)
    }

    fn plan(&self, _: &HostArgs, state: &Map) -> Result<Plan<()>, Failure> {
        Ok(Plan { returns: state.clone(), ..Plan::default() })
    }

    fn apply(&self, _: &HostArgs, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    #[test]
    fn describes_and_reads_pieces() {
        let host = FakeHost::new().with_file("/etc/f", "abcdef", 0o644);
        let run = |entries: &[(&str, Value)]| {
            let args: Map = entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
            Fetch.run(&args, RunFlags::default(), &host).unwrap().result
        };
        let known = run(&[("src", "/etc/f".into())]);
        assert_eq!(known.get("checksum").unwrap().to_string(), "1f8ac10f23c5b5bc1167bda84b833e5c057a77d2");
        let piece = run(&[("src", "/etc/f".into()), ("offset", 2.into()), ("length", 3.into())]);
        assert_eq!(piece.get("content").unwrap().to_string(), base64::encode(b"cde"));
        assert_eq!(run(&[("src", "/etc/no".into())]).get("exists"), Some(&Value::Bool(false)));
    }
}
