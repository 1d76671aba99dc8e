//! Facts that take a program to find out: Python's and systemd's versions. Each answer is kept as long as the program
//! stays the same file, so that it is asked once in an agent's life.

use crate::module::{FileInfo, Host};
use crate::modules::program;
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What a program said, and which file it was then.
struct Kept {
    program: PathBuf,
    inode: u64,
    mtime: f64,
    said: String,
}

static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// Runs a program once; later calls get the same answer while the file is the same.
fn ask(host: &dyn Host, path: &Path, args: &[&str]) -> Option<String> {
    let FileInfo { inode, mtime, .. } = host.stat(path).ok()??;
    let same = |kept: &&Kept| kept.program == path && kept.inode == inode && kept.mtime == mtime;
    let known = KEPT.lock().unwrap_or_else(PoisonError::into_inner).iter().find(same).map(|kept| kept.said.clone());
    if known.is_some() {
        return known;
    }
    let name = path.to_string_lossy();
    let argv: Vec<&str> = std::iter::once(name.as_ref()).chain(args.iter().copied()).collect();
    let output = program::read(host, &argv).ok().filter(crate::module::Output::success)?;
    let said = output.stdout_text();
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(Kept { program: path.to_owned(), inode, mtime, said: said.clone() });
    Some(said)
}

/// `python` and `python_version`; nothing on a host without Python.
pub fn python(host: &dyn Host) -> Map {
    const SCRIPT: &str = "import sys; v = sys.version_info; \
        print(*v, sys.implementation.name, sys.executable, sep='\\n')";
    let usual = ["/usr/bin/python3", "/usr/libexec/platform-python"].map(PathBuf::from);
    let Some(program) =
        usual.into_iter().find(|path| super::files::exists(host, path)).or_else(|| host.which("python3"))
    else {
        return Map::new();
    };
    let Some(said) = ask(host, &program, &["-I", "-S", "-c", SCRIPT]) else { return Map::new() };
    let lines: Vec<&str> = said.lines().collect();
    let [major, minor, micro, level, serial, implementation, executable] = lines.as_slice() else { return Map::new() };
    let number = |text: &str| Value::from(text.parse::<i64>().unwrap_or_default());
    let version = [number(major), number(minor), number(micro), Value::str(level), number(serial)];
    let named = ["major", "minor", "micro", "releaselevel", "serial"].into_iter().zip(version.clone());
    let python = Value::from([
        ("version", Value::map(named.map(|(name, value)| (name.into(), value)).collect())),
        ("version_info", Value::list(version.to_vec())),
        ("executable", Value::str(executable)),
        ("type", Value::str(implementation)),
        ("has_sslcontext", Value::Bool(true)),
    ]);
    Map::from([("python".into(), python), ("python_version".into(), Value::from(format!("{major}.{minor}.{micro}")))])
}

/// `systemd`: version and features, where systemd runs the host.
pub fn systemd(host: &dyn Host) -> Option<Value> {
    let program = host.which("systemctl").filter(|_| super::distribution::service_manager(host) == "systemd")?;
    let said = ask(host, &program, &["--version"])?;
    let mut lines = said.lines();
    let version: i64 = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(Value::from([("version", Value::from(version)), ("features", Value::str(lines.next().unwrap_or_default()))]))
}
