//! Calls of apt-get: their options, the lock, and what a simulation says.

use super::Args;
use crate::module::{Failure, Host, Output};
use crate::modules::program;
use std::time::Duration;

/// The words of a call: options that all calls share, then these.
pub fn argv(args: &Args, words: &[&str]) -> Vec<String> {
    let mut argv: Vec<String> = ["apt-get", "-y"].map(str::to_owned).to_vec();
    for option in args.dpkg_options.split(',').filter(|option| !option.is_empty()) {
        argv.extend(["-o".to_owned(), format!("Dpkg::Options::=--{option}")]);
    }
    argv.extend(["-o".to_owned(), format!("DPkg::Lock::Timeout={}", args.lock_timeout)]);
    argv.extend(words.iter().map(|word| (*word).to_owned()));
    argv
}

/// The options of an installation.
pub fn install_options(args: &Args) -> Vec<String> {
    let mut options = Vec::new();
    let flags = [
        (args.fail_on_autoremove, "--no-remove"),
        (args.only_upgrade, "--only-upgrade"),
        (args.autoremove, "--auto-remove"),
        (args.force, "--force-yes"),
        (args.allow_unauthenticated, "--allow-unauthenticated"),
        (args.allow_downgrade, "--allow-downgrades"),
        (args.allow_change_held_packages, "--allow-change-held-packages"),
    ];
    options.extend(flags.iter().filter(|(on, _)| *on).map(|(_, flag)| (*flag).to_owned()));
    if let Some(recommends) = args.install_recommends {
        let word = if recommends { "yes" } else { "no" };
        options.extend(["-o".to_owned(), format!("APT::Install-Recommends={word}")]);
    }
    if let Some(release) = &args.default_release {
        options.extend(["-t".to_owned(), release.clone()]);
    }
    options
}

/// Runs apt-get without questions, waiting for another package manager to end.
pub fn run(args: &Args, host: &dyn Host, argv: &[String]) -> Result<Output, Failure> {
    let mut command = program::plain(argv).env("DEBIAN_FRONTEND", "noninteractive").env("DEBIAN_PRIORITY", "critical");
    command.stream = true;
    let mut waited = 0;
    loop {
        let output = program::run(host, &command)?;
        if output.success() {
            return Ok(output);
        }
        let stderr = output.stderr_text();
        let locked = stderr.contains("Could not get lock")
            || stderr.contains("Unable to lock")
            || stderr.contains("is another process using it");
        if !locked || waited >= args.lock_timeout {
            let failure = program::failed(&command, &output);
            return Err(Failure { msg: format!("'{}' failed: {}", program::text(&command), failure.msg), ..failure });
        }
        waited += 1;
        host.sleep(Duration::from_secs(1)).map_err(|error| program::not_run(&command, &error))?;
    }
}

/// Whether a call's output says that nothing is to be done.
pub fn does_nothing(output: &str) -> bool {
    let summary = output.lines().find(|line| line.contains(" upgraded, ") && line.contains(" newly installed, "));
    summary.is_none_or(|line| line.starts_with("0 upgraded, 0 newly installed, 0 to remove") || is_held(line))
        && !output.lines().any(|line| ["Inst ", "Remv ", "Purg "].iter().any(|mark| line.starts_with(mark)))
}

fn is_held(line: &str) -> bool {
    line.starts_with("0 upgraded, 0 newly installed, 0 downgraded, 0 to remove")
}

/// Packages before and after, one a line, from a simulation's `Inst` and `Remv` lines.
pub fn differences(simulated: &str) -> (String, String) {
    let (mut before, mut after) = (String::new(), String::new());
    let inside = |line: &str, open: char, close: char| -> Option<String> {
        let (_, rest) = line.split_once(open)?;
        Some(rest.split([close, ' ']).next()?.to_owned())
    };
    for line in simulated.lines() {
        let mut words = line.split_whitespace();
        let (Some(verb @ ("Inst" | "Remv" | "Purg")), Some(name)) = (words.next(), words.next()) else { continue };
        let head = line.split('(').next().unwrap_or_default();
        if let Some(old) = inside(head, '[', ']') {
            before += &format!("{name} {old}\n");
        }
        if verb == "Inst" {
            after += &format!("{name} {}\n", inside(line, '(', ')').unwrap_or_default());
        }
    }
    (before, after)
}
