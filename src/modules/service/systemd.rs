//! The `systemd` module: units of systemd.

use super::systemctl::{self, Scope, Unit};
use super::{Change, State};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule};
use crate::modules::program;
use crate::value::Map;

/// Starts, stops, enables and masks units.
pub struct Systemd;

crate::arg_choices! {
    /// Which manager is meant.
    pub enum ScopeArg { System = "system", User = "user", Global = "global" }
}

crate::module_args! {
    /// Arguments of `systemd`.
    pub struct Args {
        /// The unit; a name without a suffix is a service.
        [aliases("service", "unit")] name: Option<String>,
        /// Started and stopped act when needed; restarted and reloaded always act (a reload starts a stopped unit).
        state: Option<State>,
        /// Whether it starts at boot.
        enabled: Option<bool>,
        /// Overwrite links that are in the way.
        force: bool = false,
        /// Whether nothing may start it.
        masked: Option<bool>,
        /// Read all unit files anew first.
        [aliases("daemon-reload")] daemon_reload: bool = false,
        /// Start the manager itself anew first.
        [aliases("daemon-reexec")] daemon_reexec: bool = false,
        /// The system's units, the user's own, or the defaults for all users.
        scope: ScopeArg = ScopeArg::System,
        /// Do not wait until it is done.
        no_block: bool = false,
    }
}

impl Module for Systemd {
    type Args = Args;
    type State = Option<Unit>;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.systemd_service",
        aliases: &[
            "systemd",
            "systemd_service",
            "ansible.builtin.systemd",
            "ansible.legacy.systemd",
            "ansible.legacy.systemd_service",
        ],
        summary: "Controls systemd's units.",
        notes: "Reading unit files anew does not count as a change. In a chroot, where systemd does not run, only \
                enabling and masking have an effect.",
        rules: &[
            Rule::RequiredBy("state", &["name"]),
            Rule::RequiredBy("enabled", &["name"]),
            Rule::RequiredBy("masked", &["name"]),
        ],
        returns: &[
            ReturnSpec { name: "name", doc: "The unit as it was given." },
            ReturnSpec { name: "state", doc: "The state asked for; `started` after a restart or reload." },
            ReturnSpec { name: "enabled", doc: "Whether it starts at boot, when asked for." },
            ReturnSpec { name: "status", doc: "What `systemctl show` says, as it was before." },
        ],
        examples: &[
            Example {
                title: "A new unit file, started now and at boot",
                yaml: "ansible.builtin.systemd:\n  name: airflow-webserver\n  state: started\n  enabled: true\n  daemon_reload: true",
            },
            Example { title: "Read unit files anew", yaml: "ansible.builtin.systemd: {daemon_reload: true}" },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Option<Unit>, Failure> {
        let Some(name) = &args.name else { return Ok(None) };
        if name.contains(['*', '?', '[']) {
            return Err(Failure::new(format!("glob patterns are not supported in the unit's name, found '{name}'")));
        }
        program::require(host, "systemctl")?;
        systemctl::observe(host, scope(args), name).map(Some)
    }

    fn plan(&self, args: &Args, unit: &Option<Unit>) -> Result<Plan<Change>, Failure> {
        let mut plan = Plan::nothing();
        let call = |words: &[&str]| Change::Run(systemctl::argv(scope(args), words));
        let reloads = [(args.daemon_reload, "daemon-reload"), (args.daemon_reexec, "daemon-reexec")];
        plan.actions.extend(reloads.iter().filter(|(asked, _)| *asked).map(|(_, word)| call(&[word])));
        let mut plan = plan.with("name", args.name.clone());
        let (Some(name), Some(unit)) = (&args.name, unit) else { return Ok(plan.with("status", Map::new())) };
        let plan_missing = !unit.exists && (args.state.is_some() || args.enabled.is_some());
        if plan_missing && plan.actions.is_empty() {
            plan.actions.push(Change::Missing(missing(name, unit)));
        }
        if plan_missing {
            plan.check_warnings.push(not_yet(name));
        }
        let wanted = wanted(args, unit, name)?;
        plan.changes.extend(wanted);
        if let Some(enabled) = args.enabled {
            plan = plan.with("enabled", enabled);
        }
        if let Some(state) = args.state {
            plan = plan.with("state", shown(state));
        }
        Ok(plan.with("status", unit.status.clone()))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        plan.actions.iter().try_for_each(|change| run(host, change))?;
        // What was read anew may have changed what has to be done.
        let fresh = match (&args.name, plan.actions.is_empty()) {
            (Some(name), false) => {
                let unit = systemctl::observe(host, scope(args), name)?;
                let idle = args.state.is_none() && args.enabled.is_none();
                if !unit.exists && !idle {
                    return Err(Failure::new(missing(name, &unit)));
                }
                Some((wanted(args, &unit, name)?, unit.status))
            }
            _ => None,
        };
        let changes = fresh.as_ref().map_or(&plan.changes, |(changes, _)| changes);
        for change in changes {
            run(host, change)?;
        }
        let outcome = Outcome::new();
        Ok(match fresh {
            // The answer that counts is the one after systemd has read its files anew.
            Some((changes, status)) => {
                Outcome { reported_change: Some(!changes.is_empty()), ..outcome.with("status", status) }
            }
            None => outcome,
        })
    }
}

/// Restarts and reloads leave a service started.
fn shown(state: State) -> &'static str {
    match state {
        State::Stopped => "stopped",
        State::Started | State::Restarted | State::Reloaded => "started",
    }
}

fn scope(args: &Args) -> Scope {
    match args.scope {
        ScopeArg::System => Scope::System,
        ScopeArg::User => Scope::User,
        ScopeArg::Global => Scope::Global,
    }
}

fn missing(name: &str, unit: &Unit) -> String {
    let why = unit.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("Could not find the requested service {name}: host{why}")
}

/// The warning of a check run about a service that an earlier task may be about to install.
pub fn not_yet(name: &str) -> String {
    format!("service {name} is not there; check mode takes it that an earlier task installs it")
}

/// The calls that make the difference.
pub fn wanted(args: &Args, unit: &Unit, name: &str) -> Result<Vec<Change>, Failure> {
    let mut flags: Vec<&str> = Vec::new();
    if args.no_block {
        flags.push("--no-block");
    }
    if args.force {
        flags.push("--force");
    }
    let call = |word: &str| {
        let words: Vec<&str> = flags.iter().copied().chain([word, name]).collect();
        Change::Run(systemctl::argv(scope(args), &words))
    };
    let mut changes = Vec::new();
    if let Some(masked) = args.masked.filter(|masked| *masked != unit.is_masked()) {
        changes.push(call(if masked { "mask" } else { "unmask" }));
    }
    if let Some(enabled) = args.enabled.filter(|enabled| *enabled != unit.enabled) {
        changes.push(call(if enabled { "enable" } else { "disable" }));
    }
    let running = unit.is_running();
    let word = match args.state {
        Some(_) if unit.offline => None,
        Some(State::Started) => (!running).then_some("start"),
        Some(State::Stopped) => (running || unit.is_stopping()).then_some("stop"),
        Some(State::Reloaded) => Some(if running { "reload" } else { "start" }),
        Some(State::Restarted) => Some(if running { "restart" } else { "start" }),
        None => None,
    };
    changes.extend(word.map(call));
    Ok(changes)
}

/// Runs a change; a program's failure is the task's.
pub fn run(host: &dyn Host, change: &Change) -> Result<(), Failure> {
    match change {
        Change::Missing(msg) => Err(Failure::new(msg.as_str())),
        Change::Sleep(seconds) => host
            .sleep(std::time::Duration::from_secs(*seconds))
            .map_err(|error| Failure::new(format!("cannot wait: {error}"))),
        Change::Run(argv) => {
            let command = systemctl::command(host, argv);
            let output = program::run(host, &command)?;
            match output.success() {
                true => Ok(()),
                false => {
                    let failure = program::failed(&command, &output);
                    let doing = argv.iter().skip(1).find(|word| !word.starts_with('-')).map_or("run", String::as_str);
                    let name = argv.last().map_or("", String::as_str);
                    Err(Failure { msg: format!("Unable to {doing} service {name}: {}", failure.msg), ..failure })
                }
            }
        }
    }
}
