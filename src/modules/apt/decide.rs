//! Which calls of apt-get would change something.

use super::command::{argv, does_nothing, install_options, run};
use super::installed::Installed;
use super::spec::{Spec, Wanted};
use super::{Args, State, Step, Upgrade, deb};
use crate::module::{Failure, Host};
use crate::modules::{program, wildcard};

/// Whether the task is about more than the lists.
pub fn asks_for_packages(args: &Args) -> bool {
    args.name.as_ref().is_some_and(|names| !names.is_empty())
        || args.deb.is_some()
        || args.upgrade != Upgrade::No
        || args.autoremove
        || args.autoclean
        || args.clean
        || matches!(args.state, State::Fixed | State::BuildDep)
}

/// The calls, in order, each with what its simulation says.
pub fn steps(args: &Args, host: &dyn Host) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut add = |words: Vec<String>| -> Result<(), Failure> {
        steps.extend(simulate(args, host, &words)?);
        Ok(())
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let names: Vec<String> =
        args.name.iter().flatten().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    // `*` with state latest means all that is installed.
    let all = args.state == State::Latest && names.iter().any(|name| name == "*");
    match if all { Upgrade::Dist } else { args.upgrade } {
        Upgrade::No => {}
        Upgrade::Yes | Upgrade::Safe => add([words(&["upgrade", "--with-new-pkgs"]), install_options(args)].concat())?,
        Upgrade::Full | Upgrade::Dist => add([words(&["dist-upgrade"]), install_options(args)].concat())?,
    }
    if let Some(file) = &args.deb {
        let installed = Installed::read(host)?;
        if let Some(path) = deb::wanted(args, file, &installed, host)? {
            add([words(&["install"]), install_options(args), vec![path.to_string_lossy().into_owned()]].concat())?;
        }
    }
    let specs: Vec<Spec> = names.iter().filter(|name| *name != "*").map(|name| Spec::parse(name)).collect();
    if !specs.is_empty() || args.state == State::Fixed {
        match args.state {
            State::Absent => {
                let mut options = Vec::new();
                options.extend(args.purge.then(|| "--purge".to_owned()));
                options.extend(args.autoremove.then(|| "--auto-remove".to_owned()));
                options.extend(args.force.then(|| "--force-yes".to_owned()));
                options.extend(args.allow_change_held_packages.then(|| "--allow-change-held-packages".to_owned()));
                let there = removable(args, &specs, host)?;
                if !there.is_empty() {
                    add([words(&["remove"]), options, there].concat())?;
                }
            }
            State::BuildDep => {
                let sources = specs.iter().map(Spec::package).collect();
                add([words(&["build-dep"]), install_options(args), sources].concat())?;
            }
            State::Present | State::Latest | State::Fixed => {
                let missing = missing(args, &specs, host)?;
                if args.state == State::Fixed {
                    add([words(&["install", "-f"]), install_options(args), missing].concat())?;
                } else if !missing.is_empty() {
                    add([words(&["install"]), install_options(args), missing].concat())?;
                }
            }
        }
    }
    if args.autoremove && specs.is_empty() && args.upgrade == Upgrade::No && args.deb.is_none() {
        let purge = args.purge.then(|| "--purge".to_owned());
        add([words(&["autoremove"]), purge.into_iter().collect()].concat())?;
    }
    if args.autoclean {
        steps.extend(clean(args, host, "autoclean", "Del ")?);
    }
    if args.clean {
        steps.extend(clean(args, host, "clean", "Del ")?);
    }
    Ok(steps)
}

/// Simulates a call; None when it would do nothing.
fn simulate(args: &Args, host: &dyn Host, words: &[String]) -> Result<Option<Step>, Failure> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let real = argv(args, &words);
    let mut dry = argv(args, &["--simulate"]);
    dry.extend(words.iter().map(|word| (*word).to_owned()));
    let simulated = run(args, host, &dry)?.stdout_text();
    Ok((!does_nothing(&simulated)).then_some(Step { argv: real, simulated }))
}

/// `autoclean` and `clean` say what they would delete.
fn clean(args: &Args, host: &dyn Host, word: &str, mark: &str) -> Result<Option<Step>, Failure> {
    let simulated = run(args, host, &argv(args, &["--simulate", word]))?.stdout_text();
    let acts = simulated.lines().any(|line| line.starts_with(mark));
    let files = || wildcard::glob(host, "/".as_ref(), "/var/cache/apt/archives/*.deb");
    // Older versions do not simulate `clean`.
    let acts = acts || (word == "clean" && !files().is_empty());
    Ok(acts.then(|| Step { argv: argv(args, &[word]), simulated }))
}

/// The words for apt-get of packages that are not as wanted.
fn missing(args: &Args, specs: &[Spec], host: &dyn Host) -> Result<Vec<String>, Failure> {
    let installed = Installed::read(host)?;
    let mut available: Option<Vec<String>> = None;
    let mut wanted = Vec::new();
    let mut expanded = Vec::new();
    for spec in specs {
        if !spec.is_pattern() {
            expanded.push(spec.clone());
            continue;
        }
        if available.is_none() {
            let output = program::succeed(host, &program::plain(&["apt-cache", "pkgnames"]))?;
            available = Some(output.stdout_text().lines().map(str::to_owned).collect());
        }
        let mut names: Vec<&String> =
            available.iter().flatten().filter(|name| wildcard::matches(&spec.name, name)).collect();
        names.sort();
        if names.is_empty() {
            return Err(Failure::new(format!("No package(s) matching '{}' available", spec.name)));
        }
        expanded.extend(names.into_iter().map(|name| Spec { name: name.clone(), ..spec.clone() }));
    }
    for spec in &expanded {
        let is_there = installed.get(&spec.name, spec.architecture.as_deref()).is_some();
        let met = match args.state {
            State::Latest => spec.version.is_some() && spec.is_met(&installed),
            _ => spec.is_met(&installed) || (args.only_upgrade && !is_there),
        };
        if met || (!is_there && spec.version.is_none() && is_provided(spec, &installed, host)?) {
            continue;
        }
        wanted.push(word(spec, host)?);
    }
    Ok(wanted)
}

/// Whether the name is a virtual package's alone, and an installed package provides it.
fn is_provided(spec: &Spec, installed: &Installed, host: &dyn Host) -> Result<bool, Failure> {
    if !installed.provides(&spec.name) {
        return Ok(false);
    }
    Ok(versions(&spec.name, host)?.is_empty())
}

/// The versions that the lists offer, best first. Empty for an unknown or virtual name.
fn versions(package: &str, host: &dyn Host) -> Result<Vec<String>, Failure> {
    let output = program::read(host, &["apt-cache", "madison", package])?.stdout_text();
    Ok(output.lines().filter_map(|line| line.split('|').nth(1)).map(|version| version.trim().to_owned()).collect())
}

/// A package as apt-get takes it; the version's wildcards are replaced by a version that is offered.
fn word(spec: &Spec, host: &dyn Host) -> Result<String, Failure> {
    let package = spec.package();
    let offered = versions(&package, host)?;
    if offered.is_empty() && !is_known(&spec.name, host)? {
        return Err(Failure::new(format!("No package matching '{}' is available", spec.name)));
    }
    let fits = |version: &String| match &spec.version {
        None => true,
        Some(Wanted::Exactly(wanted)) => wildcard::matches(wanted, version),
        Some(Wanted::AtLeast(wanted)) => super::version::compare(version, wanted) != std::cmp::Ordering::Less,
    };
    match (&spec.version, offered.iter().find(|version| fits(version))) {
        (None, _) => Ok(package),
        (Some(_), Some(version)) => Ok(format!("{package}={version}")),
        (Some(wanted), None) => {
            let text = match wanted {
                Wanted::Exactly(version) => format!("={version}"),
                Wanted::AtLeast(version) => format!(">={version}"),
            };
            Err(Failure::new(format!("no available installation candidate for {package}{text}")))
        }
    }
}

/// Whether apt has heard of the name: installed without being offered any more, or virtual.
fn is_known(name: &str, host: &dyn Host) -> Result<bool, Failure> {
    Ok(program::read(host, &["apt-cache", "showpkg", name])?
        .stdout_text()
        .lines()
        .any(|line| line.starts_with("Package:")))
}

/// The words for apt-get of packages that are there and should not be.
fn removable(args: &Args, specs: &[Spec], host: &dyn Host) -> Result<Vec<String>, Failure> {
    let installed = Installed::read(host)?;
    let mut there = Vec::new();
    for spec in specs {
        let remains = |spec: &Spec| match &spec.version {
            Some(_) => spec.is_met(&installed),
            None => {
                installed.get(&spec.name, spec.architecture.as_deref()).is_some()
                    || (args.purge && installed.has_traces(&spec.name))
            }
        };
        if spec.is_pattern() {
            let mut names: Vec<&str> = installed.names().filter(|name| wildcard::matches(&spec.name, name)).collect();
            names.sort_unstable();
            let specs = names.into_iter().map(|name| Spec { name: name.to_owned(), ..spec.clone() });
            there.extend(specs.filter(remains).map(|spec| spec.package()));
        } else if remains(spec) {
            there.push(spec.package());
        }
    }
    Ok(there)
}
