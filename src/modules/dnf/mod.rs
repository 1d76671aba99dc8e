//! The `dnf` module: packages of Fedora, Red Hat and their relatives, through dnf and rpm.

mod command;
mod decide;
mod list;
mod rpmdb;
mod spec;
#[cfg(test)]
mod tests;
mod transaction;
mod version;

use crate::module::{Diff, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::value::Value;
use rpmdb::Package;

/// Installs, upgrades and removes packages.
pub struct Dnf;

crate::arg_choices! {
    /// What should be the case.
    pub enum State {
        Present = "present", Installed = "installed", Latest = "latest", Absent = "absent", Removed = "removed",
    }
}

crate::arg_choices! {
    /// Which program does the work.
    pub enum Backend { Auto = "auto", Yum = "yum", Yum4 = "yum4", Dnf = "dnf", Dnf4 = "dnf4", Dnf5 = "dnf5" }
}

crate::module_args! {
    /// Arguments of `dnf`.
    pub struct Args {
        /// Packages: names (with version, release and architecture if wanted), `name >= version`, what packages
        /// provide, files that they hold, patterns, `@groups`, package files and their addresses.
        [aliases("pkg")] name: Vec<String> = Vec::<String>::new(),
        /// What should be the case; present without it, or absent with `autoremove`.
        state: Option<State>,
        /// List packages instead: `installed`, `available`, `updates`, `repos` or a package.
        list: Option<String>,
        /// Repositories to turn on.
        enablerepo: Vec<String> = Vec::<String>::new(),
        /// Repositories to turn off.
        disablerepo: Vec<String> = Vec::<String>::new(),
        /// dnf's configuration file.
        conf_file: Option<String>,
        /// Do not check signatures.
        disable_gpg_check: bool = false,
        /// The folder that packages are installed in as if it were /.
        installroot: String = "/",
        /// The release to install from.
        releasever: Option<String>,
        /// Packages to leave out.
        exclude: Vec<String> = Vec::<String>::new(),
        /// Whose exclusions do not count: `all`, `main` or a repository.
        disable_excludes: Option<String>,
        /// Plugins to turn off.
        disable_plugin: Vec<String> = Vec::<String>::new(),
        /// Plugins to turn on.
        enable_plugin: Vec<String> = Vec::<String>::new(),
        /// Take the repositories' data as out of date.
        [aliases("expire-cache")] update_cache: bool = false,
        /// Upgrade what is installed only (`state: latest`).
        update_only: bool = false,
        /// Take upgrades that fix bugs only (`state: latest`).
        bugfix: bool = false,
        /// Take upgrades that mend security only (`state: latest`).
        security: bool = false,
        /// Install older versions than the installed ones.
        allow_downgrade: bool = false,
        /// Let dnf remove packages that are in the way.
        allowerasing: bool = false,
        /// Take the best candidate or fail.
        best: Option<bool>,
        /// The opposite of `best`.
        nobest: Option<bool>,
        /// Leave out what cannot be installed.
        skip_broken: bool = false,
        /// Whether packages that others recommend are installed.
        install_weak_deps: bool = true,
        /// Remove packages that nothing needs any more.
        autoremove: bool = false,
        /// Work from what was fetched earlier.
        cacheonly: bool = false,
        /// Fetch only.
        download_only: bool = false,
        /// Where to fetch to.
        download_dir: Option<String>,
        /// Seconds to wait for another package manager to end.
        lock_timeout: u64 = 30_u64,
        /// Check the certificates of repositories.
        sslverify: bool = true,
        /// Check the certificates of packages' addresses.
        validate_certs: bool = true,
        /// Taken for compatibility; dnf's own query is used.
        install_repoquery: bool = true,
        /// The program: dnf, dnf5, or what the host has.
        [aliases("use")] use_backend: Backend = Backend::Auto,
    }
}

/// What was found out.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The transactions that would change something, and what each would do.
    steps: Vec<Step>,
    /// What was asked for with `list`.
    listed: Option<Value>,
    /// Remarks that go before the packages in `results`.
    remarks: Vec<String>,
    /// The installed packages, when there is something to do.
    installed: Vec<Package>,
}

/// A call of dnf that would change something.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its words.
    argv: Vec<String>,
    /// What dnf says that it would do.
    transaction: transaction::Transaction,
}

/// What has to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A transaction.
    Call(Vec<String>),
    /// Fetch the repositories' data.
    Refresh,
}

impl Args {
    /// Whether packages are to go.
    fn removes(&self) -> bool {
        match self.state {
            Some(State::Absent | State::Removed) => true,
            None => self.autoremove,
            Some(_) => false,
        }
    }
}

impl Module for Dnf {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.dnf",
        aliases: &["dnf", "yum", "dnf5", "ansible.builtin.yum", "ansible.builtin.dnf5", "ansible.legacy.dnf"],
        summary: "Manages packages with dnf.",
        notes: "What is installed is asked of rpm; dnf is started only when something is missing, or may be out of \
                date. Check mode asks dnf what it would do. Python's dnf bindings are not needed.",
        rules: &[
            Rule::MutuallyExclusive(&["name", "list"]),
            Rule::MutuallyExclusive(&["best", "nobest"]),
            Rule::RequiredOneOf(&["name", "list", "update_cache", "autoremove"]),
        ],
        returns: &[
            ReturnSpec { name: "results", doc: "What was installed and removed, one package an item." },
            ReturnSpec { name: "rc", doc: "0, or dnf's status." },
            ReturnSpec { name: "msg", doc: "`Nothing to do` when all is as wanted." },
        ],
        examples: &[
            Example {
                title: "Packages",
                yaml: "ansible.builtin.dnf:\n  name: [python38, python38-pip, python38-devel]\n  state: present",
            },
            Example {
                title: "A group from a repository that is off",
                yaml: "ansible.builtin.dnf:\n  name: '@Development tools'\n  enablerepo: extras",
            },
            Example { title: "Upgrade everything", yaml: "ansible.builtin.dnf: {name: '*', state: latest}" },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        if host.euid() != 0 && args.list.is_none() {
            return Err(Failure::new("This command has to be run under the root user.")
                .with("rc", 1)
                .with("results", empty()));
        }
        if let Some(what) = &args.list {
            return Ok(Found { listed: Some(list::list(args, what, host)?), ..Found::default() });
        }
        if args.autoremove && !matches!(args.state, None | Some(State::Absent)) {
            return Err(Failure::new("Autoremove should be used alone or with state=absent").with("results", empty()));
        }
        let (steps, remarks) = decide::steps(args, host)?;
        let installed = if steps.is_empty() { Vec::new() } else { rpmdb::all(args, host)? };
        Ok(Found { steps, listed: None, remarks, installed })
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        if let Some(listed) = &found.listed {
            return Ok(Plan::nothing().with("msg", "").with("results", listed.clone()));
        }
        let mut plan = Plan::of(found.steps.iter().map(|step| Change::Call(step.argv.clone())).collect());
        if args.update_cache && args.name.is_empty() && !args.autoremove {
            plan.actions.push(Change::Refresh);
            return Ok(plan.with("msg", "Cache updated").with("rc", 0).with("results", empty()));
        }
        if found.steps.is_empty() {
            return Ok(plan.with("msg", "Nothing to do").with("rc", 0).with("results", found.remarks.clone()));
        }
        let (added, removed) = predicted(&found.steps, &found.installed);
        let listing = |packages: &[String]| packages.iter().map(|package| format!("{package}\n")).collect::<String>();
        let header = String::from("packages");
        plan.diff.push(Diff {
            before: listing(&removed),
            after: listing(&added),
            before_header: header.clone(),
            after_header: header,
        });
        Ok(plan
            .with("msg", "Check mode: No changes made, but would have if not in check mode")
            .with("rc", 0)
            .with("results", results(&found.remarks, &added, &removed)))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        if plan.changes.is_empty() {
            decide::refresh(args, host)?;
            return Ok(Outcome::new());
        }
        let before = rpmdb::all(args, host)?;
        for change in &plan.changes {
            if let Change::Call(argv) = change {
                command::run(args, host, argv)?;
            }
        }
        if args.download_only {
            let fetched = plan.returns.get("results").cloned().unwrap_or_else(empty);
            let items = fetched.as_list().unwrap_or_default().iter();
            let shown = items.map(|item| Value::from(item.to_string().replace("Installed: ", "Downloaded: ")));
            return Ok(Outcome::new().with("msg", "").with("results", Value::list(shown.collect())));
        }
        let after = rpmdb::all(args, host)?;
        let added: Vec<String> =
            after.iter().filter(|package| !before.contains(package)).map(Package::to_string).collect();
        let removed: Vec<String> =
            // What needed others was installed after them, and goes before them.
            before.iter().rev().filter(|package| !after.contains(package)).map(Package::to_string).collect();
        // The plan's results hold the remarks; its packages are a prediction.
        let planned = plan.returns.get("results").and_then(Value::as_list).unwrap_or_default();
        let is_remark = |text: &String| !text.starts_with("Installed: ") && !text.starts_with("Removed: ");
        let remarks: Vec<String> = planned.iter().map(Value::to_string).filter(is_remark).collect();
        Ok(Outcome::new().with("msg", "").with("rc", 0).with("results", results(&remarks, &added, &removed)))
    }
}

fn empty() -> Value {
    Value::list(Vec::new())
}

fn results(remarks: &[String], added: &[String], removed: &[String]) -> Value {
    let added = added.iter().map(|package| format!("Installed: {package}"));
    let removed = removed.iter().map(|package| format!("Removed: {package}"));
    Value::list(remarks.iter().cloned().chain(added).chain(removed).map(Value::from).collect())
}

/// What the transactions would add and remove.
fn predicted(steps: &[Step], installed: &[Package]) -> (Vec<String>, Vec<String>) {
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for row in steps.iter().flat_map(|step| &step.transaction.rows) {
        match row.adds {
            true => {
                added.push(row.package.to_string());
                if row.replaces {
                    let old =
                        installed.iter().filter(|old| old.name == row.package.name && old.arch == row.package.arch);
                    removed.extend(old.map(Package::to_string));
                }
            }
            false => removed.push(row.package.to_string()),
        }
    }
    (added, removed)
}
