//! Calls of dnf: their options and the lock.

use super::{Args, Backend};
use crate::module::{Failure, Host, Output};
use crate::modules::{expand, program};
use crate::value::Value;
use std::time::Duration;

/// The status of dnf when another one holds the lock and `exit_on_lock` is on.
const LOCKED: i32 = 200;

/// The program.
pub fn program(args: &Args, host: &dyn Host) -> Result<String, Failure> {
    let names: &[&str] = match args.use_backend {
        Backend::Auto | Backend::Yum => &["dnf", "dnf5", "yum"],
        Backend::Dnf | Backend::Dnf4 | Backend::Yum4 => &["dnf-3", "dnf", "yum"],
        Backend::Dnf5 => &["dnf5"],
    };
    let found = names.iter().find(|name| host.which(name).is_some());
    found.map(|name| (*name).to_owned()).ok_or_else(|| Failure::new("Could not find dnf on this host").with("rc", 127))
}

/// The words of a call: the program and the options that all calls share, then these.
pub fn argv(args: &Args, host: &dyn Host, words: &[&str]) -> Result<Vec<String>, Failure> {
    let mut argv = vec![program(args, host)?];
    let mut option = |text: String| argv.push(text);
    if let Some(file) = &args.conf_file {
        option(format!("--config={}", expand::expand(host, file)));
    }
    if args.installroot != "/" {
        option(format!("--installroot={}", expand::expand(host, &args.installroot)));
    }
    if let Some(release) = &args.releasever {
        option(format!("--releasever={release}"));
    }
    let lists = [
        ("disablerepo", &args.disablerepo),
        ("enablerepo", &args.enablerepo),
        ("exclude", &args.exclude),
        ("disableplugin", &args.disable_plugin),
        ("enableplugin", &args.enable_plugin),
    ];
    for (name, values) in lists {
        values.iter().for_each(|value| option(format!("--{name}={value}")));
    }
    if let Some(which) = &args.disable_excludes {
        option(format!("--disableexcludes={which}"));
    }
    if args.disable_gpg_check {
        option("--nogpgcheck".into());
    }
    if !args.sslverify || !args.validate_certs {
        option("--setopt=sslverify=False".into());
    }
    if args.cacheonly {
        option("--cacheonly".into());
    }
    if args.update_cache {
        option("--refresh".into());
    }
    option("--setopt=exit_on_lock=True".into());
    argv.extend(words.iter().map(|word| (*word).to_owned()));
    Ok(argv)
}

/// The options of a transaction.
pub fn transaction_options(args: &Args) -> Vec<String> {
    let mut options = Vec::new();
    let best = args.best.or(args.nobest.map(|nobest| !nobest));
    options.extend(best.map(|best| (if best { "--best" } else { "--nobest" }).to_owned()));
    let flags = [
        (args.allowerasing, "--allowerasing"),
        (args.skip_broken, "--skip-broken"),
        (args.download_only, "--downloadonly"),
        (!args.install_weak_deps, "--setopt=install_weak_deps=False"),
    ];
    options.extend(flags.iter().filter(|(on, _)| *on).map(|(_, flag)| (*flag).to_owned()));
    options.extend(args.download_dir.as_ref().map(|folder| format!("--downloaddir={folder}")));
    options
}

/// Runs dnf and takes any status, waiting for another package manager to end.
pub fn call(args: &Args, host: &dyn Host, argv: &[String]) -> Result<Output, Failure> {
    let mut command = program::plain(argv);
    command.stream = true;
    let mut waited = 0;
    loop {
        let output = program::run(host, &command)?;
        if output.rc != LOCKED || waited >= args.lock_timeout {
            return Ok(output);
        }
        waited += 1;
        host.sleep(Duration::from_secs(1)).map_err(|error| program::not_run(&command, &error))?;
    }
}

/// Runs dnf, which has to succeed.
pub fn run(args: &Args, host: &dyn Host, argv: &[String]) -> Result<Output, Failure> {
    let output = call(args, host, argv)?;
    match output.success() {
        true => Ok(output),
        false => Err(failure(argv, &output)),
    }
}

/// The failure of a call, in dnf's own words.
pub fn failure(argv: &[String], output: &Output) -> Failure {
    let failure = program::failed(&program::plain(argv), output);
    let stderr = output.stderr_text();
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let missing: Vec<String> = output
        .stdout_text()
        .lines()
        .chain(stderr.lines())
        .filter_map(|line| {
            line.trim().strip_prefix("No match for argument: ").map(|name| format!("No package {name} available."))
        })
        .collect();
    if !missing.is_empty() {
        let failures = Value::from(missing);
        return Failure { msg: "Failed to install some of the specified packages".into(), ..failure }
            .with("failures", failures)
            .with("results", Value::list(Vec::new()))
            .with("rc", 1);
    }
    let msg = if lines.is_empty() { failure.msg.clone() } else { lines.join("\n") };
    Failure { msg, ..failure }.with("results", Value::list(Vec::new()))
}
