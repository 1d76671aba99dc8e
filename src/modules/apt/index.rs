//! The lists of packages: how old they are, and fetching them.

use super::{Args, command};
use crate::module::{Failure, Host};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// When the lists were fetched last, in seconds since the epoch; 0 for never.
pub fn fetched(host: &dyn Host) -> u64 {
    let stamps = ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"];
    let found = stamps.iter().find_map(|path| host.stat(Path::new(path)).ok().flatten());
    found.map_or(0, |info| info.mtime.max(0.0) as u64)
}

/// The host's clock, in seconds since the epoch.
pub fn now(host: &dyn Host) -> u64 {
    host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Fetches the lists; a failure is tried again after growing pauses.
pub fn fetch(args: &Args, host: &dyn Host) -> Result<(), Failure> {
    let mut argv = command::argv(args, &["-o", "APT::Update::Error-Mode=any", "update"]);
    if args.allow_unauthenticated {
        argv.push("--allow-unauthenticated".into());
    }
    let mut failed = None;
    for attempt in 0..args.update_cache_retries.max(1) {
        if attempt > 0 {
            let pause = 2_u64.saturating_pow(attempt).min(args.update_cache_retry_max_delay);
            host.sleep(Duration::from_secs(pause)).map_err(|error| Failure::new(format!("cannot wait: {error}")))?;
        }
        match command::run(args, host, &argv) {
            Ok(_) => return Ok(()),
            Err(failure) => failed = Some(failure),
        }
    }
    let failure = failed.unwrap_or_else(|| Failure::new("not tried"));
    Err(Failure { msg: format!("Failed to update apt cache: {}", failure.msg), ..failure })
}
