//! What systemctl says of a unit.

use crate::module::{Command, Failure, Host, Output};
use crate::modules::program;
use crate::value::{Key, Map, Value};

/// Which manager is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The system's.
    System,
    /// The user's own.
    User,
    /// All users' defaults.
    Global,
}

/// A unit as it is now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unit {
    /// `systemctl show`, by property.
    pub status: Map,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Whether systemd does not run here (a chroot), so that only files can change.
    pub offline: bool,
    /// Whether there is such a unit.
    pub exists: bool,
    /// What went wrong when the unit was asked for.
    pub error: Option<String>,
}

impl Unit {
    /// A property as text.
    pub fn property(&self, name: &str) -> &str {
        self.status.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it runs or is about to.
    pub fn is_running(&self) -> bool {
        matches!(self.property("ActiveState"), "active" | "activating")
    }

    /// Whether it is about to stop.
    pub fn is_stopping(&self) -> bool {
        self.property("ActiveState") == "deactivating"
    }

    /// Whether nothing can start it.
    pub fn is_masked(&self) -> bool {
        self.property("LoadState") == "masked"
    }
}

/// The words of a systemctl call.
pub fn argv(scope: Scope, words: &[&str]) -> Vec<String> {
    let flag = match scope {
        Scope::System => None,
        Scope::User => Some("--user"),
        Scope::Global => Some("--global"),
    };
    std::iter::once("systemctl").chain(flag).chain(words.iter().copied()).map(str::to_owned).collect()
}

/// A call of systemctl, with what it needs to find a user's manager.
pub fn command(host: &dyn Host, argv: &[String]) -> Command {
    let command = program::plain(argv);
    let user = argv.iter().any(|word| word == "--user") && host.env("XDG_RUNTIME_DIR").is_none();
    if user { command.env("XDG_RUNTIME_DIR", format!("/run/user/{}", host.euid())) } else { command }
}

fn call(host: &dyn Host, scope: Scope, words: &[&str]) -> Result<Output, Failure> {
    program::run(host, &command(host, &argv(scope, words)))
}

/// Asks for a unit.
pub fn observe(host: &dyn Host, scope: Scope, name: &str) -> Result<Unit, Failure> {
    let output = call(host, scope, &["show", name])?;
    let text = output.stdout_text();
    let mut unit = Unit { offline: is_ignored(&output), ..Unit::default() };
    if output.success() && !unit.offline {
        unit.status = properties(&text);
        let masked = unit.is_masked();
        // A masked unit has an error beside it, too.
        unit.error = match unit.property("LoadError") {
            "" => None,
            _ if masked || unit.property("LoadState") == "not-found" => None,
            error => Some(error.trim_matches('"').trim().to_owned()).filter(|error| !error.is_empty()),
        };
        unit.exists = unit.property("LoadState") != "not-found" && unit.status.contains_key("LoadState");
    } else {
        let failed = !output.success() && !unit.offline;
        unit.error = failed.then(|| output.stderr_text().trim().to_owned());
        // Without the manager, the files say what there is.
        let listed = call(host, scope, &["list-unit-files", &with_suffix(name)])?;
        unit.exists =
            listed.stdout_text().lines().any(|line| line.split_whitespace().next() == Some(&with_suffix(name)));
        unit.offline |= failed && unit.exists;
    }
    if unit.exists {
        unit.enabled = is_enabled(host, scope, name, unit.property("Id"))?;
    }
    Ok(unit)
}

/// systemd takes a bare name for a service.
pub fn with_suffix(name: &str) -> String {
    const SUFFIXES: [&str; 11] =
        ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];
    match name.rsplit_once('.') {
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

fn is_ignored(output: &Output) -> bool {
    let marks = ["ignoring request", "ignoring command"];
    let texts = [output.stdout_text(), output.stderr_text()];
    marks.iter().any(|mark| texts.iter().any(|text| text.contains(mark)))
}

fn is_enabled(host: &dyn Host, scope: Scope, name: &str, id: &str) -> Result<bool, Failure> {
    let output = call(host, scope, &["is-enabled", name])?;
    let text = output.stdout_text();
    let state = text.trim();
    if output.success() {
        // What is enabled until the next start only does not start by itself.
        return Ok(!matches!(state, "enabled-runtime" | "indirect") && !state.is_empty() && !is_alias(state, id, name));
    }
    // A unit made from an init script is enabled by links that systemctl does not look at.
    let script = host.stat(format!("/etc/init.d/{name}").as_ref()).ok().flatten().is_some();
    Ok(scope == Scope::System && script && !state.ends_with("disabled") && super::sysv::is_enabled(host, name))
}

fn is_alias(state: &str, id: &str, name: &str) -> bool {
    state == "alias" && id == with_suffix(name)
}

/// `systemctl show`: one property a line, but for values in braces, which may go over several.
fn properties(text: &str) -> Map {
    let mut found = Map::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((key, mut value)) = open.take() {
            value.push('\n');
            value.push_str(line);
            match line.trim_end().ends_with('}') {
                true => {
                    found.insert(Key::from(key), Value::str(value.trim()));
                }
                false => open = Some((key, value)),
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let multiline =
            key.starts_with("Exec") && value.trim_start().starts_with('{') && !value.trim_end().ends_with('}');
        match multiline {
            true => open = Some((key.to_owned(), value.to_owned())),
            false => {
                found.insert(Key::from(key), Value::str(value.trim()));
            }
        }
    }
    found
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn values_in_braces_go_over_lines() {
        let text = "Id=a.service\nExecStart={ path=/bin/x ; argv[]=/bin/x a\nb ; }\nActiveState=active\nEmpty=\n";
        let found = properties(text);
        assert_eq!(found.get("ExecStart"), Some(&Value::str("{ path=/bin/x ; argv[]=/bin/x a\nb ; }")));
        assert_eq!(found.get("ActiveState"), Some(&Value::str("active")));
        assert_eq!(found.get("Empty"), Some(&Value::str("")));
    }

    #[test]
    fn names() {
        assert_eq!(with_suffix("nginx"), "nginx.service");
        assert_eq!(with_suffix("python3.8"), "python3.8.service");
        assert_eq!(with_suffix("x.timer"), "x.timer");
    }
}
