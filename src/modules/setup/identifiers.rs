//! What the host is known by in protocols: SSH host keys, iSCSI, NVMe and fibre channel names; and its resolver.

use super::files;
use crate::module::Host;
use crate::value::{Key, Map, Value};

/// The public keys of the SSH server.
pub fn ssh_keys(host: &dyn Host) -> Map {
    let mut facts = Map::new();
    let folders = ["/etc/ssh", "/etc/openssh", "/etc"];
    for folder in folders {
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let Some(line) = files::text(host, format!("{folder}/ssh_host_{kind}_key.pub")) else { continue };
            let mut words = line.split_whitespace();
            if let (Some(key_type), Some(key)) = (words.next(), words.next()) {
                facts.insert(Key::from(format!("ssh_host_key_{kind}_public")), Value::str(key));
                facts.insert(Key::from(format!("ssh_host_key_{kind}_public_keytype")), Value::str(key_type));
            }
        }
        if !facts.is_empty() {
            break;
        }
    }
    facts
}

/// The iSCSI initiator's name; empty without one.
pub fn iscsi(host: &dyn Host) -> String {
    let text = files::text(host, "/etc/iscsi/initiatorname.iscsi").unwrap_or_default();
    let name = text.lines().find_map(|line| line.trim().strip_prefix("InitiatorName="));
    name.unwrap_or_default().trim().to_owned()
}

/// The NVMe host's qualified name; empty without one.
pub fn nvme(host: &dyn Host) -> String {
    let text = files::text(host, "/etc/nvme/hostnqn").unwrap_or_default();
    let name = text.lines().map(str::trim).find(|line| line.starts_with("nqn."));
    name.unwrap_or_default().to_owned()
}

/// The ports' names of fibre channel adapters.
pub fn fibre_channel(host: &dyn Host) -> Value {
    let folder = "/sys/class/fc_host";
    let name = |adapter: &String| {
        let name = files::word(host, format!("{folder}/{adapter}/port_name"))?;
        Some(Value::str(name.trim_start_matches("0x")))
    };
    Value::list(files::names(host, folder).iter().filter_map(name).collect())
}

/// /etc/resolv.conf.
pub fn dns(host: &dyn Host) -> Map {
    let text = files::text(host, "/etc/resolv.conf").unwrap_or_default();
    let mut facts = Map::new();
    let mut servers = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        let list = |words: std::str::SplitWhitespace<'_>| Value::list(words.map(Value::str).collect());
        match words.next() {
            Some("nameserver") => servers.extend(words.map(Value::str)),
            Some("domain") => {
                facts.extend(words.next().map(|word| (Key::from("domain"), Value::str(word))));
            }
            Some(key @ ("search" | "sortlist")) => {
                facts.insert(Key::from(key), list(words));
            }
            Some("options") => {
                let option = |word: &str| match word.split_once(':') {
                    Some((name, value)) => (Key::from(name), Value::str(value)),
                    None => (Key::from(word), Value::Bool(true)),
                };
                facts.insert("options".into(), Value::map(words.map(option).collect()));
            }
            _ => {}
        }
    }
    if !servers.is_empty() {
        facts.insert("nameservers".into(), Value::list(servers));
    }
    facts
}
