//! The `service` module: systemd's units where systemd runs, init scripts elsewhere.

use super::systemctl::{self, Scope, Unit};
use super::systemd::{self, ScopeArg, Systemd};
use super::sysv::{self, Script, Wish};
use super::{Change, State};
use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec};
use crate::modules::{program, setup};

/// Starts, stops and enables services.
pub struct Service;

crate::module_args! {
    /// Arguments of `service`.
    pub struct Args {
        /// The service's name.
        name: String,
        /// Started and stopped act when needed; restarted and reloaded always act.
        state: Option<State>,
        /// Whether it starts at boot.
        enabled: Option<bool>,
        /// Seconds between stop and start of a restart (init scripts only).
        sleep: Option<u64>,
        /// Text that a running service's process shows in the process list (init scripts only).
        pattern: Option<String>,
        /// OpenRC's run level (init scripts only).
        runlevel: String = "default",
        /// Further words for the init script.
        [aliases("args")] arguments: String = "",
        /// `systemd`, `sysvinit`, `service`, or `auto` for what runs the host.
        r#use: String = "auto",
    }
}

/// What manages the service, and how it is.
#[derive(Debug, Clone)]
pub enum Managed {
    /// A unit of systemd.
    Unit(Unit),
    /// An init script.
    Script(Script),
}

impl Module for Service {
    type Args = Args;
    type State = Managed;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.service",
        aliases: &["service", "ansible.legacy.service"],
        summary: "Controls services, whatever manages them.",
        notes: "Where systemd runs the host, `sleep`, `pattern`, `runlevel` and `arguments` have no effect; the result \
                warns of that.",
        returns: &[
            ReturnSpec { name: "name", doc: "The service." },
            ReturnSpec { name: "state", doc: "The state asked for." },
            ReturnSpec { name: "enabled", doc: "Whether it starts at boot, when asked for." },
            ReturnSpec { name: "status", doc: "What `systemctl show` says, as it was before (systemd only)." },
        ],
        examples: &[Example {
            title: "Started now and at boot",
            yaml: "ansible.builtin.service:\n  name: firewalld\n  state: started\n  enabled: true",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Managed, Failure> {
        match manager(args, host)?.as_str() {
            "systemd" => {
                program::require(host, "systemctl")?;
                systemctl::observe(host, Scope::System, &args.name).map(Managed::Unit)
            }
            _ => sysv::observe(host, &args.name, args.pattern.as_deref()).map(Managed::Script),
        }
    }

    fn plan(&self, args: &Args, managed: &Managed) -> Result<Plan<Change>, Failure> {
        match managed {
            Managed::Unit(unit) => {
                let mut plan = Systemd.plan(&as_systemd(args), &Some(unit.clone()))?;
                let given = [
                    ("pattern", args.pattern.is_some()),
                    ("sleep", args.sleep.is_some()),
                    ("runlevel", args.runlevel != "default"),
                    ("arguments", !args.arguments.is_empty()),
                ];
                let ignored = given.iter().filter(|(_, given)| *given);
                let ignored = ignored.map(|(name, _)| format!("Ignoring \"{name}\" as it is not used in \"systemd\""));
                let warnings: Vec<String> = ignored.collect();
                if !warnings.is_empty() {
                    plan = plan.with("warnings", warnings);
                }
                Ok(plan)
            }
            Managed::Script(script) => {
                let wish = Wish {
                    name: &args.name,
                    state: args.state,
                    enabled: args.enabled,
                    sleep: args.sleep,
                    runlevel: &args.runlevel,
                    arguments: &args.arguments,
                };
                let mut plan = Plan::of(sysv::wanted(wish, script)?).with("name", args.name.as_str());
                if !script.exists {
                    let msg = format!("Could not find the requested service {}: host", args.name);
                    plan.actions.push(Change::Missing(msg));
                    plan.check_warnings.push(systemd::not_yet(&args.name));
                }
                if let Some(enabled) = args.enabled {
                    plan = plan.with("enabled", enabled);
                }
                if let Some(state) = args.state {
                    plan = plan.with("state", if state == State::Stopped { "stopped" } else { "started" });
                }
                Ok(plan)
            }
        }
    }

    fn apply(&self, _: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        plan.actions.iter().chain(&plan.changes).try_for_each(|change| systemd::run(host, change))?;
        Ok(Outcome::new())
    }
}

fn manager(args: &Args, host: &dyn Host) -> Result<String, Failure> {
    let name = match args.r#use.rsplit('.').next().unwrap_or_default() {
        "auto" => setup::service_manager(host),
        name => name.to_owned(),
    };
    match name.as_str() {
        "systemd" | "systemd_service" => Ok("systemd".into()),
        "sysvinit" | "service" | "openrc" => Ok(name),
        // A chroot: no manager runs, and unit files are what there is.
        _ if args.r#use == "auto" && host.which("systemctl").is_some() => Ok("systemd".into()),
        _ if args.r#use == "auto" => Ok("service".into()),
        other => Err(Failure::new(format!(
            "service manager '{other}' is not supported; it may be systemd, sysvinit, openrc or service"
        ))),
    }
}

fn as_systemd(args: &Args) -> systemd::Args {
    systemd::Args {
        name: Some(args.name.clone()),
        state: args.state,
        enabled: args.enabled,
        force: false,
        masked: None,
        daemon_reload: false,
        daemon_reexec: false,
        scope: ScopeArg::System,
        no_block: false,
    }
}
