//! What applies to one host: the target's own settings, ssh's arguments, ssh's configuration.

use super::super::{Target, TransportError};
use super::auth::Login;
use super::config::{Settings, SshConfig, local_user};
use super::known_hosts;
use ssh2::{MethodType, Session};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What happens to a host without a known key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Refused.
    Strict,
    /// Let in and remembered.
    AcceptNew,
    /// Everything is let in.
    Off,
}

/// The settings of one host, with ssh's rule that the first value counts.
#[derive(Debug)]
pub(super) struct Options {
    /// Where to connect.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// Files of known keys, the user's first.
    pub(super) known_hosts: Vec<PathBuf>,
    settings: Settings,
    /// The name that was asked for.
    original: String,
    home: PathBuf,
}

impl Options {
    /// Puts arguments before the target's settings and those before the files, as Ansible's command line does.
    pub(super) fn of(target: &Target) -> Result<Options, TransportError> {
        let home = home_dir();
        let mut settings = Settings::default();
        let mut file = None;
        arguments(&target.ssh_args, "ssh_args", &mut settings, &mut file)?;
        let mut give = |name: &str, value: String| settings.set(name, vec![value], "the inventory");
        if !target.host_key_checking {
            give("stricthostkeychecking", "no".into())?;
        }
        if let Some(port) = target.port {
            give("port", port.to_string())?;
        }
        if let Some(user) = &target.user {
            give("user", user.clone())?;
        }
        if let Some(key) = &target.private_key {
            give("identityfile", key.to_string_lossy().into_owned())?;
        }
        arguments(&target.ssh_common_args, "ssh_common_args", &mut settings, &mut file)?;
        arguments(&target.ssh_extra_args, "ssh_extra_args", &mut settings, &mut file)?;
        let config = match file {
            Some(file) => SshConfig::of_file(&expand_home(&file, &home), &home),
            None => SshConfig::of_user(&home),
        };
        config.apply(&target.host, &mut settings)?;
        Options::finish(target, settings, home)
    }

    fn finish(target: &Target, settings: Settings, home: PathBuf) -> Result<Options, TransportError> {
        let original = target.host.clone();
        let wrong = |what: &str, value: &str| Err(TransportError::Unsupported(format!("«{value}» is not a {what}")));
        let host = match settings.word("hostname") {
            Some(name) => name.replace("%h", &original).replace("%%", "%"),
            None => original.clone(),
        };
        let port = match settings.word("port") {
            None => 22,
            Some(text) => match text.parse() {
                Ok(port) => port,
                Err(_) => return wrong("port", text),
            },
        };
        if let Some(text) = settings.word("stricthostkeychecking")
            && !matches!(text, "yes" | "ask" | "true" | "accept-new" | "no" | "off" | "false")
        {
            return wrong("value of StrictHostKeyChecking", text);
        }
        let user = settings.word("user").map_or_else(local_user, str::to_owned);
        let mut options = Options { host, port, user, known_hosts: Vec::new(), settings, original, home };
        options.known_hosts = match target.known_hosts.is_empty() {
            false => target.known_hosts.clone(),
            true => {
                let user = options.files("userknownhostsfile", &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]);
                let system =
                    options.files("globalknownhostsfile", &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]);
                user.into_iter().chain(system).collect()
            }
        };
        Ok(options)
    }

    fn files(&self, name: &str, usual: &[&str]) -> Vec<PathBuf> {
        let words = self.settings.words(name).map(<[String]>::to_vec);
        let words = words.unwrap_or_else(|| usual.iter().map(|word| (*word).to_owned()).collect());
        words.iter().filter(|word| *word != "none").map(|word| self.path(word)).collect()
    }

    /// A file name with its tokens and `~` expanded.
    fn path(&self, text: &str) -> PathBuf {
        expand_home(&self.tokens(text), &self.home)
    }

    /// Expands `%h` and its kin (ssh_config(5), TOKENS).
    fn tokens(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('h') => out.push_str(&self.host),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(&self.user),
                Some('n') => out.push_str(&self.original),
                Some('u') => out.push_str(&local_user()),
                Some('d') => out.push_str(&self.home.to_string_lossy()),
                Some('i') => out.push_str(&user_id()),
                Some('l') => out.push_str(&host_name()),
                Some('L') => out.push_str(host_name().split('.').next().unwrap_or_default()),
                Some('k') => out.push_str(self.settings.word("hostkeyalias").unwrap_or(&self.original)),
                Some('%') => out.push('%'),
                Some(other) => out.extend(['%', other]),
                None => out.push('%'),
            }
        }
        out
    }

    pub(super) fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// The name under which the host's key is known.
    pub(super) fn lookup_name(&self) -> String {
        match self.settings.word("hostkeyalias") {
            Some(alias) => alias.to_ascii_lowercase(),
            None => known_hosts::lookup_name(&self.host, self.port),
        }
    }

    pub(super) fn strictness(&self) -> Strictness {
        match self.settings.word("stricthostkeychecking") {
            Some("no" | "off" | "false") => Strictness::Off,
            Some("accept-new") => Strictness::AcceptNew,
            _ => Strictness::Strict,
        }
    }

    /// The shorter of what the arguments and the target say, as under Ansible, which gives ssh its timeout.
    pub(super) fn connect_timeout(&self, target: &Target) -> Duration {
        match self.settings.number("connecttimeout") {
            Some(seconds @ 1..) => Duration::from_secs(seconds),
            _ => target.connect_timeout,
        }
    }

    pub(super) fn keepalive_interval(&self) -> Option<Duration> {
        self.settings.number("serveraliveinterval").filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    pub(super) fn keepalive_missing(&self) -> Option<u32> {
        let count = self.settings.number("serveralivecountmax").and_then(|count| u32::try_from(count).ok());
        // The count belongs to the interval: alone it means nothing.
        self.keepalive_interval().and(count.or(Some(3)))
    }

    pub(super) fn proxy_command(&self) -> Option<String> {
        self.settings.word("proxycommand").filter(|command| *command != "none").map(|command| self.tokens(command))
    }

    /// The hosts of ProxyJump, the nearest first.
    pub(super) fn jump_hosts(&self) -> Option<Vec<String>> {
        let list = self.settings.word("proxyjump").filter(|list| *list != "none")?;
        Some(list.split(',').map(|host| host.trim().to_owned()).collect())
    }

    pub(super) fn choose_family(&self, addresses: &mut Vec<IpAddr>) {
        match self.settings.word("addressfamily") {
            Some("inet") => addresses.retain(IpAddr::is_ipv4),
            Some("inet6") => addresses.retain(IpAddr::is_ipv6),
            _ => {}
        }
    }

    pub(super) fn sets_host_key_algorithms(&self) -> bool {
        self.settings.word("hostkeyalgorithms").is_some_and(is_plain_list)
    }

    /// Lists of algorithms that replace libssh2's. Those that only add to or take from OpenSSH's own
    /// defaults (`+`, `-`, `^`) have no meaning here.
    pub(super) fn methods(&self) -> Vec<(MethodType, String)> {
        let both = [
            ("kexalgorithms", vec![MethodType::Kex]),
            ("hostkeyalgorithms", vec![MethodType::HostKey]),
            ("ciphers", vec![MethodType::CryptCs, MethodType::CryptSc]),
            ("macs", vec![MethodType::MacCs, MethodType::MacSc]),
        ];
        let mut methods = Vec::new();
        for (name, kinds) in both {
            if let Some(list) = self.settings.word(name).filter(|list| is_plain_list(list)) {
                methods.extend(kinds.into_iter().map(|kind| (kind, list.to_owned())));
            }
        }
        methods
    }

    /// What a login works with.
    pub(super) fn login<'a>(&'a self, session: &'a Session, target: &'a Target) -> Login<'a> {
        let agent = match self.settings.word("identityagent") {
            Some("none") => None,
            Some("SSH_AUTH_SOCK") | None => std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
            Some(variable) if variable.starts_with('$') => std::env::var_os(&variable[1..]).map(PathBuf::from),
            Some(path) => Some(self.path(path)),
        };
        Login {
            session,
            target,
            settings: &self.settings,
            user: &self.user,
            host: &self.original,
            identities: self.settings.identities.iter().map(|file| self.path(file)).collect(),
            home: &self.home,
            agent,
        }
    }
}

fn is_plain_list(list: &str) -> bool {
    !list.starts_with(['+', '-', '^'])
}

/// Reads ssh's command line options. `file` is what `-F` names.
fn arguments(
    words: &[String],
    place: &str,
    settings: &mut Settings,
    file: &mut Option<String>,
) -> Result<(), TransportError> {
    let refused = |what: &str| {
        Err(TransportError::Unsupported(format!(
            "{place}: {what} cannot be honoured by the built-in ssh; use «ansible_connection: openssh» for this host"
        )))
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
            return refused(&format!("«{word}»"));
        };
        let mut rest = flags;
        while let Some(flag) = rest.chars().next() {
            rest = &rest[flag.len_utf8()..];
            match flag {
                // One connection is held open anyway; display and terminals change nothing.
                'C' | 'q' | 'v' | 'T' | 'x' | 'a' | 'k' | 'n' | 'y' => continue,
                '4' => settings.set("addressfamily", vec!["inet".into()], place)?,
                '6' => settings.set("addressfamily", vec!["inet6".into()], place)?,
                'o' | 'i' | 'p' | 'l' | 'J' | 'F' | 'S' | 'E' | 'e' | 'c' | 'm' => {
                    let value = match rest.is_empty() {
                        true => words.next().cloned().unwrap_or_default(),
                        false => std::mem::take(&mut rest).to_owned(),
                    };
                    if value.is_empty() {
                        return Err(TransportError::Unsupported(format!("{place}: -{flag} has no value")));
                    }
                    valued(flag, value, place, settings, file)?;
                }
                other => return refused(&format!("-{other}")),
            }
        }
    }
    Ok(())
}

/// Takes an option with a value.
fn valued(
    flag: char,
    value: String,
    place: &str,
    settings: &mut Settings,
    file: &mut Option<String>,
) -> Result<(), TransportError> {
    let name = match flag {
        'o' => return option(&value, place, settings),
        'F' => {
            file.get_or_insert(value);
            return Ok(());
        }
        'i' => "identityfile",
        'p' => "port",
        'l' => "user",
        'J' => "proxyjump",
        'c' => "ciphers",
        'm' => "macs",
        // A control socket, a log file, an escape character: nothing here has them.
        _ => return Ok(()),
    };
    settings.set(name, vec![value], place)
}

/// `-o Name=value` or `-o 'Name value'`.
fn option(text: &str, place: &str, settings: &mut Settings) -> Result<(), TransportError> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
    let lower = name.to_ascii_lowercase();
    if matches!(lower.as_str(), "forwardagent" | "forwardx11") && !matches!(rest, "no") {
        return Err(TransportError::Unsupported(format!(
            "{place}: {name} cannot be honoured by the built-in ssh; use «ansible_connection: openssh» for this host"
        )));
    }
    let words = match lower.as_str() {
        "proxycommand" => vec![rest.to_owned()],
        _ => super::super::shell_words(rest)
            .ok_or_else(|| TransportError::Unsupported(format!("{place}: a quote is not closed in «{text}»")))?,
    };
    settings.set(&lower, words, place)
}

fn expand_home(text: &str, home: &Path) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None if text == "~" => home.to_owned(),
        None => PathBuf::from(text),
    }
}

/// The home of the user who runs rplay.
pub(super) fn home_dir() -> PathBuf {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

fn user_id() -> String {
    // SAFETY: cannot fail.
    unsafe { libc::getuid() }.to_string()
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::transport::Kind;

    fn target(common: &[&str]) -> Target {
        let ssh_args = ["-F", "none", "-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s"];
        Target {
            ssh_args: ssh_args.map(str::to_owned).to_vec(),
            ssh_common_args: common.iter().map(|word| (*word).to_owned()).collect(),
            ..Target::new(Kind::Ssh, "web")
        }
    }

    #[test]
    fn arguments_the_target_and_defaults_meet() {
        let mut wanted = target(&["-oPort=2222", "-o", "StrictHostKeyChecking no", "-J", "a,b:23", "-o", "User=x"]);
        wanted.user = Some("deploy".into());
        let options = Options::of(&wanted).unwrap();
        assert_eq!((options.port, options.user.as_str()), (2222, "deploy"));
        assert_eq!(options.strictness(), Strictness::Off);
        assert_eq!(options.jump_hosts().unwrap(), ["a", "b:23"]);
        assert_eq!(options.lookup_name(), "[web]:2222");
        assert_eq!(options.tokens("%r@%h:%p %%"), "deploy@web:2222 %");
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_with_a_way_out() {
        for words in [&["-A"][..], &["-o", "ForwardAgent=yes"], &["-L", "1:x:2"], &["-o", "CertificateFile=x"], &["-W"]]
        {
            let error = Options::of(&target(words)).unwrap_err().to_string();
            assert!(error.contains("openssh"), "{words:?}: {error}");
        }
        assert!(Options::of(&target(&["-o", "StrictHostKeyChecking=perhaps"])).is_err());
        assert!(Options::of(&target(&["-p"])).is_err());
    }
}
