//! Owner, group, mode, flags and context: what a task wants, what differs, and setting it.

use super::errno::{failed, reason};
use super::mode::{Present, octal, wanted_bits};
use super::selinux::{self, Context};
use crate::module::{Command, Failure, FileInfo, FileKind, Host, Mode};
use crate::value::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// What a task wants of a file beside its content; what is None stays.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The owner's name or id.
    pub owner: Option<String>,
    /// The group's name or id.
    pub group: Option<String>,
    /// The permissions.
    pub mode: Option<Mode>,
    /// Flags as for chattr, after `+`, `-` or `=`.
    pub attributes: Option<String>,
    /// The SELinux context.
    pub context: Context,
}

/// Declares a module's arguments as [`module_args!`](crate::module_args) does, and adds those that
/// all modules have that make files. The struct gets a method `wanted`.
macro_rules! file_args {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($fields:tt)* }) => {
        $crate::module_args! {
            $(#[$meta])*
            $vis struct $name {
                $($fields)*
                /// The user that should own the file, by name or id.
                owner: Option<String>,
                /// The group that should own the file, by name or id.
                group: Option<String>,
                /// The permissions: octal digits in quotes ('0644'), or symbolic (u=rw,g=r,o=).
                mode: Option<$crate::module::Mode>,
                /// Flags as for chattr(1), such as +i; lsattr(1) shows them.
                [aliases("attr")] attributes: Option<String>,
                /// The user of the SELinux context; _default asks the policy. Without SELinux it does nothing.
                seuser: Option<String>,
                /// The role of the SELinux context; _default asks the policy.
                serole: Option<String>,
                /// The type of the SELinux context; _default asks the policy.
                setype: Option<String>,
                /// The level (range) of the SELinux context; _default asks the policy.
                selevel: Option<String>,
                /// Write in place where the file cannot be replaced at once, such as a file that is
                /// mounted into a container. Readers can then see a part of it.
                unsafe_writes: bool = false,
            }
        }

        impl $name {
            /// What is wanted of the file beside its content.
            #[allow(dead_code)]
            pub fn wanted(&self) -> $crate::modules::file::attributes::Wanted {
                $crate::modules::file::attributes::Wanted {
                    owner: self.owner.clone(),
                    group: self.group.clone(),
                    mode: self.mode.clone(),
                    attributes: self.attributes.clone(),
                    context: $crate::modules::file::selinux::Context {
                        parts: [
                            self.seuser.clone(),
                            self.serole.clone(),
                            self.setype.clone(),
                            self.selevel.clone(),
                        ],
                    },
                }
            }
        }
    };
}
pub(crate) use file_args;

/// What is different from what is wanted, by the names and values that Ansible shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// What is.
    pub before: Map,
    /// What will be.
    pub after: Map,
}

impl Differences {
    /// Whether all is as wanted.
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    fn add(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.before.insert(name.into(), before.into());
        self.after.insert(name.into(), after.into());
    }
}

impl Wanted {
    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.owner.is_none()
            && self.group.is_none()
            && self.mode.is_none()
            && self.attributes.is_none()
            && self.context.parts.iter().all(Option::is_none)
    }

    /// The owner's id. None when none is wanted, or when the user is not there (yet: an earlier
    /// task may make it, which check mode only predicts).
    pub fn uid(&self, host: &dyn Host) -> Result<Option<u32>, Failure> {
        let Some(owner) = &self.owner else { return Ok(None) };
        match owner.parse() {
            Ok(uid) => Ok(Some(uid)),
            Err(_) => match host.user(owner) {
                Ok(user) => Ok(user.map(|user| user.uid)),
                Err(error) => Err(Failure::new(format!("looking up user {owner} failed: {}", reason(&error)))),
            },
        }
    }

    /// The group's id; None as for [`Wanted::uid`].
    pub fn gid(&self, host: &dyn Host) -> Result<Option<u32>, Failure> {
        let Some(group) = &self.group else { return Ok(None) };
        match group.parse() {
            Ok(gid) => Ok(Some(gid)),
            Err(_) => match host.group(group) {
                Ok(group) => Ok(group.map(|group| group.gid)),
                Err(error) => Err(Failure::new(format!("looking up group {group} failed: {}", reason(&error)))),
            },
        }
    }

    /// The permission bits for what has (or will first have) these.
    pub fn bits(&self, host: &dyn Host, bits: u32, directory: bool) -> Result<Option<u32>, Failure> {
        let Some(mode) = &self.mode else { return Ok(None) };
        let umask = if matches!(mode, Mode::Symbolic(_)) { host.umask() } else { 0 };
        wanted_bits(mode, Present { bits, directory, umask }).map(Some)
    }

    /// What differs at a path, links not followed. Nothing differs where nothing is.
    pub fn differences(&self, host: &dyn Host, path: &Path) -> Result<Differences, Failure> {
        let mut found = Differences::default();
        if self.is_empty() {
            return Ok(found);
        }
        let Some(info) = host.lstat(path).map_err(failed("stat failed", path))? else { return Ok(found) };
        if let Some(owner) = &self.owner {
            match self.uid(host)? {
                Some(uid) if uid == info.uid => {}
                Some(uid) => found.add("owner", info.uid, uid),
                None => found.add("owner", info.uid, owner.as_str()),
            }
        }
        if let Some(group) = &self.group {
            match self.gid(host)? {
                Some(gid) if gid == info.gid => {}
                Some(gid) => found.add("group", info.gid, gid),
                None => found.add("group", info.gid, group.as_str()),
            }
        }
        if let Some(bits) = self.mode_change(host, &info)? {
            found.add("mode", octal(info.mode), octal(bits));
        }
        if let Some(flags) = &self.attributes {
            let present = present_flags(host, path)?;
            if flags_differ(flags, &present) {
                found.add("attributes", present, flags.as_str());
            }
        }
        if let Some((now, then)) = selinux::wanted(host, path, &self.context)?
            && now != then
        {
            found.add("secontext", now, then);
        }
        Ok(found)
    }

    /// The bits to set; None when they are right, or on a link, which has none of its own.
    fn mode_change(&self, host: &dyn Host, info: &FileInfo) -> Result<Option<u32>, Failure> {
        if info.kind == FileKind::Symlink {
            return Ok(None);
        }
        let bits = self.bits(host, info.mode, info.kind == FileKind::Directory)?;
        Ok(bits.filter(|bits| *bits != info.mode))
    }

    /// Sets what differs. Users and groups must be there now.
    pub fn ensure(&self, host: &dyn Host, path: &Path) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        let stat = || match host.lstat(path).map_err(failed("stat failed", path))? {
            Some(info) => Ok(info),
            None => Err(Failure::new(format!("{} is gone", path.display()))),
        };
        let at = |failure: Failure| failure.with("path", path.to_string_lossy().as_ref());
        let info = stat()?;
        if let Some(owner) = &self.owner {
            let uid = self.uid(host)?;
            let uid = uid.ok_or_else(|| at(Failure::new(format!("chown failed: failed to look up user {owner}"))))?;
            if uid != info.uid {
                host.set_owner(path, Some(uid), None, false).map_err(failed("chown failed", path))?;
            }
        }
        if let Some(group) = &self.group {
            let gid = self.gid(host)?;
            let gid = gid.ok_or_else(|| at(Failure::new(format!("chgrp failed: failed to look up group {group}"))))?;
            if gid != info.gid {
                host.set_owner(path, None, Some(gid), false).map_err(failed("chgrp failed", path))?;
            }
        }
        // Afresh: a change of owner may have dropped the set-id bits.
        if let Some(bits) = self.mode_change(host, &stat()?)? {
            host.set_mode(path, bits).map_err(failed("chmod failed", path))?;
        }
        if let Some(flags) = &self.attributes
            && flags_differ(flags, &present_flags(host, path)?)
        {
            set_flags(host, path, flags)?;
        }
        if let Some((now, then)) = selinux::wanted(host, path, &self.context)?
            && now != then
        {
            selinux::set(host, path, &then)?;
        }
        Ok(())
    }
}

/// The flags that lsattr shows; empty on a file system without them.
pub fn present_flags(host: &dyn Host, path: &Path) -> Result<String, Failure> {
    let Some(program) = host.which("lsattr") else { return Ok(String::new()) };
    let command = Command::new([program.into_os_string(), "-d".into(), path.into()]);
    let output = host.run(&command).map_err(failed("lsattr failed", path))?;
    let text = output.stdout_text();
    let flags = if output.success() { text.split_whitespace().next().unwrap_or_default() } else { "" };
    Ok(flags.replace('-', ""))
}

fn flags_differ(wanted: &str, present: &str) -> bool {
    let (operator, letters) = split_flags(wanted);
    let letters: BTreeSet<char> = letters.chars().collect();
    let present: BTreeSet<char> = present.chars().collect();
    match operator {
        '+' => !letters.is_subset(&present),
        '-' => !letters.is_disjoint(&present),
        _ => letters != present,
    }
}

fn split_flags(text: &str) -> (char, &str) {
    match text.chars().next() {
        Some(operator @ ('+' | '-' | '=')) => (operator, &text[1..]),
        _ => ('=', text),
    }
}

fn set_flags(host: &dyn Host, path: &Path, flags: &str) -> Result<(), Failure> {
    let Some(program) = host.which("chattr") else {
        return Err(Failure::new("chattr failed: there is no chattr program on the host"));
    };
    let (operator, letters) = split_flags(flags);
    let command = Command::new([program.into_os_string(), format!("{operator}{letters}").into(), path.into()]);
    let output = host.run(&command).map_err(failed("chattr failed", path))?;
    if output.success() && output.stderr.is_empty() {
        return Ok(());
    }
    let details = format!("Error while setting attributes: {}{}", output.stdout_text(), output.stderr_text());
    Err(Failure::new("chattr failed").with("path", path.to_string_lossy().as_ref()).with("details", details))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;

    fn wanted(owner: &str, mode: Mode) -> Wanted {
        Wanted { owner: Some(owner.into()), mode: Some(mode), ..Wanted::default() }
    }

    #[test]
    fn differences_are_set_and_then_gone() {
        let host = FakeHost::new().with_user("bob", 7, 7).with_file("/etc/x", "", 0o4755);
        let path = Path::new("/etc/x");
        let wanted = wanted("bob", Mode::Symbolic("g-rx".into()));
        let found = wanted.differences(&host, path).unwrap();
        assert_eq!(Value::from(found.after).to_string(), "{'owner': 7, 'mode': '04705'}");
        wanted.ensure(&host, path).unwrap();
        assert!(wanted.differences(&host, path).unwrap().is_empty());
        assert_eq!(host.mode("/etc/x"), Some(0o4705));
    }

    #[test]
    fn an_unknown_user_is_a_change_but_cannot_be_set() {
        let host = FakeHost::new().with_file("/etc/x", "", 0o644);
        let wanted = wanted("nobody", Mode::Bits(0o644));
        assert!(!wanted.differences(&host, Path::new("/etc/x")).unwrap().is_empty());
        let failure = wanted.ensure(&host, Path::new("/etc/x")).unwrap_err();
        assert_eq!(failure.msg, "chown failed: failed to look up user nobody");
    }

    #[test]
    fn flags_compare_as_sets() {
        assert!(!flags_differ("+i", "ie") && flags_differ("+a", "ie"));
        assert!(!flags_differ("-a", "ie") && flags_differ("-i", "ie"));
        assert!(!flags_differ("ei", "ie") && flags_differ("=i", "ie"));
    }
}
