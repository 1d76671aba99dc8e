//! The `apt` module: packages of Debian and its relatives, through apt-get and dpkg's own files.

mod command;
mod deb;
mod decide;
mod index;
mod installed;
mod policy;
mod spec;
#[cfg(test)]
mod tests;
mod version;

use crate::module::{Diff, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::modules::program;
use crate::value::Value;

/// Installs, upgrades and removes packages.
pub struct Apt;

crate::arg_choices! {
    /// What should be the case.
    pub enum State {
        Present = "present", Absent = "absent", Latest = "latest", BuildDep = "build-dep", Fixed = "fixed",
    }
}

crate::arg_choices! {
    /// How far an upgrade goes.
    pub enum Upgrade { No = "no", Yes = "yes", Safe = "safe", Full = "full", Dist = "dist" }
}

crate::module_args! {
    /// Arguments of `apt`.
    pub struct Args {
        /// Packages: names, `name=version` (also with wildcards), `name>=version`, or wildcards.
        [aliases("package", "pkg")] name: Option<Vec<String>>,
        /// What should be the case for the packages.
        state: State = State::Present,
        /// A package file on the host, or its address.
        deb: Option<String>,
        /// Fetch the lists of packages first. On by itself when `cache_valid_time` is given.
        [aliases("update-cache")] update_cache: Option<bool>,
        /// Seconds that fetched lists are good for.
        cache_valid_time: Option<u64>,
        /// How often a failed fetch is tried again.
        update_cache_retries: u32 = 5_u32,
        /// The longest pause between two of these tries, in seconds.
        update_cache_retry_max_delay: u64 = 12_u64,
        /// Upgrade all packages.
        upgrade: Upgrade = Upgrade::No,
        /// Remove packages that nothing needs any more.
        autoremove: bool = false,
        /// Remove outdated package files from the cache.
        autoclean: bool = false,
        /// Remove all package files from the cache.
        clean: bool = false,
        /// Remove configuration files too.
        purge: bool = false,
        /// Fail rather than remove packages.
        fail_on_autoremove: bool = false,
        /// Whether recommended packages are installed; apt's configuration decides else.
        [aliases("install-recommends")] install_recommends: Option<bool>,
        /// Upgrade only what is installed already.
        only_upgrade: bool = false,
        /// The release that packages come from.
        [aliases("default-release")] default_release: Option<String>,
        /// Options for dpkg, without their dashes.
        dpkg_options: String = "force-confdef,force-confold",
        /// Go on where apt-get would rather not. Dangerous.
        force: bool = false,
        /// Taken for compatibility: apt-get is always what is used.
        force_apt_get: bool = false,
        /// Taken for compatibility: no Python package is needed.
        auto_install_module_deps: bool = true,
        /// Install packages without a checked signature.
        [aliases("allow-unauthenticated")] allow_unauthenticated: bool = false,
        /// Install older versions than the installed ones.
        [aliases("allow-downgrade", "allow_downgrades", "allow-downgrades")] allow_downgrade: bool = false,
        /// Change packages that are on hold.
        allow_change_held_packages: bool = false,
        /// Seconds to wait for another package manager to end.
        lock_timeout: u64 = 60_u64,
        /// What policy-rc.d answers meanwhile; 101 keeps services from being started.
        policy_rc_d: Option<i64>,
    }
}

/// What was found out.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Whether the lists have to be fetched first.
    stale: bool,
    /// When the lists were fetched last, in seconds since the epoch.
    fetched: u64,
    /// What has to be done with the lists as they are.
    steps: Vec<Step>,
    /// Why it cannot be said before the lists are fetched.
    unknown: Option<String>,
}

/// A call of apt-get that would change something, and what its simulation said.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    argv: Vec<String>,
    simulated: String,
}

/// What has to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Fetch the lists.
    Fetch,
    /// Call apt-get.
    Call(Vec<String>),
    /// Whatever turns out once the lists are fetched.
    AfterFetch,
}

impl Module for Apt {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.apt",
        aliases: &["apt", "ansible.legacy.apt"],
        summary: "Manages packages with apt-get.",
        notes: "Check mode asks apt-get's simulation. Python's apt bindings are not needed.",
        rules: &[Rule::MutuallyExclusive(&["deb", "name", "upgrade"])],
        returns: &[
            ReturnSpec { name: "cache_updated", doc: "Whether the lists were fetched." },
            ReturnSpec { name: "cache_update_time", doc: "When they were fetched last, in seconds since the epoch." },
            ReturnSpec { name: "stdout", doc: "What apt-get said (its simulation in check mode)." },
            ReturnSpec { name: "stderr", doc: "apt-get's standard error." },
        ],
        examples: &[
            Example {
                title: "Packages, with lists of at most an hour ago",
                yaml: "ansible.builtin.apt:\n  name: [python3-pip, python3-venv]\n  update_cache: true\n  cache_valid_time: 3600",
            },
            Example { title: "A version", yaml: "ansible.builtin.apt: {name: foo=1.00, state: present}" },
            Example {
                title: "Remove with configuration",
                yaml: "ansible.builtin.apt: {name: apache2, state: absent, purge: true}",
            },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        program::require(host, "apt-get")?;
        let fetched = index::fetched(host);
        let valid = args.cache_valid_time.unwrap_or(0);
        let asked = args.update_cache.unwrap_or(valid > 0);
        let stale = asked && index::now(host) > fetched.saturating_add(valid);
        let mut found = Found { stale, fetched, ..Found::default() };
        match decide::steps(args, host) {
            Ok(steps) => found.steps = steps,
            // The lists that are fetched first may know better.
            Err(failure) if stale => found.unknown = Some(failure.msg),
            Err(failure) => return Err(failure),
        }
        Ok(found)
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        let mut plan = Plan::nothing();
        let only_fetch = !decide::asks_for_packages(args);
        match (found.stale, only_fetch) {
            (true, true) => plan.changes.push(Change::Fetch),
            (true, false) => plan.actions.push(Change::Fetch),
            (false, _) => {}
        }
        plan.changes.extend(found.steps.iter().map(|step| Change::Call(step.argv.clone())));
        if found.unknown.is_some() {
            plan.changes.push(Change::AfterFetch);
        }
        let simulated: String = found.steps.iter().map(|step| step.simulated.as_str()).collect();
        let (before, after) = command::differences(&simulated);
        if !before.is_empty() || !after.is_empty() {
            let header = String::from("packages");
            plan.diff.push(Diff { before, after, before_header: header.clone(), after_header: header });
        }
        if !found.steps.is_empty() {
            plan = plan.with("stdout", simulated).with("stderr", "");
        }
        // A removal alone has nothing to do with the lists.
        if args.state == State::Absent && args.update_cache != Some(true) {
            return Ok(plan);
        }
        Ok(plan.with("cache_updated", found.stale).with("cache_update_time", found.fetched))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let _policy = policy::Policy::set(args.policy_rc_d, host)?;
        let mut outcome = Outcome::new();
        let before = index::fetched(host);
        let mut calls: Vec<Vec<String>> = Vec::new();
        if plan.actions.contains(&Change::Fetch) {
            index::fetch(args, host)?;
            calls.extend(decide::steps(args, host)?.into_iter().map(|step| step.argv));
            outcome.reported_change = Some(!calls.is_empty());
        } else if plan.changes.contains(&Change::Fetch) {
            index::fetch(args, host)?;
            outcome.reported_change = Some(before != index::fetched(host));
        } else {
            calls.extend(plan.changes.iter().filter_map(|change| match change {
                Change::Call(argv) => Some(argv.clone()),
                Change::Fetch | Change::AfterFetch => None,
            }));
        }
        if let Some(changed) = outcome.reported_change {
            let after = index::fetched(host);
            let fetched = if plan.changes.contains(&Change::Fetch) { changed } else { before != after };
            outcome = outcome.with("cache_updated", fetched).with("cache_update_time", after);
        }
        let (mut stdout, mut stderr) = (String::new(), String::new());
        for argv in &calls {
            let output = command::run(args, host, argv)?;
            stdout += &output.stdout_text();
            stderr += &output.stderr_text();
        }
        if !calls.is_empty() {
            outcome = outcome.with("stdout", Value::from(stdout)).with("stderr", Value::from(stderr));
        }
        Ok(outcome)
    }
}
