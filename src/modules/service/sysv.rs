//! Services by init scripts: `service`, /etc/init.d and the links of the run levels.

use super::{Change, State};
use crate::module::{Failure, Host};
use crate::modules::{program, wildcard};
use std::path::Path;

/// A service as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Whether there is a script.
    pub exists: bool,
    /// Whether it runs.
    pub running: bool,
    /// Whether a run level starts it.
    pub enabled: bool,
    /// How run levels are changed: the program's name.
    pub enabler: Option<&'static str>,
}

/// Whether a run level's links start the script.
pub fn is_enabled(host: &dyn Host, name: &str) -> bool {
    let pattern = format!("/etc/rc?.d/S??{name}");
    !wildcard::glob(host, Path::new("/"), &pattern).is_empty()
}

/// Asks the script, or looks for `pattern` among the processes.
pub fn observe(host: &dyn Host, name: &str, pattern: Option<&str>) -> Result<Script, Failure> {
    let exists = host.stat(format!("/etc/init.d/{name}").as_ref()).ok().flatten().is_some();
    if !exists {
        return Ok(Script::default());
    }
    let running = match pattern {
        Some(pattern) => {
            let output = program::read(host, &["ps", "-eo", "args"])?;
            output.stdout_text().lines().any(|line| line.contains(pattern) && !line.contains("pattern="))
        }
        None => program::read(host, &["service", name, "status"])?.success(),
    };
    let enablers = ["update-rc.d", "chkconfig", "rc-update"];
    let enabler = enablers.into_iter().find(|program| host.which(program).is_some());
    let enabled = match enabler {
        Some("rc-update") => {
            let output = program::read(host, &["rc-update", "show"])?;
            output.stdout_text().lines().any(|line| line.split_whitespace().next() == Some(name))
        }
        _ => is_enabled(host, name),
    };
    Ok(Script { exists, running, enabled, enabler })
}

/// What is asked of a script.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The script's name.
    pub name: &'a str,
    /// Its state.
    pub state: Option<State>,
    /// Whether it starts at boot.
    pub enabled: Option<bool>,
    /// Seconds between stop and start of a restart.
    pub sleep: Option<u64>,
    /// OpenRC's run level.
    pub runlevel: &'a str,
    /// Further words for the script.
    pub arguments: &'a str,
}

/// The calls that make the difference.
pub fn wanted(wish: Wish<'_>, script: &Script) -> Result<Vec<Change>, Failure> {
    let name = wish.name;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let arguments = crate::modules::words::split(wish.arguments).map_err(Failure::new)?;
    let call = |word: &str| {
        let mut argv = words(&["service", name, word]);
        argv.extend(arguments.iter().cloned());
        Change::Run(argv)
    };
    let mut changes = Vec::new();
    if let Some(enabled) = wish.enabled.filter(|enabled| *enabled != script.enabled) {
        let argv = match (script.enabler, enabled) {
            (Some("update-rc.d"), true) => words(&["update-rc.d", name, "defaults"]),
            (Some("update-rc.d"), false) => words(&["update-rc.d", name, "disable"]),
            (Some("chkconfig"), true) => words(&["chkconfig", name, "on"]),
            (Some("chkconfig"), false) => words(&["chkconfig", name, "off"]),
            (Some(_), true) => words(&["rc-update", "add", name, wish.runlevel]),
            (Some(_), false) => words(&["rc-update", "delete", name, wish.runlevel]),
            (None, _) => {
                return Err(Failure::new(
                    "cannot enable or disable services here: no update-rc.d, chkconfig or rc-update",
                ));
            }
        };
        changes.push(Change::Run(argv));
    }
    match wish.state {
        Some(State::Started) if !script.running => changes.push(call("start")),
        Some(State::Stopped) if script.running => changes.push(call("stop")),
        Some(State::Reloaded) => changes.push(call(if script.running { "reload" } else { "start" })),
        Some(State::Restarted) => match wish.sleep {
            Some(seconds) => changes.extend([call("stop"), Change::Sleep(seconds), call("start")]),
            None => changes.push(call("restart")),
        },
        Some(State::Started | State::Stopped) | None => {}
    }
    Ok(changes)
}
