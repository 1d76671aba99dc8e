//! What is compared: results without what differs from run to run, and what lies in a case's folder afterwards.

use regex::Regex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::LazyLock;

/// Keys that tell of the run, of the tool, or of the machine's file system, not of the module.
const PASSING: &[&str] = &[
    "action",
    "ansible_facts",
    "atime",
    "attr_flags",
    "attributes",
    "block_size",
    "blocks",
    "ctime",
    "date",
    "delta",
    "deprecations",
    "disk_usage_bytes",
    "dev",
    "duration",
    "elapsed",
    "end",
    "exception",
    "inode",
    "invocation",
    "mtime",
    "server",
    "start",
    "version",
    "warnings",
];

/// A result as it is compared and recorded. A failure's message is in each tool's own words.
pub fn result(value: &Value) -> Map<String, Value> {
    let Value::Object(mut map) = plain(value) else { panic!("a result is no mapping: {value}") };
    let diff = map.remove("diff").map(|diff| diff_texts(&diff)).filter(|texts| !texts.is_empty());
    if let Some(texts) = diff {
        map.insert("diff".into(), texts.into());
    }
    for key in ["failed", "changed"] {
        map.entry(key).or_insert(Value::Bool(false));
    }
    if map["failed"] == true {
        map.remove("msg");
    }
    // A module that broke instead of answering.
    if map.remove("module_stderr").is_some() {
        map.retain(|key, _| ["changed", "failed"].contains(&key.as_str()));
    }
    sorted(map)
}

fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    let mut items: Vec<_> = map.into_iter().collect();
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    items.into_iter().collect()
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !PASSING.contains(&key.as_str()) && !key.starts_with("_ansible_"));
            Value::Object(sorted(kept.map(|(key, value)| (key.clone(), plain(value))).collect()))
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::String(text) => Value::String(plain_text(text)),
        other => other.clone(),
    }
}

/// Names that are new in each run: backups and temporary files.
pub fn plain_text(text: &str) -> String {
    RULES.iter().fold(text.to_owned(), |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
}

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        // The day of a password's last change, in /etc/shadow.
        (r":2\d{4}:", ":DAY:"),
        (r"\w\w\w, \d\d \w\w\w 20(2[4-9]|[3-9]\d) \d\d:\d\d:\d\d GMT", "DATE"),
        (r"AAAAC3NzaC1lZDI1NTE5\S+", "KEY"),
        (r"SHA256:\S+", "FINGERPRINT"),
        // An address that is signed for a while.
        (r"\?(AWSAccessKeyId|X-Amz-Algorithm|x-id)=\S+", "?SIGNED"),
        (r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".BACKUP~"),
        (r#"/(root/\.ansible/tmp|tmp)/[^\s"']+"#, "TMP"),
        (r"/tmp[0-9a-z_]{8,20}$", "/TMP"),
    ];
    rules.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into_iter().collect()
});

/// The pairs of texts that a diff shows; how it heads them is each tool's own.
fn diff_texts(diff: &Value) -> Vec<Value> {
    let one = std::slice::from_ref(diff);
    let parts = diff.as_array().map_or(one, Vec::as_slice);
    let pair = |part: &Value| Some((part.get("before")?.as_str()?.to_owned(), part.get("after")?.as_str()?.to_owned()));
    parts
        .iter()
        .filter_map(pair)
        .filter(|(before, after)| before != after)
        .map(|pair| json!([pair.0, pair.1]))
        .collect()
}

/// Everything below `root`: kind, mode, owner, links, and the content's hash.
pub fn tree(root: &Path) -> Map<String, Value> {
    let mut found = Map::new();
    walk(root, root, &mut found);
    sorted(found)
}

fn walk(root: &Path, folder: &Path, found: &mut Map<String, Value>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let about = path.symlink_metadata().unwrap();
        let content = if about.is_symlink() {
            format!("-> {}", path.read_link().unwrap().display())
        } else if about.is_file() {
            let text: String =
                Sha256::digest(std::fs::read(&path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("links={} sha256={}", about.nlink(), &text[..16])
        } else {
            "folder".into()
        };
        let name = plain_text(&path.strip_prefix(root).unwrap().to_string_lossy());
        let line = format!("{:06o} {}:{} {content}", about.mode(), about.uid(), about.gid());
        found.insert(name, line.into());
        if about.is_dir() {
            walk(root, &path, found);
        }
    }
}
