//! Makes the changes and says what the user looks like afterwards.

use super::{Args, Change, State, entry_values, present};
use crate::module::{Failure, Host, Outcome, Plan, User as Entry};
use crate::modules::{expand, program};
use crate::value::Key;
use std::path::{Path, PathBuf};

/// Makes the changes in order.
pub fn apply(args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
    if args.state == State::Present {
        check_groups(args, host)?;
    }
    let (mut stdout, mut stderr) = (String::new(), String::new());
    for change in &plan.changes {
        let output = match change {
            Change::Run(argv) => program::succeed(host, &program::plain(argv))?,
            Change::Password(hash) => {
                let line = format!("{}:{}\n", args.name, hash.0);
                program::succeed(host, &program::plain(&["chpasswd", "-e"]).stdin(line))?
            }
            Change::MakeHome(home) => {
                make_home(args, host, &expand::path(host, &home.to_string_lossy()))?;
                continue;
            }
            Change::MakeKey { comment, .. } => {
                make_key(args, host, comment)?;
                continue;
            }
        };
        stdout += &output.stdout_text();
        stderr += &output.stderr_text();
    }
    let mut outcome = Outcome::new();
    for (key, text) in [("stdout", stdout), ("stderr", stderr)] {
        outcome = if text.is_empty() { outcome } else { outcome.with(key, text) };
    }
    if args.state == State::Absent {
        return Ok(outcome);
    }
    let user = require_user(args, host)?;
    outcome.returns.extend(entry_values(&user).map(|(key, value)| (Key::from(key), value)));
    if args.generate_ssh_key {
        let key = present::find_key(args, host, &user.home)?;
        let (fingerprint, public) = key.made.unwrap_or_default();
        outcome = outcome
            .with("ssh_key_file", key.path.to_string_lossy().into_owned())
            .with("ssh_fingerprint", fingerprint)
            .with("ssh_public_key", public);
    }
    Ok(outcome)
}

/// The groups have to be there by now; a task before this one may have made them.
fn check_groups(args: &Args, host: &dyn Host) -> Result<(), Failure> {
    for group in args.group.iter().chain(args.groups.iter().flatten()) {
        let found = present::group_id(host, group)
            .map_err(|error| Failure::new(format!("cannot look up group '{group}': {error}")))?;
        if found.is_none() {
            return Err(Failure::new(format!("Group {group} does not exist")));
        }
    }
    Ok(())
}

fn require_user(args: &Args, host: &dyn Host) -> Result<Entry, Failure> {
    let found =
        host.user(&args.name).map_err(|error| Failure::new(format!("cannot look up user '{}': {error}", args.name)))?;
    found.ok_or_else(|| Failure::new(format!("user '{}' is still missing after it was made", args.name)))
}

/// A home from the skeleton, owned by the user, with the mode that useradd would give it.
fn make_home(args: &Args, host: &dyn Host, home: &Path) -> Result<(), Failure> {
    let user = require_user(args, host)?;
    let text = home.to_string_lossy().into_owned();
    if let Some(parent) = home.parent() {
        program::succeed(host, &program::plain(&["mkdir", "-p", &parent.to_string_lossy()]))?;
    }
    let skeleton = args.skeleton.clone().unwrap_or_else(|| "/etc/skel".into());
    let there = host.stat(Path::new(&skeleton)).ok().flatten().is_some();
    match there {
        true => program::succeed(host, &program::plain(&["cp", "-a", "-T", &skeleton, &text]))?,
        false => program::succeed(host, &program::plain(&["mkdir", &text]))?,
    };
    let owner = format!("{}:{}", user.uid, user.gid);
    program::succeed(host, &program::plain(&["chown", "-hR", &owner, &text]))?;
    let mode = home_mode(args, host);
    host.set_mode(home, mode).map_err(|error| program::file_failure("change the mode of", home, &error))
}

fn home_mode(args: &Args, host: &dyn Host) -> u32 {
    let octal = |text: &str| u32::from_str_radix(text.trim_start_matches("0o"), 8).ok();
    let definitions = host.read(Path::new("/etc/login.defs")).unwrap_or_default();
    let definitions = String::from_utf8_lossy(&definitions).into_owned();
    let setting = |name: &str| {
        let line = definitions.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([' ', '\t']));
        line.and_then(|value| octal(value.trim()))
    };
    match args.umask.as_deref().and_then(octal) {
        Some(umask) => 0o777 & !umask,
        None => setting("HOME_MODE").unwrap_or_else(|| 0o777 & !setting("UMASK").unwrap_or(0o022)),
    }
}

/// A key pair without a passphrase, owned by the user.
fn make_key(args: &Args, host: &dyn Host, comment: &str) -> Result<(), Failure> {
    let user = require_user(args, host)?;
    let path = present::find_key(args, host, &user.home)?.path;
    let (owner, group) = (Some(user.uid), Some(user.gid));
    let public = PathBuf::from(format!("{}.pub", path.display()));
    if let Some(folder) = path.parent()
        && host.stat(folder).ok().flatten().is_none()
    {
        let failed = |error| program::file_failure("make", folder, &error);
        host.create_dir(folder).map_err(failed)?;
        host.set_mode(folder, 0o700).map_err(failed)?;
        host.set_owner(folder, owner, group, true).map_err(failed)?;
    }
    for old in [&path, &public] {
        if args.force && host.lstat(old).ok().flatten().is_some() {
            host.remove_file(old).map_err(|error| program::file_failure("remove", old, &error))?;
        }
    }
    let bits = args.ssh_key_bits.filter(|bits| *bits > 0).map(|bits| bits.to_string());
    let text = path.to_string_lossy();
    let mut argv = vec!["ssh-keygen", "-q", "-t", &args.ssh_key_type, "-C", comment, "-f", &text, "-N", ""];
    argv.extend(bits.iter().flat_map(|bits| ["-b", bits.as_str()]));
    program::succeed(host, &program::plain(&argv))?;
    for file in [&path, &public] {
        host.set_owner(file, owner, group, true)
            .map_err(|error| program::file_failure("change the owner of", file, &error))?;
    }
    Ok(())
}
