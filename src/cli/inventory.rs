//! Which inventories and which hosts: `-i`, `--limit`, and what Ansible says when there are none.

use super::arguments::Options;
use super::error::CliError;
use super::warnings::Warnings;
use crate::inventory::{GroupNames, Inventory, Options as Reading, split_pattern};
use crate::project::{Config, Files, Setting, expand_home_path, load_inventory};
use crate::source::Diagnostics;
use std::path::Path;

/// Where inventories are when nobody says otherwise.
const DEFAULT: &str = "/etc/ansible/hosts";

/// The inventory's sources in order.
pub fn sources(options: &Options, config: &Config) -> Vec<String> {
    if !options.inventory.is_empty() {
        return options.inventory.clone();
    }
    if let Some(text) = config.get(Setting::Inventory) {
        // A list of hosts has commas too.
        if text.trim().ends_with(',') {
            return vec![text.trim().to_owned()];
        }
        return config
            .paths(Setting::Inventory, ',')
            .into_iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
    }
    match Path::new(DEFAULT).exists() {
        true => vec![DEFAULT.to_owned()],
        false => Vec::new(),
    }
}

/// Reads the sources.
pub fn load(
    sources: &[String],
    config: &Config,
    files: &Files,
    warnings: &Warnings,
    diagnostics: &mut Diagnostics,
) -> Inventory {
    let strict = config.flag(Setting::AnyUnparsedFailed) == Some(true);
    let reading = Reading { group_names: GroupNames::default(), lenient: !strict };
    let inventory = load_inventory(files, sources, reading, diagnostics);
    if inventory.hosts().next().is_none() {
        if sources.iter().all(|source| !source.contains(',') && !expand_home_path(source).exists()) {
            warnings.warn("No inventory was parsed, only implicit localhost is available");
        }
        warnings.warn(
            "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'",
        );
    }
    inventory
}

/// The single patterns of `--limit`. `@FILE` stands for the file's lines.
///
/// # Errors
/// A file that cannot be read, a wrong pattern, or no host that matches.
pub fn limit(options: &Options, inventory: &Inventory, warnings: &Warnings) -> Result<Vec<String>, CliError> {
    let mut patterns = Vec::new();
    for part in options.limit.iter().flat_map(|text| split_pattern(text)) {
        match part.strip_prefix('@') {
            Some(name) => {
                let path = expand_home_path(name);
                let text = std::fs::read_to_string(&path).map_err(|source| CliError::Read { path, source })?;
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                patterns.extend(lines.map(str::to_owned));
            }
            None => patterns.push(part),
        }
    }
    if patterns.is_empty() {
        return match &options.limit {
            Some(text) if !text.trim().is_empty() => Err(CliError::NoHosts(String::new())),
            _ => Ok(patterns),
        };
    }
    let selection = inventory.select_all(&patterns)?;
    let mut hint = String::new();
    for unmatched in &selection.unmatched {
        warnings.warn(format!("Could not match supplied host pattern, ignoring: {}", unmatched.pattern));
        if let Some(near) = &unmatched.nearest {
            hint = format!(" Did you mean `{near}`?");
        }
    }
    match selection.hosts.is_empty() && inventory.hosts().next().is_some() {
        true => Err(CliError::NoHosts(hint)),
        false => Ok(patterns),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::inventory::Builder;

    fn three_hosts() -> Inventory {
        let mut diagnostics = Diagnostics::default();
        let mut builder = Builder::new(Reading::default());
        builder.add_host_list("web1,web2,db1,", &mut diagnostics);
        builder.finish(&mut diagnostics)
    }

    fn limited(text: &str) -> Result<Vec<String>, CliError> {
        limit(&Options { limit: Some(text.into()), ..Options::default() }, &three_hosts(), &Warnings::default())
    }

    #[test]
    fn limits_must_leave_hosts() {
        assert_eq!(limited("web*:!web2").unwrap(), ["web*", "!web2"]);
        let message = limited("wbe1").unwrap_err().to_string();
        assert_eq!(
            message,
            "Specified inventory, host pattern and/or --limit leaves us with no hosts to target. Did you mean `web1`?"
        );
        assert!(limited("all:!all").is_err());
    }

    #[test]
    fn limits_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.retry");
        std::fs::write(&path, "web1\n\ndb1\n").unwrap();
        assert_eq!(limited(&format!("@{}", path.display())).unwrap(), ["web1", "db1"]);
        assert!(limited("@/nowhere/at/all").unwrap_err().to_string().starts_with("cannot read /nowhere/at/all"));
    }

    #[test]
    fn settings_give_sources_too() {
        let config = Config::from_text("[defaults]\ninventory = a, b\n");
        assert_eq!(sources(&Options::default(), &config), ["a", "b"]);
        let config = Config::from_text("[defaults]\ninventory = x,y,\n");
        assert_eq!(sources(&Options::default(), &config), ["x,y,"]);
    }
}
