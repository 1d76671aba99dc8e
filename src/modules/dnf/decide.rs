//! Which calls of dnf would change something.

use super::command::{argv, call, failure, run, transaction_options};
use super::spec::Spec;
use super::{Args, State, Step, transaction};
use crate::module::{Failure, Host};

/// The transactions, in order, each with what dnf says that it would do, and remarks for the result.
pub fn steps(args: &Args, host: &dyn Host) -> Result<(Vec<Step>, Vec<String>), Failure> {
    let specs: Vec<Spec> =
        args.name.iter().filter(|name| !name.trim().is_empty()).map(|name| Spec::parse(name)).collect();
    let (mut steps, mut remarks) = (Vec::new(), Vec::new());
    let mut add = |verb: &str, options: &[&str], words: &[String]| -> Result<(), Failure> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        steps.extend(simulate(args, host, verb, &options, words)?);
        Ok(())
    };
    if args.removes() {
        let step = remove(args, host, &specs, &mut remarks)?;
        return Ok((step.into_iter().collect(), remarks));
    }
    match args.state {
        Some(State::Latest) => {
            let mut upgrades = Vec::new();
            upgrades.extend(args.security.then_some("--security"));
            upgrades.extend(args.bugfix.then_some("--bugfix"));
            if specs.contains(&Spec::All) {
                add("upgrade", &upgrades, &[])?;
            }
            let (mut there, mut missing) = (Vec::new(), Vec::new());
            for spec in specs.iter().filter(|spec| **spec != Spec::All) {
                let installed = !spec.installed(args, host)?.is_empty();
                match spec {
                    // A package file is a version of its own: it is there, or is installed.
                    Spec::PackageFile(_) if installed => {}
                    _ if installed => there.push(spec.word()),
                    Spec::Group(_) => missing.push(spec.word()),
                    _ if args.update_only => {
                        let name = spec.word();
                        remarks.push(format!("Packages providing {name} not installed due to update_only specified"));
                    }
                    _ => missing.push(spec.word()),
                }
            }
            if !there.is_empty() {
                add("upgrade", &upgrades, &there)?;
            }
            if !missing.is_empty() {
                add("install", &[], &missing)?;
            }
        }
        _ => {
            let mut missing = Vec::new();
            for spec in &specs {
                match spec {
                    Spec::PackageFile(file) => remarks.push(format!("Installed {file}")),
                    Spec::Group(name) => remarks.push(format!("Group {} installed.", name.trim_start_matches('@'))),
                    _ => {}
                }
                if !is_met(args, host, spec)? {
                    missing.push(spec.word());
                }
            }
            if !missing.is_empty() {
                add("install", &[], &missing)?;
            }
        }
    }
    Ok((steps, remarks))
}

/// Whether what is asked for is there. Without `allow_downgrade` a later version is good enough.
fn is_met(args: &Args, host: &dyn Host, spec: &Spec) -> Result<bool, Failure> {
    match spec {
        // Only dnf knows what a pattern stands for among the available packages.
        Spec::Pattern(_) | Spec::Group(_) => return Ok(false),
        Spec::All => return Ok(true),
        _ => {}
    }
    if !spec.installed(args, host)?.is_empty() {
        return Ok(true);
    }
    match spec {
        Spec::Name(text) if !args.allow_downgrade => is_older(args, host, text),
        _ => Ok(false),
    }
}

/// Whether `name-version[-release]` is older than the installed package of that name.
fn is_older(args: &Args, host: &dyn Host, text: &str) -> Result<bool, Failure> {
    for (at, _) in text.match_indices('-') {
        let (name, wanted) = (&text[..at], &text[at + 1..]);
        if !wanted.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let newer = Spec::Compared { name: name.to_owned(), operator: ">".into(), version: wanted.to_owned() };
        if !newer.installed(args, host)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The call that removes what is there, with `autoremove` also what nothing needs any more.
fn remove(args: &Args, host: &dyn Host, specs: &[Spec], remarks: &mut Vec<String>) -> Result<Option<Step>, Failure> {
    let mut there = Vec::new();
    for spec in specs {
        let installed = match spec {
            Spec::Group(_) => true,
            spec => !spec.installed(args, host)?.is_empty(),
        };
        match installed {
            true => there.push(spec.word()),
            false => remarks.push(format!("No match for argument: {}", spec.word())),
        }
    }
    let clean = format!("--setopt=clean_requirements_on_remove={}", if args.autoremove { "True" } else { "False" });
    match (there.is_empty(), specs.is_empty() && args.autoremove) {
        (false, _) => simulate(args, host, "remove", &[clean], &there),
        (true, true) => simulate(args, host, "autoremove", &[], &[]),
        (true, false) => Ok(None),
    }
}

/// Asks dnf what a call would do; None when nothing.
fn simulate(
    args: &Args,
    host: &dyn Host,
    verb: &str,
    options: &[String],
    words: &[String],
) -> Result<Option<Step>, Failure> {
    let mut tail: Vec<&str> = vec![verb];
    let shared = transaction_options(args);
    // Removing takes none of the options of an installation.
    let removes = matches!(verb, "remove" | "autoremove");
    let shared = if removes { &[][..] } else { shared.as_slice() };
    tail.extend(shared.iter().map(String::as_str));
    tail.extend(options.iter().map(String::as_str));
    tail.extend(words.iter().map(String::as_str));
    let real = argv(args, host, &[&["-y"], tail.as_slice()].concat())?;
    let dry: Vec<&str> =
        std::iter::once("--assumeno").chain(tail.into_iter().filter(|word| *word != "--downloadonly")).collect();
    let dry = argv(args, host, &dry)?;
    let output = call(args, host, &dry)?;
    let mut transaction = transaction::parse(&output.stdout_text());
    if transaction.rows.is_empty() && !transaction.marks.is_empty() {
        // dnf shows groups again and again; whether they are marked as installed, only its list says.
        let listed = call(args, host, &argv(args, host, &["-q", "group", "list", "--installed"])?)?.stdout_text();
        transaction.marks.retain(|mark| listed.contains(mark.as_str()) == removes);
    }
    if !transaction.is_empty() {
        return Ok(Some(Step { argv: real, transaction }));
    }
    match output.success() {
        true => Ok(None),
        // Only marks of groups that are right already: asked not to go on, dnf ended with an error.
        false if output.stderr_text().contains("Operation aborted") => Ok(None),
        // Nothing fits what is to go: it is gone already.
        false if removes && output.stderr_text().contains("No match") => Ok(None),
        false => Err(failure(&dry, &output)),
    }
}

/// Fetches the repositories' data.
pub fn refresh(args: &Args, host: &dyn Host) -> Result<(), Failure> {
    run(args, host, &argv(args, host, &["makecache"])?).map(|_| ())
}
