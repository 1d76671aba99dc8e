//! Differences as Ansible shows them: maps as sorted JSON, contents as text within limits.

use super::errno::failed;
use crate::module::{Diff, Failure, Host};
use crate::value::Map;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Larger contents are not shown.
pub const LARGEST: u64 = 104_448;

/// The difference of two descriptions.
pub fn of_maps(before: &Map, after: &Map) -> Diff {
    Diff { before: json(before), after: json(after), ..Diff::default() }
}

fn json(map: &Map) -> String {
    let sorted: BTreeMap<String, _> = map.iter().map(|(key, value)| (key.to_string(), value)).collect();
    let mut out = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, indent);
    // Writing plain values to memory cannot fail.
    let _ = sorted.serialize(&mut serializer);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// Content for a diff: its text, or why it is not shown.
pub enum Shown {
    /// The text.
    Text(String),
    /// A reason.
    Not(&'static str),
}

impl Shown {
    /// Content in memory.
    pub fn of_bytes(bytes: &[u8]) -> Shown {
        if bytes.len() as u64 > LARGEST {
            return Shown::Not("its size is greater than 104448");
        }
        if bytes.iter().take(8192).any(|byte| *byte == 0) {
            return Shown::Not("it appears to be binary");
        }
        Shown::Text(String::from_utf8_lossy(bytes).into_owned())
    }

    /// A stream of a known size.
    pub fn of_stream(
        size: u64,
        open: impl FnOnce() -> std::io::Result<Box<dyn Read + Send>>,
    ) -> std::io::Result<Shown> {
        if size > LARGEST {
            return Ok(Shown::Not("its size is greater than 104448"));
        }
        let mut bytes = Vec::new();
        open()?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(Shown::of_bytes(&bytes))
    }

    /// A host's file; empty text when it is not there.
    pub fn of_file(host: &dyn Host, path: &Path) -> Result<Shown, Failure> {
        let info = host.stat(path).map_err(failed("stat failed", path))?;
        match info {
            Some(info) => Shown::of_stream(info.size, || host.open(path)).map_err(failed("reading failed", path)),
            None => Ok(Shown::Text(String::new())),
        }
    }
}

/// The difference of two contents, with their headers.
pub fn of_contents(before: (Shown, String), after: (Shown, String)) -> Diff {
    let (before_header, after_header) = (before.1, after.1);
    match (before.0, after.0) {
        (Shown::Text(before), Shown::Text(after)) => Diff { before, after, before_header, after_header },
        (Shown::Not(reason), _) => {
            let after = format!("diff skipped: the destination file is not shown, since {reason}\n");
            Diff { before: String::new(), after, before_header, after_header }
        }
        (_, Shown::Not(reason)) => {
            let after = format!("diff skipped: the source file is not shown, since {reason}\n");
            Diff { before: String::new(), after, before_header, after_header }
        }
    }
}
