//! The distribution, in Ansible's spellings (`Debian`, `Rocky`, `CentOS`), and what follows from it.

use super::files;
use crate::module::Host;
use crate::value::{Map, Value};

/// What the host runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Such as `Debian` or `Rocky`.
    pub name: String,
    /// Such as `12.5`.
    pub version: String,
    /// Such as `bookworm`.
    pub release: String,
    /// Such as `RedHat`.
    pub family: String,
    /// The version's second part, for the distributions where Ansible gives it.
    pub minor: Option<String>,
    /// The file that says so, and its variety.
    pub file: Option<(&'static str, &'static str)>,
}

/// os-release's ID, Ansible's name, its family, the file that Ansible reads it from and that file's variety.
const KNOWN: &[(&str, &str, &str, &str, &str)] = &[
    ("debian", "Debian", "Debian", "/etc/os-release", "Debian"),
    ("raspbian", "Debian", "Debian", "/etc/os-release", "Debian"),
    ("ubuntu", "Ubuntu", "Debian", "/etc/os-release", "Debian"),
    ("linuxmint", "Linux Mint", "Debian", "/etc/os-release", "Debian"),
    ("kali", "Kali", "Debian", "/etc/os-release", "Debian"),
    ("pop", "Pop!_OS", "Debian", "/etc/os-release", "NA"),
    ("devuan", "Devuan", "Debian", "/etc/os-release", "Debian"),
    ("rhel", "RedHat", "RedHat", "/etc/redhat-release", "RedHat"),
    ("centos", "CentOS", "RedHat", "/etc/redhat-release", "RedHat"),
    ("rocky", "Rocky", "RedHat", "/etc/redhat-release", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat", "/etc/redhat-release", "RedHat"),
    ("fedora", "Fedora", "RedHat", "/etc/redhat-release", "RedHat"),
    ("ol", "OracleLinux", "RedHat", "/etc/oracle-release", "OracleLinux"),
    ("amzn", "Amazon", "RedHat", "/etc/os-release", "Amazon"),
    ("opensuse-leap", "openSUSE Leap", "Suse", "/etc/os-release", "SUSE"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse", "/etc/os-release", "SUSE"),
    ("sles", "SLES", "Suse", "/etc/os-release", "SUSE"),
    ("arch", "Archlinux", "Archlinux", "/etc/arch-release", "Archlinux"),
    ("alpine", "Alpine", "Alpine", "/etc/alpine-release", "Alpine"),
    ("gentoo", "Gentoo", "Gentoo", "/etc/os-release", "NA"),
    ("void", "Void", "Void", "/etc/os-release", "NA"),
];

/// Reads the distribution from the host's release files.
pub fn read(host: &dyn Host) -> Distribution {
    let text = files::text(host, "/etc/os-release").or_else(|| files::text(host, "/usr/lib/os-release"));
    let fields = files::assignments(&text.unwrap_or_default());
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let id = field("ID").unwrap_or("linux").to_lowercase();
    let mut found = Distribution { version: field("VERSION_ID").unwrap_or("NA").to_owned(), ..Distribution::default() };
    match KNOWN.iter().find(|(known, ..)| *known == id) {
        Some((_, name, family, path, variety)) => {
            found.name = (*name).to_owned();
            found.family = (*family).to_owned();
            found.file = files::exists(host, path).then_some((*path, *variety));
        }
        None => {
            found.name = capitalize(field("ID").unwrap_or("Linux"));
            let like = field("ID_LIKE").unwrap_or_default();
            let relative = KNOWN.iter().find(|(known, ..)| like.split_whitespace().any(|word| word == *known));
            found.family = relative.map_or_else(|| found.name.clone(), |(_, _, family, ..)| (*family).to_owned());
        }
    }
    let in_brackets = field("VERSION").and_then(|text| text.split_once('(')?.1.split(')').next());
    let unknown = if host.which("lsb_release").is_some() { "n/a" } else { "NA" };
    found.release = field("VERSION_CODENAME").or(in_brackets).unwrap_or(unknown).to_owned();
    refine(host, &id, &mut found);
    found
}

/// What single distributions say elsewhere than in os-release.
fn refine(host: &dyn Host, id: &str, found: &mut Distribution) {
    match id {
        "debian" | "raspbian" => {
            // os-release has the major version only.
            let exact = files::word(host, "/etc/debian_version");
            if let Some(exact) = exact.filter(|text| text.starts_with(|c: char| c.is_ascii_digit())) {
                found.minor = exact.split_once('.').map(|(_, minor)| minor.to_owned());
                found.version = exact;
            }
        }
        "rhel" | "centos" | "rocky" | "almalinux" | "fedora" | "ol" => {
            let line = found.file.and_then(|(path, _)| files::word(host, path)).unwrap_or_default();
            if let Some(version) = line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                // CentOS 7 writes 7.9.2009 where the others stop at the second part.
                found.version = version.split('.').take(2).collect::<Vec<_>>().join(".");
            }
            if line.contains("Stream") {
                found.release = "Stream".into();
            }
        }
        "amzn" => found.minor = Some("NA".into()),
        "opensuse-leap" => found.release = found.version.split('.').nth(1).unwrap_or("NA").to_owned(),
        "arch" => found.version = "rolling".into(),
        "alpine" => {
            found.version = files::word(host, "/etc/alpine-release").unwrap_or_else(|| found.version.clone());
        }
        _ => {}
    }
}

fn capitalize(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The facts.
pub fn facts(found: &Distribution) -> Map {
    let major = found.version.split('.').next().unwrap_or_default();
    let mut facts = Map::from([
        ("distribution".into(), Value::str(&found.name)),
        ("distribution_version".into(), Value::str(&found.version)),
        ("distribution_major_version".into(), Value::str(major)),
        ("distribution_release".into(), Value::str(&found.release)),
        ("os_family".into(), Value::str(&found.family)),
    ]);
    if let Some(minor) = &found.minor {
        facts.insert("distribution_minor_version".into(), Value::str(minor));
    }
    if let Some((path, variety)) = found.file {
        facts.insert("distribution_file_path".into(), Value::str(path));
        facts.insert("distribution_file_variety".into(), Value::str(variety));
        facts.insert("distribution_file_parsed".into(), Value::Bool(true));
        if found.name == "RedHat" {
            facts.insert("distribution_file_search_string".into(), Value::str("Red Hat"));
        }
    }
    facts
}

/// The package manager by Ansible's name, `unknown` when none is found.
pub fn package_manager(host: &dyn Host, family: &str) -> &'static str {
    let there = |path: &str| files::exists(host, path);
    match family {
        "Debian" if there("/usr/bin/apt-get") => return "apt",
        "RedHat" => {
            let by_default =
                |path| host.canonicalize("/usr/bin/dnf".as_ref()).is_ok_and(|real| real == std::path::Path::new(path));
            if by_default("/usr/bin/dnf5") || (there("/usr/bin/dnf5") && !there("/usr/bin/dnf-3")) {
                return "dnf5";
            }
            if let Some((_, name)) =
                [("/usr/bin/dnf", "dnf"), ("/usr/bin/yum", "yum")].iter().find(|(path, _)| there(path))
            {
                return name;
            }
        }
        _ => {}
    }
    const PROGRAMS: &[(&str, &str)] = &[
        ("/usr/bin/apt-get", "apt"),
        ("/usr/bin/dnf", "dnf"),
        ("/usr/bin/yum", "yum"),
        ("/usr/bin/zypper", "zypper"),
        ("/usr/bin/pacman", "pacman"),
        ("/sbin/apk", "apk"),
        ("/usr/bin/emerge", "portage"),
        ("/usr/bin/xbps-install", "xbps"),
        ("/usr/bin/rpm-ostree", "atomic_container"),
    ];
    PROGRAMS.iter().find(|(path, _)| there(path)).map_or("unknown", |(_, name)| name)
}

/// The service manager by Ansible's name.
pub fn service_manager(host: &dyn Host) -> String {
    let first = files::word(host, "/proc/1/comm").unwrap_or_default();
    let systemd = ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"];
    if first == "systemd" || systemd.iter().any(|path| files::exists(host, path)) {
        return "systemd".into();
    }
    match first.as_str() {
        "openrc-init" => "openrc".into(),
        "runit" | "runit-init" => "runit".into(),
        "upstart" => "upstart".into(),
        "procd" => "openwrt_init".into(),
        // Names that say nothing: what there is to work with decides.
        "init" | "sh" | "bash" | "dash" | "ash" | "" | "COMMAND" => {
            let there = |path: &str| files::exists(host, path);
            match () {
                () if there("/sbin/openrc") => "openrc".into(),
                () if there("/etc/init.d") => "sysvinit".into(),
                () => "service".into(),
            }
        }
        other => other.to_owned(),
    }
}

/// What `lsb_release` says, where it is installed, or what /etc/lsb-release says.
pub fn lsb(host: &dyn Host) -> Map {
    let text = |path: &str| files::text(host, path).unwrap_or_default();
    let installed = host.which("lsb_release").is_some();
    let (source, keys) = match installed {
        true => (text("/etc/os-release"), ["ID", "VERSION_ID", "VERSION_CODENAME", "PRETTY_NAME"]),
        false => {
            (text("/etc/lsb-release"), ["DISTRIB_ID", "DISTRIB_RELEASE", "DISTRIB_CODENAME", "DISTRIB_DESCRIPTION"])
        }
    };
    let fields = files::assignments(&source);
    let mut facts = Map::new();
    for (key, name) in keys.iter().zip(["id", "release", "codename", "description"]) {
        if let Some((_, value)) = fields.iter().find(|(field, _)| field == key) {
            let value = match (installed, name) {
                (true, "id") => capitalize(value),
                (true, "codename") if value.is_empty() => "n/a".into(),
                _ => value.clone(),
            };
            if name == "release" {
                facts.insert("major_release".into(), Value::str(value.split('.').next().unwrap_or_default()));
            }
            facts.insert(name.into(), Value::from(value));
        }
    }
    if installed {
        facts.entry("codename".into()).or_insert_with(|| Value::str("n/a"));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;

    #[test]
    fn names_and_versions_are_ansibles() {
        let debian = FakeHost::new()
            .with_file("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\n", 0o644)
            .with_file("/etc/debian_version", "12.5\n", 0o644);
        let found = read(&debian);
        assert_eq!(
            (found.name.as_str(), found.version.as_str(), found.release.as_str()),
            ("Debian", "12.5", "bookworm")
        );
        assert_eq!((found.family.as_str(), found.minor.as_deref()), ("Debian", Some("5")));
        let rocky = FakeHost::new()
            .with_file("/etc/os-release", "ID=\"rocky\"\nVERSION=\"8.10 (Green Obsidian)\"\nVERSION_ID=\"8.10\"\nID_LIKE=\"rhel centos fedora\"\n", 0o644)
            .with_file("/etc/redhat-release", "Rocky Linux release 8.10 (Green Obsidian)\n", 0o644);
        let found = read(&rocky);
        assert_eq!((found.name.as_str(), found.version.as_str()), ("Rocky", "8.10"));
        assert_eq!((found.release.as_str(), found.family.as_str()), ("Green Obsidian", "RedHat"));
        let other = FakeHost::new().with_file("/etc/os-release", "ID=mine\nID_LIKE=debian\nVERSION_ID=3\n", 0o644);
        assert_eq!((read(&other).name.as_str(), read(&other).family.as_str()), ("Mine", "Debian"));
    }

    #[test]
    fn managers() {
        let host = FakeHost::new().with_file("/usr/bin/dnf", "", 0o755).with_file("/usr/bin/apt-get", "", 0o755);
        assert_eq!(package_manager(&host, "RedHat"), "dnf");
        assert_eq!(package_manager(&host, "Debian"), "apt");
        assert_eq!(service_manager(&host.with_file("/proc/1/comm", "systemd\n", 0o444)), "systemd");
    }
}
