//! `gather_subset`: which parts of the facts are wanted, by Ansible's names.

use std::collections::BTreeSet;

/// A part of the facts that is collected at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Kernel, architecture, names of the host.
    Platform,
    /// The distribution.
    Distribution,
    /// AppArmor.
    Apparmor,
    /// Capabilities.
    Caps,
    /// Whether / is a chroot.
    Chroot,
    /// The kernel's command line.
    Cmdline,
    /// The clock.
    DateTime,
    /// The resolver.
    Dns,
    /// The environment.
    Env,
    /// Fibre channel.
    FibreChannel,
    /// FIPS mode.
    Fips,
    /// Processors, memory, devices, mounts, firmware.
    Hardware,
    /// iSCSI.
    Iscsi,
    /// Load.
    Loadavg,
    /// facts.d.
    Local,
    /// Linux Standard Base.
    Lsb,
    /// Interfaces.
    Network,
    /// NVMe.
    Nvme,
    /// The package manager.
    PkgMgr,
    /// Python.
    Python,
    /// SELinux.
    Selinux,
    /// The service manager.
    ServiceMgr,
    /// Public keys of the SSH server.
    SshPubKeys,
    /// systemd's version.
    Systemd,
    /// The user.
    User,
    /// Virtualization.
    Virtual,
}

use Part::*;

/// Each part's names: its own first, then the facts that also name it. Part, whether it belongs to `min`, names.
const PARTS: &[(Part, bool, &[&str])] = &[
    (
        Platform,
        true,
        &["platform", "system", "kernel", "kernel_version", "machine", "python_version", "architecture", "machine_id"],
    ),
    (
        Distribution,
        true,
        &["distribution", "distribution_version", "distribution_release", "distribution_major_version", "os_family"],
    ),
    (Apparmor, true, &["apparmor"]),
    (Caps, true, &["caps", "system_capabilities", "system_capabilities_enforced"]),
    (Chroot, false, &["chroot", "is_chroot"]),
    (Cmdline, true, &["cmdline"]),
    (DateTime, true, &["date_time"]),
    (Dns, true, &["dns"]),
    (Env, true, &["env"]),
    (FibreChannel, false, &["fibre_channel_wwn"]),
    (Fips, true, &["fips"]),
    (Hardware, false, &["hardware", "processor", "processor_cores", "processor_count", "mounts", "devices"]),
    (Iscsi, false, &["iscsi"]),
    (Loadavg, false, &["loadavg"]),
    (Local, true, &["local"]),
    (Lsb, true, &["lsb"]),
    (
        Network,
        false,
        &["network", "interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"],
    ),
    (Nvme, false, &["nvme"]),
    (PkgMgr, true, &["pkg_mgr"]),
    (Python, true, &["python"]),
    (Selinux, true, &["selinux"]),
    (ServiceMgr, true, &["service_mgr"]),
    (
        SshPubKeys,
        true,
        &[
            "ssh_pub_keys",
            "ssh_host_pub_keys",
            "ssh_host_key_dsa_public",
            "ssh_host_key_rsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
        ],
    ),
    (Systemd, false, &["systemd"]),
    (
        User,
        true,
        &[
            "user",
            "user_id",
            "user_uid",
            "user_gid",
            "user_gecos",
            "user_dir",
            "user_shell",
            "real_user_id",
            "effective_user_id",
            "effective_group_ids",
        ],
    ),
    (
        Virtual,
        false,
        &[
            "virtual",
            "virtualization_type",
            "virtualization_role",
            "virtualization_tech_guest",
            "virtualization_tech_host",
        ],
    ),
];

/// Names that Ansible knows and that gather nothing here: facts that other programs make.
const FOREIGN: &[&str] = &["facter", "ohai"];

/// What is gathered first because a part reads it; Ansible returns those facts too.
fn needed_by(part: Part) -> &'static [Part] {
    match part {
        Network => &[Platform, Distribution],
        Hardware | ServiceMgr => &[Platform],
        PkgMgr => &[Distribution],
        _ => &[],
    }
}

/// The parts that the words ask for. `!` leaves one out; `all` and `min` stand for groups. Without a
/// positive word it is all. `min` stays unless `!min` is given.
pub fn wanted(words: &[String]) -> Result<BTreeSet<Part>, String> {
    let all = || PARTS.iter().map(|(part, ..)| *part).collect::<BTreeSet<_>>();
    let min = || PARTS.iter().filter(|(_, min, _)| *min).map(|(part, ..)| *part).collect::<BTreeSet<_>>();
    let mut added = BTreeSet::new();
    let mut named = BTreeSet::new();
    let mut removed = BTreeSet::new();
    let mut without_min = false;
    for word in words {
        let (name, negated) = word.strip_prefix('!').map_or((word.as_str(), false), |name| (name, true));
        match (name, negated) {
            ("all", false) => added.extend(all()),
            ("min", false) => added.extend(min()),
            ("all", true) => removed.extend(all().difference(&min()).copied()),
            ("min", true) => without_min = true,
            (name, _) if FOREIGN.contains(&name) => {}
            (name, _) => {
                let part = PARTS.iter().find(|(.., names)| names.contains(&name));
                let (part, ..) = part.ok_or_else(|| bad(name))?;
                if negated {
                    removed.insert(*part)
                } else {
                    named.insert(*part)
                };
            }
        }
    }
    if without_min {
        removed.extend(min());
    }
    if added.is_empty() && named.is_empty() && !words.iter().any(|word| !word.starts_with('!')) {
        added = all();
    }
    if !without_min {
        added.extend(min());
    }
    // A part that is named stays, whatever the groups leave out.
    let mut parts: BTreeSet<Part> = added.difference(&removed).copied().chain(named).collect();
    for part in parts.clone() {
        parts.extend(needed_by(part));
    }
    Ok(parts)
}

fn bad(name: &str) -> String {
    let mut names: Vec<_> = PARTS.iter().flat_map(|(.., names)| names.iter().copied()).chain(["all", "min"]).collect();
    names.sort_unstable();
    format!("Bad subset '{name}' given to gather_subset; it may be: {}", names.join(", "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parts(words: &[&str]) -> BTreeSet<Part> {
        wanted(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn groups_and_names() {
        assert!(parts(&["all"]).contains(&Hardware));
        let min = parts(&["!all"]);
        assert!(min.contains(&Distribution) && !min.contains(&Network));
        assert_eq!(parts(&["min"]), min);
        assert!(parts(&["!all", "!min"]).is_empty());
        assert_eq!(parts(&["!all", "!min", "os_family"]), BTreeSet::from([Distribution]));
        assert_eq!(parts(&["!all", "!min", "interfaces"]), BTreeSet::from([Platform, Distribution, Network]));
        assert!(!parts(&["!hardware"]).contains(&Hardware) && parts(&["!hardware"]).contains(&Network));
        assert!(parts(&["network"]).contains(&Fips) && !parts(&["network"]).contains(&Hardware));
        assert!(wanted(&["nonsense".to_owned()]).unwrap_err().contains("'nonsense'"));
    }
}
