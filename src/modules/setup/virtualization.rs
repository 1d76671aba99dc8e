//! Whether the host is a guest, and of what; and what it can be a host for.

use super::files;
use crate::module::Host;
use crate::value::{Map, Value};

/// What was found so far. The first finding gives type and role; all findings are listed.
#[derive(Default)]
struct Findings {
    first: Option<(String, &'static str)>,
    guest: Vec<String>,
    host: Vec<String>,
}

impl Findings {
    fn guest(&mut self, name: &str) {
        self.add(name, "guest");
    }

    fn add(&mut self, name: &str, role: &'static str) {
        let list = if role == "guest" { &mut self.guest } else { &mut self.host };
        if !list.iter().any(|known| known == name) {
            list.push(name.to_owned());
        }
        self.first.get_or_insert_with(|| (name.to_owned(), role));
    }
}

/// The facts.
pub fn facts(host: &dyn Host) -> Map {
    let mut found = Findings::default();
    containers(host, &mut found);
    xen(host, &mut found);
    firmware(host, &mut found);
    processors(host, &mut found);
    modules(host, &mut found);
    let (kind, role) = found.first.unwrap_or_else(|| ("NA".into(), "NA"));
    found.guest.sort();
    found.host.sort();
    Map::from([
        ("virtualization_type".into(), Value::from(kind)),
        ("virtualization_role".into(), Value::str(role)),
        ("virtualization_tech_guest".into(), Value::from(found.guest)),
        ("virtualization_tech_host".into(), Value::from(found.host)),
    ])
}

fn containers(host: &dyn Host, found: &mut Findings) {
    let groups = files::text(host, "/proc/1/cgroup").unwrap_or_default();
    for line in groups.lines() {
        if line.contains("/docker/") || (line.contains("/docker-") && line.ends_with(".scope")) {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    let environment = files::text(host, "/proc/1/environ").unwrap_or_default();
    if let Some(kind) = environment.split('\0').find_map(|variable| variable.strip_prefix("container=")) {
        match kind {
            "lxc" | "podman" => found.guest(kind),
            "" => {}
            _ => found.guest("container"),
        }
    }
    if files::exists(host, "/proc/vz") && !files::exists(host, "/proc/lve") {
        let role = if files::exists(host, "/proc/bc") { "host" } else { "guest" };
        found.add("openvz", role);
    }
    if let Some(kind) = files::word(host, "/run/systemd/container") {
        found.guest(&kind);
    }
    if files::exists(host, "/.dockerenv") || files::exists(host, "/.dockerinit") {
        found.guest("docker");
    }
    const CONTAINERS: [&str; 5] = ["docker", "lxc", "podman", "openvz", "containerd"];
    if found.guest.iter().any(|name| CONTAINERS.contains(&name.as_str())) {
        found.guest("container");
    }
}

fn xen(host: &dyn Host, found: &mut Findings) {
    if files::exists(host, "/proc/xen") {
        let capabilities = files::text(host, "/proc/xen/capabilities").unwrap_or_default();
        found.add("xen", if capabilities.contains("control_d") { "host" } else { "guest" });
    }
}

fn firmware(host: &dyn Host, found: &mut Findings) {
    let id = |name: &str| files::word(host, format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default();
    let (product, vendor, bios) = (id("product_name"), id("sys_vendor"), id("bios_vendor"));
    let kind =
        match (product.as_str(), vendor.as_str(), bios.as_str()) {
            (_, "oVirt", _) => "oVirt",
            (_, "Red Hat", _) if id("product_family") == "RHV" || product.contains("RHEV") => {
                if product.contains("RHEV") { "RHEV" } else { "RHV" }
            }
            ("VMware Virtual Platform" | "VMware7,1" | "VMware20,1", ..) => "VMware",
            ("OpenStack Compute" | "OpenStack Nova", ..) | (_, "OpenStack Foundation", _) => "openstack",
            (_, _, "Xen") => "xen",
            (_, _, "innotek GmbH") => "virtualbox",
            ("KVM" | "KVM Server" | "Bochs" | "AHV", ..) => "kvm",
            (_, "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" | "Hetzner", _) => "kvm",
            (_, "KVM" | "KVM Server" | "Bochs" | "AHV", _) => "kvm",
            (_, _, "Amazon EC2" | "DigitalOcean" | "Hetzner") => "kvm",
            (_, "KubeVirt", _) => "KubeVirt",
            (_, "Microsoft Corporation", _) => "VirtualPC",
            (_, "Parallels Software International Inc.", _) => "parallels",
            _ => return,
        };
    found.guest(kind);
}

fn processors(host: &dyn Host, found: &mut Findings) {
    let text = files::text(host, "/proc/cpuinfo").unwrap_or_default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        match (name.trim(), value.trim()) {
            ("model name", value) if value.starts_with("QEMU Virtual CPU") => found.guest("kvm"),
            ("vendor_id", "User Mode Linux") => found.guest("uml"),
            ("vendor_id", "PowerVM Lx86") => found.guest("powervm_lx86"),
            ("vendor_id", "IBM/S390") => found.guest("PR/SM"),
            ("machine", "CHRP IBM pSeries (emulated by qemu)") => found.guest("kvm"),
            _ => {}
        }
    }
}

fn modules(host: &dyn Host, found: &mut Findings) {
    let text = files::text(host, "/proc/modules").unwrap_or_default();
    let loaded: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    // /dev/kvm is there when the code is built into the kernel.
    if loaded.contains(&"kvm") || files::exists(host, "/dev/kvm") {
        found.add("kvm", "host");
    }
    if loaded.contains(&"vboxdrv") {
        found.add("virtualbox", "host");
    }
    if loaded.contains(&"virtio") {
        found.guest("kvm");
    }
}
