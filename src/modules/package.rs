//! The `package` module: packages by whatever package manager the host has.

use super::apt::{self, Apt};
use super::dnf::{self, Dnf};
use super::setup;
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan};

/// Installs and removes packages.
pub struct Package;

crate::module_args! {
    /// Arguments of `package`.
    pub struct Args {
        /// The packages, by the names that the host's package manager knows.
        [aliases("pkg")] name: Vec<String>,
        /// `present`, `absent`, `latest`, or another state of the host's package manager.
        state: String,
        /// `apt`, `dnf`, `yum`, or `auto` for what the host has.
        r#use: String = "auto",
    }
}

/// What the package manager's own module found out.
pub enum Found {
    /// apt's.
    Apt(apt::Args, apt::Found),
    /// dnf's.
    Dnf(dnf::Args, dnf::Found),
}

/// What the package manager's own module has to do.
pub enum Change {
    /// apt's.
    Apt(apt::Change),
    /// dnf's.
    Dnf(dnf::Change),
}

impl Module for Package {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.package",
        aliases: &["package", "ansible.legacy.package"],
        summary: "Manages packages by the host's own package manager.",
        notes: "Names of packages differ between distributions; this module does not translate them. It returns what \
                `apt` or `dnf` returns.",
        examples: &[Example { title: "A package", yaml: "ansible.builtin.package: {name: chrony, state: present}" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        let manager = match args.r#use.rsplit('.').next().unwrap_or_default() {
            "auto" => setup::package_manager(host, &setup::read_distribution(host).family),
            "apt" => "apt",
            "dnf" | "dnf4" | "yum" | "yum4" => "dnf",
            "dnf5" => "dnf5",
            other => {
                return Err(Failure::new(format!(
                    "package manager '{other}' is not supported; it may be apt, dnf, dnf5 or yum"
                )));
            }
        };
        match manager {
            "apt" => {
                let inner = parse::<apt::Args>(args, Apt::SPEC.rules)?;
                let found = Apt.observe(&inner, host)?;
                Ok(Found::Apt(inner, found))
            }
            "dnf" | "dnf5" | "yum" => {
                let inner = parse::<dnf::Args>(args, Dnf::SPEC.rules)?;
                let found = Dnf.observe(&inner, host)?;
                Ok(Found::Dnf(inner, found))
            }
            "unknown" => Err(Failure::new(
                "Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.",
            )),
            other => {
                Err(Failure::new(format!("package manager '{other}' of this host is not supported; apt and dnf are")))
            }
        }
    }

    fn plan(&self, _: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        match found {
            Found::Apt(args, found) => Ok(wrap(Apt.plan(args, found)?, Change::Apt)),
            Found::Dnf(args, found) => Ok(wrap(Dnf.plan(args, found)?, Change::Dnf)),
        }
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let is_apt = plan.changes.iter().chain(&plan.actions).any(|change| matches!(change, Change::Apt(_)));
        if is_apt {
            let inner = parse::<apt::Args>(args, Apt::SPEC.rules)?;
            let unwrap = |change: &Change| if let Change::Apt(change) = change { Some(change.clone()) } else { None };
            return Apt.apply(&inner, &unwrapped(plan, unwrap), host);
        }
        let inner = parse::<dnf::Args>(args, Dnf::SPEC.rules)?;
        let unwrap = |change: &Change| if let Change::Dnf(change) = change { Some(change.clone()) } else { None };
        Dnf.apply(&inner, &unwrapped(plan, unwrap), host)
    }
}

/// The arguments for a package manager's own module.
fn parse<A: crate::module::ModuleArgs>(args: &Args, rules: &[crate::module::Rule]) -> Result<A, Failure> {
    let map = crate::value::Map::from([
        ("name".into(), crate::value::Value::from(args.name.clone())),
        ("state".into(), crate::value::Value::str(&args.state)),
    ]);
    Ok(crate::module::parse_args(rules, &map)?)
}

fn wrap<C>(plan: Plan<C>, wrap: fn(C) -> Change) -> Plan<Change> {
    Plan {
        changes: plan.changes.into_iter().map(wrap).collect(),
        actions: plan.actions.into_iter().map(wrap).collect(),
        diff: plan.diff,
        returns: plan.returns,
        skipped_in_check: plan.skipped_in_check,
        check_warnings: plan.check_warnings,
    }
}

fn unwrapped<C>(plan: &Plan<Change>, unwrap: impl Fn(&Change) -> Option<C>) -> Plan<C> {
    Plan {
        changes: plan.changes.iter().filter_map(&unwrap).collect(),
        actions: plan.actions.iter().filter_map(&unwrap).collect(),
        diff: plan.diff.clone(),
        returns: plan.returns.clone(),
        skipped_in_check: plan.skipped_in_check.clone(),
        check_warnings: plan.check_warnings.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Value;

    fn run(host: &FakeHost, state: &str) -> Result<crate::module::Run, Failure> {
        let args = Value::from([("name", "bash"), ("state", state)]);
        Package.run(args.as_map().unwrap(), RunFlags::default(), host)
    }

    #[test]
    fn the_hosts_own_manager_works() {
        let debian = FakeHost::new()
            .with_file("/etc/os-release", "ID=debian\n", 0o644)
            .with_file("/usr/bin/apt-get", "", 0o755)
            .with_program("apt-get")
            .with_file(
                "/var/lib/dpkg/status",
                "Package: bash\nStatus: install ok installed\nVersion: 5\nArchitecture: amd64\n",
                0o644,
            );
        assert_eq!(run(&debian, "present").unwrap().result.get("changed"), Some(&Value::Bool(false)));
        let rocky = FakeHost::new()
            .with_file("/etc/os-release", "ID=rocky\n", 0o644)
            .with_file("/usr/bin/dnf", "", 0o755)
            .with_command(&["rpm"], 0, "bash\t0\t5\t1\tx86_64\n");
        assert_eq!(run(&rocky, "present").unwrap().result.get("msg"), Some(&Value::str("Nothing to do")));
        assert!(run(&FakeHost::new(), "present").unwrap_err().msg.starts_with("Could not detect"));
    }

    #[test]
    fn a_state_that_the_manager_does_not_know_fails() {
        let rocky =
            FakeHost::new().with_file("/etc/os-release", "ID=rocky\n", 0o644).with_file("/usr/bin/dnf", "", 0o755);
        assert!(run(&rocky, "build-dep").unwrap_err().msg.contains("state"));
    }
}
