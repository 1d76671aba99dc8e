//! The `setup` module: facts of a host, in Ansible's names, types and letter case.

mod distribution;
mod files;
mod hardware;
mod identifiers;
mod kernel;
mod local;
mod network;
mod platform;
mod programs;
mod security;
mod subset;
mod virtualization;

pub use distribution::{package_manager, read as read_distribution, service_manager};

use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::modules::{expand, wildcard};
use crate::value::{Key, Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;
use subset::Part;

/// Gathers facts.
pub struct Setup;

crate::module_args! {
    /// Arguments of `setup`.
    pub struct Args {
        /// Which parts are gathered: `all`, `min`, `hardware`, `network`, `virtual` and others; `!` leaves a part out.
        gather_subset: Vec<String> = vec!["all".to_owned()],
        /// Patterns of facts' names, with or without `ansible_`; only facts that fit one are returned.
        filter: Vec<String> = Vec::<String>::new(),
        /// Seconds that a single fact may take.
        gather_timeout: u64 = 10_u64,
        /// Where the `*.fact` files of local facts are.
        fact_path: String = "/etc/ansible/facts.d",
    }
}

impl Module for Setup {
    type Args = Args;
    type State = Map;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.setup",
        aliases: &["setup", "ansible.legacy.setup"],
        summary: "Gathers facts of a host.",
        notes: "Plays run it by themselves unless `gather_facts` is off. Everything is read from the kernel and from \
                files; Python is not needed.",
        returns: &[ReturnSpec { name: "ansible_facts", doc: "The facts, each name with `ansible_` before it." }],
        examples: &[
            Example {
                title: "Only the network",
                yaml: "ansible.builtin.setup:\n  gather_subset: ['!all', '!min', network]",
            },
            Example {
                title: "Some facts",
                yaml: "ansible.builtin.setup:\n  filter: ['ansible_distribution*', memtotal_mb]",
            },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Map, Failure> {
        let parts = subset::wanted(&args.gather_subset).map_err(Failure::new)?;
        Ok(gather(args, &parts, host))
    }

    fn plan(&self, args: &Args, state: &Map) -> Result<Plan<()>, Failure> {
        let mut facts = Map::new();
        for (name, value) in state {
            let name = name.to_string();
            let full = format!("ansible_{name}");
            let fits = |pattern: &String| wildcard::matches(pattern, &full) || wildcard::matches(pattern, &name);
            let patterns: Vec<&String> = args.filter.iter().filter(|pattern| !pattern.is_empty()).collect();
            if patterns.is_empty() || patterns.into_iter().any(fits) {
                facts.insert(Key::from(full), value.clone());
            }
        }
        let unfiltered = args.filter.iter().all(|pattern| pattern.is_empty() || pattern == "*");
        if unfiltered {
            facts.insert("gather_subset".into(), Value::from(args.gather_subset.clone()));
            facts.insert("module_setup".into(), Value::Bool(true));
        }
        Ok(Plan::nothing().with("ansible_facts", facts))
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

/// Gathers the parts; what takes a program runs beside the rest.
fn gather(args: &Args, parts: &BTreeSet<Part>, host: &dyn Host) -> Map {
    let wants = |part: Part| parts.contains(&part);
    std::thread::scope(|scope| {
        let python = (wants(Part::Python) || wants(Part::Platform)).then(|| scope.spawn(|| programs::python(host)));
        let systemd = wants(Part::Systemd).then(|| scope.spawn(|| programs::systemd(host)));
        let local =
            wants(Part::Local).then(|| scope.spawn(|| local::facts(host, &expand::path(host, &args.fact_path))));
        let mut facts = Map::new();
        parts.iter().for_each(|part| facts.extend(quick(*part, args, host)));
        // A thread that panicked leaves its facts out.
        if let Some(mut python) = python.and_then(|thread| thread.join().ok()) {
            facts.extend(
                python
                    .shift_remove("python_version")
                    .filter(|_| wants(Part::Platform))
                    .map(|version| (Key::from("python_version"), version)),
            );
            facts.extend(
                python
                    .shift_remove("python")
                    .filter(|_| wants(Part::Python))
                    .map(|python| (Key::from("python"), python)),
            );
        }
        if let Some(systemd) = systemd.and_then(|thread| thread.join().ok()).flatten() {
            facts.insert("systemd".into(), systemd);
        }
        if let Some(local) = local.and_then(|thread| thread.join().ok()) {
            facts.insert("local".into(), Value::map(local));
        }
        facts
    })
}

/// The parts that are read from files and the kernel.
fn quick(part: Part, args: &Args, host: &dyn Host) -> Map {
    let one = |name: &str, value: Value| Map::from([(Key::from(name), value)]);
    match part {
        Part::Platform => platform::platform(host),
        Part::Distribution => distribution::facts(&distribution::read(host)),
        Part::Apparmor => one("apparmor", security::apparmor(host)),
        Part::Caps => security::capabilities(host),
        Part::Chroot => one("is_chroot", Value::Bool(is_chroot(host))),
        Part::Cmdline => {
            let (last, every) = platform::command_line(host);
            Map::from([("cmdline".into(), Value::map(last)), ("proc_cmdline".into(), Value::map(every))])
        }
        Part::DateTime => one("date_time", platform::date_time(host)),
        Part::Dns => one("dns", Value::map(identifiers::dns(host))),
        Part::Env => one("env", Value::map(platform::environment(host))),
        Part::FibreChannel => one("fibre_channel_wwn", identifiers::fibre_channel(host)),
        Part::Fips => one("fips", Value::Bool(security::fips(host))),
        Part::Hardware => hardware::facts(host, Duration::from_secs(args.gather_timeout)),
        Part::Iscsi => one("iscsi_iqn", Value::from(identifiers::iscsi(host))),
        Part::Loadavg => one("loadavg", Value::map(hardware::load(host))),
        Part::Lsb => one("lsb", Value::map(distribution::lsb(host))),
        Part::Network => network::facts(host),
        Part::Nvme => one("hostnqn", Value::from(identifiers::nvme(host))),
        Part::PkgMgr => one("pkg_mgr", Value::str(package_manager(host, &read_distribution(host).family))),
        Part::Selinux => security::selinux(host),
        Part::ServiceMgr => one("service_mgr", Value::from(service_manager(host))),
        Part::SshPubKeys => identifiers::ssh_keys(host),
        Part::User => platform::user(host),
        Part::Virtual => virtualization::facts(host),
        Part::Local | Part::Python | Part::Systemd => Map::new(),
    }
}

/// Whether / is not the first process's /.
fn is_chroot(host: &dyn Host) -> bool {
    if host.env("debian_chroot").is_some() {
        return true;
    }
    let (own, first) = (host.stat("/".as_ref()), host.stat("/proc/1/root/.".as_ref()));
    match (own, first) {
        (Ok(Some(own)), Ok(Some(first))) => (own.inode, own.device) != (first.inode, first.device),
        // Not allowed to look: the root of a file system has a well-known inode.
        (Ok(Some(own)), _) => !matches!(own.inode, 2 | 128 | 256),
        _ => false,
    }
}
