//! ssh_config(5): the part that rplay's own ssh honours, and a refusal for what it cannot.

use super::super::{TransportError, shell_words};
use super::pattern::{list_matches, matches};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How many files may include each other.
const DEPTH: u32 = 16;

/// Settings that change nothing here: display, multiplexing (one connection is held anyway),
/// forwarding that a batch of tasks has no use for, host name caching.
const HARMLESS: &[&str] = &[
    "addkeystoagent",
    "batchmode",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "canonicaldomains",
    "casignaturealgorithms",
    "channeltimeout",
    "checkhostip",
    "clearallforwardings",
    "compression",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "gssapikeyexchange",
    "gssapiclientidentity",
    "gssapirenewalforcesrekey",
    "gssapitrustdns",
    "gssapikexalgorithms",
    "gssapiserveridentity",
    "hashknownhosts",
    "hostbasedacceptedalgorithms",
    "hostbasedkeytypes",
    "ignoreunknown",
    "ipqos",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "permitlocalcommand",
    "permitremoteopen",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "rekeylimit",
    "remoteforward",
    "requiredrsasize",
    "requesttty",
    "sendenv",
    "sessiontype",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "updatehostkeys",
    "useroaming",
    "verifyhostkeydns",
    "versionaddendum",
    "visualhostkey",
    "xauthlocation",
    "useprivilegedport",
    "protocol",
    "cipher",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "challengeresponseauthentication",
    "skeyauthentication",
    "tunneldevice",
    "usekeychain",
];

/// Settings that are honoured. Lists add up in `identityfile` only; elsewhere the first value counts.
const HONOURED: &[&str] = &[
    "addressfamily",
    "bindaddress",
    "ciphers",
    "connectionattempts",
    "connecttimeout",
    "globalknownhostsfile",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "kbdinteractiveauthentication",
    "kexalgorithms",
    "macs",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "proxycommand",
    "proxyjump",
    "pubkeyauthentication",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// Settings that matter only when they are switched on, and cannot be honoured then.
const REFUSED_WHEN_ON: &[&str] = &[
    "canonicalizehostname",
    "hostbasedauthentication",
    "proxyusefdpass",
    "tunnel",
    "knownhostscommand",
    "certificatefile",
    "pkcs11provider",
    "bindinterface",
    "revokedhostkeys",
    "remotecommand",
    "setenv",
    "securitykeyprovider",
];

/// The files of ssh's configuration that are read.
#[derive(Debug, Clone)]
pub struct SshConfig {
    files: Vec<PathBuf>,
    home: PathBuf,
}

/// What the configuration says about one host. Names are in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    values: HashMap<String, Vec<String>>,
    /// Values of `identityfile`, in order.
    pub(super) identities: Vec<String>,
    /// The user as the patterns of `Match user` see it.
    user: Option<String>,
}

impl Settings {
    /// The words of a setting.
    pub(super) fn words(&self, name: &str) -> Option<&[String]> {
        self.values.get(name).map(Vec::as_slice)
    }
    /// The first word of a setting.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.words(name)?.first().map(String::as_str)
    }
    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.word(name)?.parse().ok()
    }
    /// Whether a setting says no.
    pub(super) fn is_off(&self, name: &str) -> bool {
        matches!(self.word(name), Some("no" | "false"))
    }
    /// Whether a setting says yes.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.word(name), Some("yes" | "true"))
    }

    /// Takes one setting; the first value of a name stays. `place` is for messages.
    pub(super) fn set(&mut self, name: &str, words: Vec<String>, place: &str) -> Result<(), TransportError> {
        let name = name.to_ascii_lowercase();
        let refused = |why: &str| {
            Err(TransportError::Unsupported(format!(
                "{place}: {name} {why}; use «ansible_connection: openssh» for this host"
            )))
        };
        if words.is_empty() {
            return Err(TransportError::Unsupported(format!("{place}: {name} has no value")));
        }
        if HARMLESS.contains(&name.as_str()) {
            return Ok(());
        }
        if REFUSED_WHEN_ON.contains(&name.as_str()) {
            return match words[0].as_str() {
                "no" | "none" | "false" | "internal" => Ok(()),
                _ => refused("cannot be honoured by the built-in ssh"),
            };
        }
        if !HONOURED.contains(&name.as_str()) {
            return refused("is not known to the built-in ssh");
        }
        match name.as_str() {
            "identityfile" => {
                if !self.identities.contains(&words[0]) {
                    self.identities.push(words[0].clone());
                }
            }
            _ => {
                if name == "user" && self.user.is_none() {
                    self.user = Some(words[0].clone());
                }
                self.values.entry(name).or_insert(words);
            }
        }
        Ok(())
    }
}

impl SshConfig {
    /// The user's and the system's files.
    pub fn of_user(home: &Path) -> SshConfig {
        SshConfig { files: vec![home.join(".ssh/config"), "/etc/ssh/ssh_config".into()], home: home.to_owned() }
    }

    /// One file, as `ssh -F` reads it. `none` reads nothing.
    pub fn of_file(file: &Path, home: &Path) -> SshConfig {
        let files = if file == Path::new("none") { Vec::new() } else { vec![file.to_owned()] };
        SshConfig { files, home: home.to_owned() }
    }

    /// Adds what the files say about `host` to settings that the command line gave.
    pub(super) fn apply(&self, host: &str, settings: &mut Settings) -> Result<(), TransportError> {
        for file in &self.files {
            self.read(file, host, settings, DEPTH)?;
        }
        Ok(())
    }

    fn read(&self, file: &Path, host: &str, settings: &mut Settings, depth: u32) -> Result<(), TransportError> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(TransportError::io(format!("cannot read {}", file.display()), error)),
        };
        let wrong = |place: &str, what: &str| Err(TransportError::Unsupported(format!("{place}: {what}")));
        let mut active = true;
        for (index, line) in text.lines().enumerate() {
            let place = format!("{}:{}", file.display(), index + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            let rest = rest.trim_start();
            let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
            let name = name.to_ascii_lowercase();
            if name == "proxycommand" {
                // The rest of the line, as it is: a shell reads it.
                if active {
                    settings.set(&name, vec![rest.to_owned()], &place)?;
                }
                continue;
            }
            let Some(mut words) = shell_words(rest) else { return wrong(&place, "a quote is not closed") };
            if let Some(comment) = words.iter().position(|word| word.starts_with('#')) {
                words.truncate(comment);
            }
            match name.as_str() {
                "host" => active = list_matches(words.iter().map(String::as_str), host),
                "match" => active = self.match_line(&words, host, settings, &place)?,
                "include" if active => {
                    if depth == 0 {
                        return wrong(&place, "too many files include each other");
                    }
                    for word in &words {
                        for path in self.expand_include(word, file) {
                            self.read(&path, host, settings, depth - 1)?;
                        }
                    }
                }
                _ if active => settings.set(&name, words, &place)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn match_line(
        &self,
        words: &[String],
        host: &str,
        settings: &Settings,
        place: &str,
    ) -> Result<bool, TransportError> {
        let mut words = words.iter().map(String::as_str);
        let mut result = true;
        while let Some(word) = words.next() {
            let (word, wanted) = match word.strip_prefix('!') {
                Some(word) => (word, false),
                None => (word, true),
            };
            let name = word.to_ascii_lowercase();
            let list = |words: &mut dyn Iterator<Item = &str>, text: &str| {
                words.next().is_some_and(|list| list_matches(list.split(','), text))
            };
            let hit = match name.as_str() {
                "all" => true,
                "canonical" | "final" => false,
                "host" => list(&mut words, settings.word("hostname").unwrap_or(host)),
                "originalhost" => list(&mut words, host),
                "user" => list(&mut words, settings.user.as_deref().unwrap_or(&local_user())),
                "localuser" => list(&mut words, &local_user()),
                // Once false, ssh does not ask further either.
                _ if !result => return Ok(false),
                _ => {
                    return Err(TransportError::Unsupported(format!(
                        "{place}: «Match {name}» is not known to the built-in ssh; use «ansible_connection: openssh» \
                         for this host"
                    )));
                }
            };
            result &= hit == wanted;
        }
        Ok(result)
    }

    /// The files that an Include means: `~` and relative paths (to ~/.ssh or /etc/ssh), `*` and `?`
    /// in the last component, sorted.
    fn expand_include(&self, word: &str, from: &Path) -> Vec<PathBuf> {
        let path = match word.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None if from.starts_with("/etc/ssh") => Path::new("/etc/ssh").join(word),
            None => self.home.join(".ssh").join(word),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.contains(['*', '?']) {
            return vec![path];
        }
        let entries = path.parent().and_then(|dir| std::fs::read_dir(dir).ok());
        let mut found: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| {
                let file = entry.file_name();
                !file.as_encoded_bytes().starts_with(b".") && matches(&name, &file.to_string_lossy())
            })
            .map(|entry| entry.path())
            .collect();
        found.sort();
        found
    }
}

/// The name of the user who runs rplay.
pub(super) fn local_user() -> String {
    // SAFETY: cannot fail.
    let uid = unsafe { libc::getuid() };
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn look(text: &str, host: &str) -> Result<Settings, TransportError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(".ssh/conf.d")).unwrap();
        std::fs::write(dir.path().join(".ssh/config"), text).unwrap();
        std::fs::write(dir.path().join(".ssh/conf.d/one"), "Host inc\n Port 2200\n").unwrap();
        let mut settings = Settings::default();
        SshConfig::of_file(&dir.path().join(".ssh/config"), dir.path()).apply(host, &mut settings)?;
        Ok(settings)
    }

    #[test]
    fn the_first_value_counts_and_identities_add_up() {
        let text = "Include conf.d/*\nHost web* !web9\n  HostName = 10.0.0.1 # note\n  IdentityFile \"~/a b\"\n\
                    Match originalhost web1 user bob\n  Port 99\nMatch host 10.0.0.1\n  Port 23\n\
                    Host *\n  HostName other\n  IdentityFile ~/c\n  ProxyCommand nc -x 'a' %h %p\n";
        let web = look(text, "web1").unwrap();
        assert_eq!(web.word("hostname"), Some("10.0.0.1"));
        assert_eq!(web.identities, ["~/a b", "~/c"]);
        assert_eq!(web.number("port"), Some(23));
        assert_eq!(web.word("proxycommand"), Some("nc -x 'a' %h %p"));
        assert_eq!(look(text, "web9").unwrap().word("hostname"), Some("other"));
        assert_eq!(look(text, "inc").unwrap().number("port"), Some(2200));
    }

    #[test]
    fn what_matters_and_is_not_known_is_refused_where_it_applies() {
        let text = "Host a\n PKCS11Provider /x.so\nHost b\n ForwardX11 yes\n Tunnel no\nHost c\n Nonsense 1\n";
        let error = look(text, "a").unwrap_err().to_string();
        assert!(error.contains("config:2: pkcs11provider") && error.contains("openssh"), "{error}");
        assert!(look(text, "b").is_ok());
        assert!(look(text, "c").is_err());
        assert!(look("Match exec true\n Port 1\n", "x").is_err());
        assert!(look("Match host y exec true\n Port 1\n", "x").is_ok());
    }
}
