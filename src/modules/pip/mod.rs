//! The `pip` module: Python packages, through the host's own pip.

mod requirement;

use super::program;
use crate::module::{Command, Example, Failure, Host, Module, ModuleSpec, Outcome, Output, Plan, ReturnSpec, Rule};
use crate::value::Value;
use requirement::Requirement;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Installs and removes Python packages.
pub struct Pip;

crate::arg_choices! {
    /// What should be so.
    pub enum State { Present = "present", Absent = "absent", Latest = "latest", Forcereinstall = "forcereinstall" }
}

crate::module_args! {
    /// Arguments of `pip`.
    pub struct Args {
        /// Packages, as pip takes them: with extras and version specifiers, or addresses.
        name: Option<Vec<String>>,
        /// The version, when one package is named without one.
        version: Option<String>,
        /// A requirements file on the host.
        requirements: Option<String>,
        /// A virtual environment; made when it is missing.
        virtualenv: Option<PathBuf>,
        /// The command that makes virtual environments.
        virtualenv_command: String = "virtualenv",
        /// The Python of a new virtual environment, for `virtualenv`.
        virtualenv_python: Option<String>,
        /// Whether a new virtual environment sees the system's packages.
        virtualenv_site_packages: bool = false,
        /// What should be so.
        state: State = State::Present,
        /// Further words for pip.
        extra_args: Option<String>,
        /// Install in editable mode.
        editable: bool = false,
        /// The folder that pip is run in.
        chdir: Option<PathBuf>,
        /// The pip program, when there are several.
        executable: Option<PathBuf>,
        /// The umask while pip works, in octal.
        umask: Option<String>,
        /// Let pip change a Python that the system's packages manage.
        break_system_packages: bool = false,
    }
}

/// What the host has.
pub struct Installed {
    /// The pip program and its first words; None while the virtual environment is missing.
    pip: Option<Vec<String>>,
    /// Versions by normalised name.
    packages: BTreeMap<String, String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Make the virtual environment.
    Environment(Vec<String>),
    /// Run pip with these words. With the flag, pip itself says whether it changed anything.
    Pip(Vec<String>, bool),
}

impl Module for Pip {
    type Args = Args;
    type State = Installed;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.pip",
        aliases: &["pip", "ansible.legacy.pip"],
        summary: "Manages Python packages.",
        notes: "Packages with plain version specifiers are compared with what is installed, without asking the network. \
                For addresses, requirements files and `latest` pip decides.",
        rules: &[
            Rule::RequiredOneOf(&["name", "requirements"]),
            Rule::MutuallyExclusive(&["name", "requirements"]),
            Rule::MutuallyExclusive(&["executable", "virtualenv"]),
        ],
        returns: &[
            ReturnSpec { name: "cmd", doc: "The last command that was run." },
            ReturnSpec { name: "name", doc: "The packages." },
            ReturnSpec { name: "version", doc: "The version asked for." },
            ReturnSpec { name: "requirements", doc: "The requirements file." },
            ReturnSpec { name: "virtualenv", doc: "The virtual environment." },
        ],
        examples: &[Example {
            title: "A package in a virtual environment",
            yaml: "ansible.builtin.pip:\n  name: requests==2.32.3\n  virtualenv: /opt/app/venv\n  virtualenv_command: python3 -m venv",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Installed, Failure> {
        let Some(pip) = find_pip(args, host)? else { return Ok(Installed { pip: None, packages: BTreeMap::new() }) };
        let mut words = pip.clone();
        words.extend(["list", "--format", "json", "--disable-pip-version-check"].map(str::to_owned));
        let output = run(args, host, &words)?;
        let listed: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::new(format!("cannot read what `{}` printed: {error}", words.join(" "))))?;
        let field = |item: &Value, key: &str| item.get(key).map(Value::to_string).unwrap_or_default();
        let packages = listed.as_list().unwrap_or_default().iter();
        let packages =
            packages.map(|item| (requirement::normalise(&field(item, "name")), field(item, "version"))).collect();
        Ok(Installed { pip: Some(pip), packages })
    }

    fn plan(&self, args: &Args, state: &Installed) -> Result<Plan<Change>, Failure> {
        let mut plan = Plan::nothing();
        let names = names(args)?;
        if let (None, Some(environment)) = (&state.pip, &args.virtualenv) {
            plan.changes.push(Change::Environment(environment_command(args, environment)?));
        }
        let pip = state.pip.clone().unwrap_or_else(|| venv_pip(args.virtualenv.as_deref().unwrap_or(Path::new(""))));
        let wanted: Vec<&Requirement> =
            names.iter().filter(|name| name.is_wanted(args.state, &state.packages)).collect();
        let acts = match args.requirements {
            Some(_) => true,
            None => !wanted.is_empty(),
        };
        if acts {
            let undecided = args.requirements.is_some()
                || args.state == State::Latest
                || wanted.iter().all(|name| name.is_address());
            plan.changes.push(Change::Pip(pip_command(args, pip, &wanted)?, undecided && plan.changes.is_empty()));
        }
        let given = args.name.clone().map(Value::from);
        Ok(plan
            .with("name", given.unwrap_or(Value::Null))
            .with("version", args.version.clone())
            .with("state", args.state.as_str())
            .with("requirements", args.requirements.clone())
            .with("virtualenv", args.virtualenv.as_ref().map(|path| path.to_string_lossy().into_owned())))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new();
        for change in &plan.changes {
            let (words, undecided) = match change {
                Change::Environment(words) => (words, false),
                Change::Pip(words, undecided) => (words, *undecided),
            };
            let output = run(args, host, words)?;
            let text = output.stdout_text();
            if undecided {
                outcome.reported_change =
                    Some(text.contains("Successfully installed") || text.contains("Successfully uninstalled"));
            }
            outcome = outcome
                .with("cmd", Value::from(words.clone()))
                .with("stdout", text)
                .with("stderr", output.stderr_text());
        }
        Ok(outcome)
    }
}

fn venv_pip(environment: &Path) -> Vec<String> {
    vec![environment.join("bin/pip").to_string_lossy().into_owned()]
}

/// The pip to use; None when it comes with a virtual environment that is still missing.
fn find_pip(args: &Args, host: &dyn Host) -> Result<Option<Vec<String>>, Failure> {
    if let Some(environment) = &args.virtualenv {
        let there = host.stat(&environment.join("bin/activate")).ok().flatten().is_some();
        return Ok(there.then(|| venv_pip(environment)));
    }
    if let Some(executable) = &args.executable {
        return Ok(Some(vec![executable.to_string_lossy().into_owned()]));
    }
    let known = ["pip3", "pip"].iter().find_map(|name| host.which(name));
    match known {
        Some(path) => Ok(Some(vec![path.to_string_lossy().into_owned()])),
        None if host.which("python3").is_some() => Ok(Some(["python3", "-m", "pip"].map(str::to_owned).to_vec())),
        None => Err(Failure::new("Unable to find any of pip3, pip to use. pip needs to be installed.")),
    }
}

fn run(args: &Args, host: &dyn Host, words: &[String]) -> Result<Output, Failure> {
    let mut command = match &args.umask {
        Some(umask) => {
            let octal = umask.chars().all(|c| c.is_digit(8));
            if !octal || umask.is_empty() {
                return Err(Failure::new(format!("umask must be an octal integer, got {umask}")));
            }
            let mut argv = vec!["/bin/sh".to_owned(), "-c".into(), format!("umask {umask}; exec \"$@\""), "sh".into()];
            argv.extend(words.iter().cloned());
            Command::new(argv)
        }
        None => Command::new(words.iter().cloned()),
    };
    command.cwd = args.chdir.clone();
    if args.break_system_packages {
        command.env.insert("PIP_BREAK_SYSTEM_PACKAGES".into(), "1".into());
    }
    command.env.insert("LANG".into(), "C.UTF-8".into());
    program::succeed(host, &command)
}

/// The packages; pieces that a comma cut off a version specifier are joined again.
fn names(args: &Args) -> Result<Vec<Requirement>, Failure> {
    let mut texts: Vec<String> = Vec::new();
    for piece in args.name.iter().flatten().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let unfinished = texts.last().is_some_and(|last| last.contains('[') && !last.contains(']'));
        match (piece.starts_with(['<', '>', '=', '!', '~']) || unfinished, texts.last_mut()) {
            (true, Some(last)) => {
                last.push(',');
                last.push_str(piece);
            }
            _ => texts.push(piece.to_owned()),
        }
    }
    if let Some(version) = &args.version {
        match texts.as_mut_slice() {
            [one] if !one.contains(['<', '>', '=', '!', '~']) => *one = format!("{one}=={version}"),
            [_] => {
                return Err(Failure::new(
                    "The 'version' argument conflicts with any version specifier provided along with a package name.",
                ));
            }
            _ => {
                return Err(Failure::new(
                    "'version' argument is ambiguous when installing multiple package distributions.",
                ));
            }
        }
    }
    Ok(texts.into_iter().map(Requirement::new).collect())
}

fn environment_command(args: &Args, environment: &Path) -> Result<Vec<String>, Failure> {
    let mut words = split(&args.virtualenv_command)?;
    if args.virtualenv_site_packages {
        words.push("--system-site-packages".into());
    }
    if let Some(python) = &args.virtualenv_python {
        if words.iter().any(|word| word == "venv") || words.first().is_some_and(|word| word.contains("pyvenv")) {
            return Err(Failure::new(
                "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
            ));
        }
        words.push(format!("-p{python}"));
    }
    words.push(environment.to_string_lossy().into_owned());
    Ok(words)
}

fn pip_command(args: &Args, pip: Vec<String>, wanted: &[&Requirement]) -> Result<Vec<String>, Failure> {
    let mut words = pip;
    match args.state {
        State::Present => words.push("install".into()),
        State::Latest => words.extend(["install", "-U"].map(str::to_owned)),
        State::Forcereinstall => words.extend(["install", "-U", "--force-reinstall"].map(str::to_owned)),
        State::Absent => words.extend(["uninstall", "-y"].map(str::to_owned)),
    }
    if let Some(extra) = args.extra_args.as_deref().filter(|_| args.state != State::Absent) {
        words.extend(split(extra)?);
    }
    for name in wanted {
        if args.editable && args.state != State::Absent {
            words.push("-e".into());
        }
        words.push(if args.state == State::Absent { name.bare() } else { name.text() }.to_owned());
    }
    if let Some(file) = &args.requirements {
        words.extend(["-r".to_owned(), file.clone()]);
    }
    Ok(words)
}

fn split(text: &str) -> Result<Vec<String>, Failure> {
    crate::transport::shell_words(text).ok_or_else(|| Failure::new(format!("unbalanced quotes in {text:?}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};

    const LIST: &[&str] = &["/v/bin/pip", "list", "--format", "json", "--disable-pip-version-check"];

    fn changed(name: &str, state: &str) -> bool {
        let host = FakeHost::new().with_file("/v/bin/activate", "", 0o644).with_command(
            LIST,
            0,
            r#"[{"name": "Apache_Airflow", "version": "2.10.5"}, {"name": "six", "version": "1.16.0"}]"#,
        );
        let args = Value::from([("name", name), ("virtualenv", "/v"), ("state", state)]);
        let run = Pip.run(args.as_map().unwrap(), RunFlags { check: true, diff: false }, &host).unwrap();
        run.result.get("changed").and_then(Value::as_bool).unwrap()
    }

    #[test]
    fn compares_versions_without_asking_the_network() {
        assert!(!changed("apache-airflow[celery,s3]==2.10.5", "present"));
        assert!(changed("apache-airflow[celery]==2.2.5", "present"));
        assert!(!changed("six>=1.10,<2", "present"));
        assert!(changed("six>=1.17", "present"));
        assert!(changed("nothere", "present"));
        assert!(!changed("nothere", "absent"));
        assert!(changed("six", "absent"));
    }

    #[test]
    fn a_missing_environment_is_made() {
        let args = Value::from([("name", "six"), ("virtualenv", "/new"), ("virtualenv_command", "python3 -m venv")]);
        let host = FakeHost::new().with_command(&["python3", "-m", "venv", "/new"], 0, "").with_command(
            &["/new/bin/pip", "install", "six"],
            0,
            "Successfully installed six-1.16.0\n",
        );
        let run = Pip.run(args.as_map().unwrap(), RunFlags::default(), &host).unwrap();
        assert_eq!(run.result.get("changed"), Some(&Value::Bool(true)));
        assert_eq!(host.commands().len(), 2);
    }
}
