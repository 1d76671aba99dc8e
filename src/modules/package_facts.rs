//! The `package_facts` module: the packages that are installed, as facts.

use super::program;
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::value::{Key, Map, Value};

/// Lists packages.
pub struct PackageFacts;

crate::arg_choices! {
    /// A package manager.
    pub enum Manager {
        Auto = "auto", Apt = "apt", Rpm = "rpm", Dnf = "dnf", Dnf5 = "dnf5", Yum = "yum", Zypper = "zypper"
    }
}

crate::arg_choices! {
    /// How many managers are asked.
    pub enum Strategy { First = "first", All = "all" }
}

crate::module_args! {
    /// Arguments of `package_facts`.
    pub struct Args {
        /// The package managers to ask; `auto` stands for those that are there.
        manager: Vec<Manager> = vec![Manager::Auto],
        /// Whether all that are there are asked, or the first.
        strategy: Strategy = Strategy::First,
    }
}

const RPM: &[&str] =
    &["rpm", "-qa", "--qf", "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%|EPOCH?{%{EPOCH}}:{}|\\t%|ARCH?{%{ARCH}}:{}|\\n"];
const DPKG: &[&str] =
    &["dpkg-query", "-W", "-f", "${Package}\\t${Version}\\t${Architecture}\\t${Section}\\t${db:Status-Status}\\n"];

impl Module for PackageFacts {
    type Args = Args;
    type State = Map;
    type Change = ();
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.package_facts",
        aliases: &["package_facts", "ansible.legacy.package_facts"],
        summary: "Lists the installed packages.",
        notes: "Asks rpm and dpkg-query; no Python bindings are needed. Packages of apt come without `origin`, \
                which dpkg does not know. Changes nothing.",
        returns: &[ReturnSpec {
            name: "ansible_facts",
            doc: "`packages`: for each name a list with `name`, `version`, `arch`, `source`, and `release` and `epoch` (rpm) or `category` (apt).",
        }],
        examples: &[Example { title: "Packages", yaml: "ansible.builtin.package_facts:\n  manager: auto" }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Map, Failure> {
        let mut packages = Map::new();
        let mut asked: Vec<&[&str]> = Vec::new();
        for manager in &args.manager {
            let (candidates, must): (&[&[&str]], bool) = match manager {
                Manager::Auto => (&[RPM, DPKG], false),
                Manager::Apt => (&[DPKG], true),
                _ => (&[RPM], true),
            };
            for argv in candidates {
                if asked.contains(argv) || (args.strategy == Strategy::First && !packages.is_empty()) {
                    continue;
                }
                if host.which(argv[0]).is_none() {
                    match must && args.strategy == Strategy::First && args.manager.len() == 1 {
                        true => return Err(Failure::new(format!("{} is not on this host", argv[0]))),
                        false => continue,
                    }
                }
                asked.push(argv);
                let command = program::plain(argv);
                let text = program::succeed(host, &command)?.stdout_text();
                text.lines().filter_map(|line| package(line, argv[0] == "rpm")).for_each(|(name, package)| {
                    let list = packages.entry(Key::from(name)).or_insert_with(|| Value::list(Vec::new()));
                    let all = list.as_list().unwrap_or_default().iter().cloned().chain([package]).collect();
                    *list = Value::list(all);
                });
            }
        }
        match asked.is_empty() {
            true => {
                Err(Failure::new("Could not detect a supported package manager: neither rpm nor dpkg-query is there"))
            }
            false => Ok(packages),
        }
    }

    fn plan(&self, _: &Args, packages: &Map) -> Result<Plan<()>, Failure> {
        Ok(Plan::nothing().with("ansible_facts", Value::from([("packages", Value::map(packages.clone()))])))
    }

    fn apply(&self, _: &Args, _: &Plan<()>, _: &dyn Host) -> Result<Outcome, Failure> {
        Ok(Outcome::new())
    }
}

fn package(line: &str, is_rpm: bool) -> Option<(&str, Value)> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (name, version, third, fourth, fifth) = (next()?, next()?, next()?, next()?, next()?);
    let text = |value: &str| Value::str(value);
    let package = match is_rpm {
        true => Value::from([
            ("name", text(name)),
            ("version", text(version)),
            ("release", text(third)),
            ("epoch", fourth.parse().map_or(Value::Null, Value::Int)),
            ("arch", if fifth.is_empty() { Value::Null } else { text(fifth) }),
            ("source", text("rpm")),
        ]),
        false if fifth != "installed" => return None,
        false => Value::from([
            ("name", text(name)),
            ("version", text(version)),
            ("arch", text(third)),
            ("category", text(fourth)),
            ("source", text("apt")),
        ]),
    };
    Some((name, package))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    #[test]
    fn every_installed_version_is_listed() {
        let host = FakeHost::new().with_program("rpm").with_command(
            &["rpm"],
            0,
            "kernel\t5\t1.el9\t\tx86_64\nkernel\t5\t2.el9\t1\tx86_64\n",
        );
        let result = PackageFacts.run(&Map::new(), RunFlags::default(), &host).unwrap().result;
        let kernels =
            result.get("ansible_facts").and_then(|facts| facts.get("packages")?.get("kernel").cloned()).unwrap();
        let kernels = kernels.as_list().unwrap();
        assert_eq!(kernels.len(), 2);
        assert_eq!((kernels[0].get("epoch"), kernels[1].get("epoch")), (Some(&Value::Null), Some(&Value::Int(1))));
        assert!(PackageFacts.run(&Map::new(), RunFlags::default(), &FakeHost::new()).is_err());
        assert!(package("old\t1\tall\tutils\tconfig-files", false).is_none());
    }
}
