//! `list`: packages and repositories, instead of a change.

use super::Args;
use super::command::{argv, run};
use crate::module::{Failure, Host};
use crate::value::Value;

const FORMAT: &str = "%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{reponame}";

/// What is asked for.
pub fn list(args: &Args, what: &str, host: &dyn Host) -> Result<Value, Failure> {
    if matches!(what, "repos" | "repositories") {
        return repositories(args, host);
    }
    let ask = |words: &[&str]| packages(args, host, words);
    let (shown, installed) = match what {
        "installed" => (ask(&["--installed"])?, true),
        "available" => (ask(&["--available"])?, false),
        "updates" | "upgrades" => (ask(&["--upgrades"])?, false),
        name => {
            let mut there =
                ask(&["--installed", name])?.into_iter().map(|fields| to_value(&fields, true)).collect::<Vec<_>>();
            there.extend(ask(&["--available", name])?.iter().map(|fields| to_value(fields, false)));
            return Ok(Value::list(there));
        }
    };
    Ok(Value::list(shown.iter().map(|fields| to_value(fields, installed)).collect()))
}

fn packages(args: &Args, host: &dyn Host, words: &[&str]) -> Result<Vec<Vec<String>>, Failure> {
    // A newline of its own: dnf adds one, dnf5 does not.
    let format = format!("--queryformat={FORMAT}\n");
    let argv = argv(args, host, &[&["-q", "repoquery", format.as_str()], words].concat())?;
    let output = run(args, host, &argv)?.stdout_text();
    let fields = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
    Ok(output.lines().map(fields).filter(|fields| fields.len() == 6).collect())
}

fn to_value(fields: &[String], installed: bool) -> Value {
    let field = |at: usize| fields.get(at).map_or("", String::as_str);
    let (name, epoch, version, release, arch) = (field(0), field(1), field(2), field(3), field(4));
    let repository = if installed { "@System" } else { field(5) };
    let state = if installed { "installed" } else { "available" };
    let nevra = format!("{epoch}:{name}-{version}-{release}.{arch}");
    Value::from([
        ("arch", Value::str(arch)),
        ("epoch", Value::str(epoch)),
        ("name", Value::str(name)),
        ("nevra", Value::from(nevra.clone())),
        ("envra", Value::from(nevra)),
        ("release", Value::str(release)),
        ("repo", Value::str(repository)),
        ("version", Value::str(version)),
        ("yumstate", Value::str(state)),
    ])
}

/// The repositories that are on.
fn repositories(args: &Args, host: &dyn Host) -> Result<Value, Failure> {
    let argv = argv(args, host, &["-q", "repolist", "--enabled"])?;
    let output = run(args, host, &argv)?.stdout_text();
    let ids = output.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    Ok(Value::list(ids.map(|id| Value::from([("repoid", id), ("state", "enabled")])).collect()))
}
