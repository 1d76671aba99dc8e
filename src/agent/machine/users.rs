//! Users and groups: /etc/passwd and /etc/group first, then `getent`.
//!
//! A static binary cannot load the name service's plug-ins; getent can, so that directory services
//! and system users without an entry in the files are found too.

use super::Machine;
use crate::module::{Group, Host, User};
use std::io;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// By name.
    Name(&'a str),
    /// By id.
    Id(u32),
}

impl Wanted<'_> {
    fn fits(self, name: &str, id: u32) -> bool {
        match self {
            Wanted::Name(wanted) => wanted == name,
            Wanted::Id(wanted) => wanted == id,
        }
    }
}

/// A user.
pub(super) fn user(machine: &Machine, wanted: Wanted<'_>) -> io::Result<Option<User>> {
    find(machine, "passwd", wanted, parse_user, |user| wanted.fits(&user.name, user.uid))
}

/// A group.
pub(super) fn group(machine: &Machine, wanted: Wanted<'_>) -> io::Result<Option<Group>> {
    find(machine, "group", wanted, parse_group, |group| wanted.fits(&group.name, group.gid))
}

fn find<T>(
    machine: &Machine,
    database: &str,
    wanted: Wanted<'_>,
    parse: fn(&str) -> Option<T>,
    fits: impl Fn(&T) -> bool,
) -> io::Result<Option<T>> {
    let read = |path: String| match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    };
    if let Some(entry) = read(format!("/etc/{database}"))?.lines().filter_map(parse).find(&fits) {
        return Ok(Some(entry));
    }
    if files_only(&read("/etc/nsswitch.conf".into())?, database) || machine.which("getent").is_none() {
        return Ok(None);
    }
    let key = match wanted {
        // An option or an id is not a name; getent would take it for one.
        Wanted::Name(name) if name.starts_with('-') || name.parse::<u32>().is_ok() => return Ok(None),
        Wanted::Name(name) => name.to_owned(),
        Wanted::Id(id) => id.to_string(),
    };
    let output = machine.run_quietly(&["getent", database, &key])?;
    // 2 says that there is no such entry. Anything else but 0 is a database that does not answer.
    match output.rc {
        0 => Ok(output.stdout_text().lines().filter_map(parse).find(&fits)),
        2 => Ok(None),
        rc => Err(io::Error::other(format!("getent {database} ended with {rc}: {}", output.stderr_text().trim()))),
    }
}

/// Whether the name service knows no other source than the files.
fn files_only(nsswitch: &str, database: &str) -> bool {
    nsswitch
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == database)
        .is_some_and(|(_, sources)| sources.split_whitespace().all(|source| source == "files"))
}

fn parse_user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let mut fields = fields.skip(1);
    let user = User {
        name: name.to_owned(),
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
        gecos: fields.next()?.to_owned(),
        home: fields.next()?.into(),
        shell: fields.next().unwrap_or_default().into(),
    };
    Some(user)
}

fn parse_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let mut fields = fields.skip(1);
    let gid = fields.next()?.parse().ok()?;
    let members = fields.next().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    Some(Group { name: name.to_owned(), gid, members: members.map(str::to_owned).collect() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_entries() {
        let user = parse_user("www:x:33:34:Web,,,:/var/www:/usr/sbin/nologin").unwrap();
        assert_eq!((user.uid, user.gid, user.home.to_str()), (33, 34, Some("/var/www")));
        assert_eq!(parse_group("adm:x:4:a,b").unwrap().members, ["a", "b"]);
        assert_eq!(parse_group("adm:x:4:").unwrap().members, [""; 0]);
        assert!(parse_user("+::::::").is_none());
    }

    #[test]
    fn knows_when_files_are_all() {
        assert!(files_only("passwd: files\ngroup: files systemd\n", "passwd"));
        assert!(!files_only("passwd: files\ngroup: files systemd\n", "group"));
        assert!(!files_only("", "passwd"));
    }
}
