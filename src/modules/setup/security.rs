//! Security modules of the kernel and the process's capabilities.

use super::files;
use crate::module::Host;
use crate::value::{Map, Value};
use std::collections::BTreeMap;

/// AppArmor.
pub fn apparmor(host: &dyn Host) -> Value {
    let enabled = files::exists(host, "/sys/kernel/security/apparmor");
    Value::from([("status", if enabled { "enabled" } else { "disabled" })])
}

/// Whether the kernel runs in FIPS mode.
pub fn fips(host: &dyn Host) -> bool {
    files::word(host, "/proc/sys/crypto/fips_enabled").as_deref() == Some("1")
}

/// SELinux, read from its file system and its configuration.
pub fn selinux(host: &dyn Host) -> Map {
    let mut status = Map::new();
    let enforce = files::word(host, "/sys/fs/selinux/enforce");
    match &enforce {
        None => {
            status.insert("status".into(), Value::str("disabled"));
        }
        Some(enforce) => {
            let config = files::assignments(&files::text(host, "/etc/selinux/config").unwrap_or_default());
            let setting = |name: &str| config.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            let version = files::word(host, "/sys/fs/selinux/policyvers");
            let version = version.and_then(|text| text.parse::<i64>().ok()).map_or(Value::str("unknown"), Value::from);
            status.insert("status".into(), Value::str("enabled"));
            status.insert("policyvers".into(), version);
            status.insert("config_mode".into(), Value::str(setting("SELINUX").unwrap_or("unknown")));
            status.insert("mode".into(), Value::str(if enforce == "1" { "enforcing" } else { "permissive" }));
            status.insert("type".into(), Value::str(setting("SELINUXTYPE").unwrap_or("unknown")));
        }
    }
    Map::from([("selinux".into(), Value::map(status)), ("selinux_python_present".into(), Value::Bool(true))])
}

/// Names of capabilities by number, as in linux/capability.h.
const NAMES: &[&str] = &[
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The capabilities of this process. Ansible has them from the program capsh: without it they are `NA` too.
pub fn capabilities(host: &dyn Host) -> Map {
    let (mut enforced, mut listed) = (Value::str("NA"), Value::list(Vec::new()));
    if host.which("capsh").is_some() {
        let status = files::text(host, "/proc/self/status").unwrap_or_default();
        let last = files::word(host, "/proc/sys/kernel/cap_last_cap").and_then(|text| text.parse().ok()).unwrap_or(40);
        let text = capability_text(&status, last);
        match text.as_str() {
            "=ep" => enforced = Value::str("False"),
            text => {
                enforced = Value::str("True");
                let after = text.split('=').nth(1).unwrap_or_default();
                listed = Value::list(after.split(',').map(|item| Value::str(item.trim())).collect());
            }
        }
    }
    Map::from([("system_capabilities".into(), listed), ("system_capabilities_enforced".into(), enforced)])
}

/// The text form of cap_to_text(3) for the sets in /proc/PID/status.
fn capability_text(status: &str, last: usize) -> String {
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()).unwrap_or_default()
    };
    let (effective, inheritable, permitted) = (set("CapEff"), set("CapInh"), set("CapPrm"));
    let flags = |at: usize| {
        let bit = |set: u64, flag: char| (set >> at & 1 == 1).then_some(flag);
        [bit(effective, 'e'), bit(inheritable, 'i'), bit(permitted, 'p')].into_iter().flatten().collect::<String>()
    };
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    (0..=last).for_each(|at| groups.entry(flags(at)).or_default().push(at));
    let base =
        groups.iter().max_by_key(|(_, members)| members.len()).map(|(flags, _)| flags.clone()).unwrap_or_default();
    let mut out = String::new();
    if !base.is_empty() || groups.len() == 1 {
        out = format!("={base}");
    }
    for (flags, members) in groups.iter().filter(|(flags, _)| **flags != base) {
        let names: Vec<_> = members
            .iter()
            .map(|at| NAMES.get(*at).map_or_else(|| at.to_string(), |name| format!("cap_{name}")))
            .collect();
        let names = names.join(",");
        let added: String = flags.chars().filter(|flag| !base.contains(*flag)).collect();
        let lost: String = base.chars().filter(|flag| !flags.contains(*flag)).collect();
        let blank = if out.is_empty() { "" } else { " " };
        out += &match (base.is_empty(), added.is_empty(), lost.is_empty()) {
            (true, ..) => format!("{blank}{names}={flags}"),
            (false, true, _) => format!("{blank}{names}-{lost}"),
            (false, false, true) => format!("{blank}{names}+{added}"),
            (false, false, false) => format!("{blank}{names}+{added}-{lost}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_as_libcap_writes_them() {
        let status = |set: &str| format!("CapInh:\t0\nCapPrm:\t{set}\nCapEff:\t{set}\n");
        assert_eq!(capability_text(&status("000001ffffffffff"), 40), "=ep");
        assert_eq!(capability_text(&status("000001fffeffffff"), 40), "=ep cap_sys_resource-ep");
        assert_eq!(capability_text(&status("0"), 40), "=");
        assert_eq!(capability_text(&status("401"), 40), "cap_chown,cap_net_bind_service=ep");
    }
}
