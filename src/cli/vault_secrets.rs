//! Vault passwords: asked for, from files, or from programs, each with its id.

use super::arguments::Options;
use super::error::CliError;
use super::passwords::from_file;
use super::terminal::ask;
use crate::project::{Config, Setting};
use crate::vault::{DEFAULT_ID, Secret, Secrets};

/// Where a vault password comes from.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    id: String,
    /// None: somebody is asked.
    file: Option<String>,
}

/// `ID@SOURCE`, or just a source; `prompt` asks.
fn parse(text: &str, default_id: &str) -> Source {
    let (id, source) = match text.split_once('@') {
        Some((id, source)) if !id.is_empty() => (id, source),
        Some((_, source)) => (default_id, source),
        None => (default_id, text),
    };
    let file = (!matches!(source, "prompt" | "prompt_ask_vault_pass")).then(|| source.to_owned());
    Source { id: id.to_owned(), file }
}

/// The sources in the order in which their passwords are tried.
fn sources(options: &Options, config: &Config) -> Vec<Source> {
    let default_id = config.get(Setting::VaultIdentity).unwrap_or(DEFAULT_ID);
    let listed = config.get(Setting::VaultIdentityList).unwrap_or_default();
    let listed = listed.split(',').map(str::trim).filter(|one| !one.is_empty());
    let mut found: Vec<Source> =
        listed.chain(options.vault_id.iter().map(String::as_str)).map(|one| parse(one, default_id)).collect();
    let configured = config.paths(Setting::VaultPasswordFile, '\n').into_iter().next();
    let configured = configured.map(|path| path.to_string_lossy().into_owned());
    let files: Vec<String> = match options.vault_password_file.is_empty() && !options.ask_vault_password {
        true => configured.into_iter().collect(),
        false => options.vault_password_file.clone(),
    };
    found.extend(files.into_iter().map(|file| Source { id: default_id.to_owned(), file: Some(file) }));
    let nothing_else = found.is_empty();
    if options.ask_vault_password || (nothing_else && config.flag(Setting::AskVaultPass) == Some(true)) {
        found.push(Source { id: default_id.to_owned(), file: None });
    }
    found
}

/// All vault passwords of a run.
pub fn gather(options: &Options, config: &Config) -> Result<Secrets, CliError> {
    let mut secrets = Secrets::default();
    for source in sources(options, config) {
        let place = source.file.clone().unwrap_or_else(|| "the prompt".into());
        let text = match &source.file {
            Some(file) => from_file(file, &client_arguments(file, &source.id))?,
            None => {
                let of_id = if source.id == DEFAULT_ID { String::new() } else { format!(" ({})", source.id) };
                ask(&format!("Vault password{of_id}: "), true).map_err(CliError::Prompt)?
            }
        };
        let secret = Secret::new(text).map_err(|error| CliError::Secret { place, source: error })?;
        secrets.push(source.id, secret);
    }
    secrets.match_ids = config.flag(Setting::VaultIdMatch) == Some(true);
    Ok(secrets)
}

/// A program whose name ends in `-client` (before its ending) is told the id.
fn client_arguments<'a>(file: &str, id: &'a str) -> Vec<&'a str> {
    let stem = std::path::Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match stem.ends_with("-client") {
        true => vec!["--vault-id", id],
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(id: &str, file: Option<&str>) -> Source {
        Source { id: id.into(), file: file.map(str::to_owned) }
    }

    #[test]
    fn reads_ids_and_sources() {
        assert_eq!(parse("dev@prompt", "default"), source("dev", None));
        assert_eq!(parse("dev@/etc/pass", "default"), source("dev", Some("/etc/pass")));
        assert_eq!(parse("@pass", "mine"), source("mine", Some("pass")));
        assert_eq!(parse("pass", "default"), source("default", Some("pass")));
        assert_eq!(client_arguments("/x/key-client.py", "dev"), ["--vault-id", "dev"]);
        assert!(client_arguments("/x/client", "dev").is_empty());
    }

    #[test]
    fn settings_come_before_options_and_files_after() {
        let config = Config::from_text("[defaults]\nvault_identity_list = a@x, b@y\nvault_password_file = z\n");
        let options = Options { vault_id: vec!["c@prompt".into()], ..Options::default() };
        let ids: Vec<String> = sources(&options, &config).into_iter().map(|one| one.id).collect();
        assert_eq!(ids, ["a", "b", "c", "default"]);
        let options = Options { ask_vault_password: true, ..Options::default() };
        assert_eq!(sources(&options, &Config::default()), [source("default", None)]);
    }
}
