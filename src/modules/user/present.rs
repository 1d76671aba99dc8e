//! What the host knows of the user.

use super::{Args, Found, State, shadow};
use crate::module::{Failure, Host};
use crate::modules::{expand, program};
use std::path::{Path, PathBuf};

/// An SSH key of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The private key's file.
    pub path: PathBuf,
    /// Fingerprint and public key, when the file is there.
    pub made: Option<(String, Option<String>)>,
}

/// Looks the user up, and what its arguments are compared with.
pub fn observe(args: &Args, host: &dyn Host) -> Result<Found, Failure> {
    let lookup = |error: std::io::Error| Failure::new(format!("cannot look up user '{}': {error}", args.name));
    let user = host.user(&args.name).map_err(lookup)?;
    if args.state == State::Absent {
        return Ok(Found { user, ..Found::default() });
    }
    let wanted_gid = match &args.group {
        Some(group) => group_id(host, group).map_err(lookup)?,
        None => None,
    };
    let home = args.home.as_ref().map(|home| expand::path(host, &home.to_string_lossy()));
    let home = home.or_else(|| user.as_ref().map(|user| user.home.clone()));
    let there = |path: &Path| host.stat(path).map(|info| info.is_some()).map_err(lookup);
    let home_exists = home.as_deref().map_or(Ok(false), there)?;
    let parent_exists = home.as_deref().and_then(Path::parent).map_or(Ok(true), there)?;
    let key = match (&home, args.generate_ssh_key) {
        (Some(home), true) => Some(find_key(args, host, home)?),
        _ => None,
    };
    Ok(Found {
        groups: supplementary_groups(host, &args.name)?,
        // Only root may read it; another user's changes fail on their own.
        shadow: host
            .read(Path::new("/etc/shadow"))
            .ok()
            .and_then(|bytes| shadow::find(&String::from_utf8_lossy(&bytes), &args.name)),
        own_group: host.group(&args.name).map_err(lookup)?.is_some(),
        host_name: host_name(host),
        user,
        wanted_gid,
        home_exists,
        parent_exists,
        key,
    })
}

/// A group's id, by name or by number.
pub fn group_id(host: &dyn Host, group: &str) -> std::io::Result<Option<u32>> {
    if let Some(entry) = host.group(group)? {
        return Ok(Some(entry.gid));
    }
    match group.parse() {
        Ok(gid) => Ok(host.group_by_id(gid)?.map(|entry| entry.gid)),
        Err(_) => Ok(None),
    }
}

/// Groups in /etc/group that list the user.
fn supplementary_groups(host: &dyn Host, name: &str) -> Result<Vec<String>, Failure> {
    let path = Path::new("/etc/group");
    let bytes = match host.read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(program::file_failure("read", path, &error)),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let listed =
        |line: &&str| line.split(':').nth(3).is_some_and(|members| members.split(',').any(|member| member == name));
    Ok(text.lines().filter(listed).filter_map(|line| line.split(':').next()).map(str::to_owned).collect())
}

/// The key's file, and what is in it.
pub fn find_key(args: &Args, host: &dyn Host, home: &Path) -> Result<Key, Failure> {
    let name = args.ssh_key_file.clone().unwrap_or_else(|| format!(".ssh/id_{}", args.ssh_key_type).into());
    let path = home.join(expand::path(host, &name.to_string_lossy()));
    let there = host.stat(&path).ok().flatten().is_some();
    if !there {
        return Ok(Key { path, made: None });
    }
    let text = path.to_string_lossy().into_owned();
    let output = program::read(host, &["ssh-keygen", "-l", "-f", &text])?;
    let fingerprint = if output.success() { output.stdout_text() } else { output.stderr_text() };
    let public = host.read(Path::new(&format!("{text}.pub"))).ok();
    let public = public.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Ok(Key { path, made: Some((fingerprint.trim().to_owned(), public)) })
}

fn host_name(host: &dyn Host) -> String {
    let bytes = host.read(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
