//! ansible.cfg and the ANSIBLE_* variables, as one table of the settings that rplay knows.

use super::search::expand_home;
use crate::value::{Value, parse_bool};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

macro_rules! settings {
    ($( $variant:ident $section:literal $key:literal $env:literal; )*) => {
        /// A setting that rplay honours. Meanings and defaults are those of Ansible's configuration reference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each variant is the setting of the key beside it")]
        pub enum Setting { $($variant),* }

        const SETTINGS: &[(Setting, &str, &str, &str)] = &[$((Setting::$variant, $section, $key, $env)),*];
    };
}

settings! {
    Inventory          "defaults"             "inventory"              "ANSIBLE_INVENTORY";
    RolesPath          "defaults"             "roles_path"             "ANSIBLE_ROLES_PATH";
    Forks              "defaults"             "forks"                  "ANSIBLE_FORKS";
    RemoteUser         "defaults"             "remote_user"            "ANSIBLE_REMOTE_USER";
    RemotePort         "defaults"             "remote_port"            "ANSIBLE_REMOTE_PORT";
    PrivateKeyFile     "defaults"             "private_key_file"       "ANSIBLE_PRIVATE_KEY_FILE";
    HostKeyChecking    "defaults"             "host_key_checking"      "ANSIBLE_HOST_KEY_CHECKING";
    Timeout            "defaults"             "timeout"                "ANSIBLE_TIMEOUT";
    Transport          "defaults"             "transport"              "ANSIBLE_TRANSPORT";
    Gathering          "defaults"             "gathering"              "ANSIBLE_GATHERING";
    GatherSubset       "defaults"             "gather_subset"          "ANSIBLE_GATHER_SUBSET";
    GatherTimeout      "defaults"             "gather_timeout"         "ANSIBLE_GATHER_TIMEOUT";
    FactPath           "defaults"             "fact_path"              "ANSIBLE_FACT_PATH";
    InjectFacts        "defaults"             "inject_facts_as_vars"   "ANSIBLE_INJECT_FACT_VARS";
    HashBehaviour      "defaults"             "hash_behaviour"         "ANSIBLE_HASH_BEHAVIOUR";
    VaultPasswordFile  "defaults"             "vault_password_file"    "ANSIBLE_VAULT_PASSWORD_FILE";
    VaultIdentity      "defaults"             "vault_identity"         "ANSIBLE_VAULT_IDENTITY";
    VaultIdentityList  "defaults"             "vault_identity_list"    "ANSIBLE_VAULT_IDENTITY_LIST";
    VaultIdMatch       "defaults"             "vault_id_match"         "ANSIBLE_VAULT_ID_MATCH";
    AnyErrorsFatal     "defaults"             "any_errors_fatal"       "ANSIBLE_ANY_ERRORS_FATAL";
    ErrorOnUndefined   "defaults"             "error_on_undefined_vars" "ANSIBLE_ERROR_ON_UNDEFINED_VARS";
    ForceHandlers      "defaults"             "force_handlers"         "ANSIBLE_FORCE_HANDLERS";
    MissingHandler     "defaults"             "error_on_missing_handler" "ANSIBLE_ERROR_ON_MISSING_HANDLER";
    NoLog              "defaults"             "no_log"                 "ANSIBLE_NO_LOG";
    Strategy           "defaults"             "strategy"               "ANSIBLE_STRATEGY";
    PollInterval       "defaults"             "poll_interval"          "ANSIBLE_POLL_INTERVAL";
    TaskTimeout        "defaults"             "task_timeout"           "ANSIBLE_TASK_TIMEOUT";
    Jinja2Native       "defaults"             "jinja2_native"          "ANSIBLE_JINJA2_NATIVE";
    AnsibleManaged     "defaults"             "ansible_managed"        "DEFAULT_MANAGED_STR";
    RemoteTmp          "defaults"             "remote_tmp"             "ANSIBLE_REMOTE_TEMP";
    Module             "defaults"             "library"                "ANSIBLE_LIBRARY";
    PlaybookDir        "defaults"             "playbook_dir"           "ANSIBLE_PLAYBOOK_DIR";
    LogPath            "defaults"             "log_path"               "ANSIBLE_LOG_PATH";
    MaxDiffSize        "defaults"             "max_diff_size"          "ANSIBLE_MAX_DIFF_SIZE";
    DisplaySkipped     "defaults"             "display_skipped_hosts"  "ANSIBLE_DISPLAY_SKIPPED_HOSTS";
    DisplayOk          "defaults"             "display_ok_hosts"       "ANSIBLE_DISPLAY_OK_HOSTS";
    NoColor            "defaults"             "nocolor"                "ANSIBLE_NOCOLOR";
    ForceColor         "defaults"             "force_color"            "ANSIBLE_FORCE_COLOR";
    Verbosity          "defaults"             "verbosity"              "ANSIBLE_VERBOSITY";
    Become             "privilege_escalation" "become"                 "ANSIBLE_BECOME";
    BecomeMethod       "privilege_escalation" "become_method"          "ANSIBLE_BECOME_METHOD";
    BecomeUser         "privilege_escalation" "become_user"            "ANSIBLE_BECOME_USER";
    BecomeExe          "privilege_escalation" "become_exe"             "ANSIBLE_BECOME_EXE";
    BecomeFlags        "privilege_escalation" "become_flags"           "ANSIBLE_BECOME_FLAGS";
    BecomeAskPass      "privilege_escalation" "become_ask_pass"        "ANSIBLE_BECOME_ASK_PASS";
    AskPass            "defaults"             "ask_pass"               "ANSIBLE_ASK_PASS";
    AskVaultPass       "defaults"             "ask_vault_pass"         "ANSIBLE_ASK_VAULT_PASS";
    PasswordFile       "defaults"             "connection_password_file" "ANSIBLE_CONNECTION_PASSWORD_FILE";
    BecomePasswordFile "defaults"             "become_password_file"   "ANSIBLE_BECOME_PASSWORD_FILE";
    ShowCustomStats    "defaults"             "show_custom_stats"      "ANSIBLE_SHOW_CUSTOM_STATS";
    SshCommonArgs      "ssh_connection"       "ssh_common_args"        "ANSIBLE_SSH_COMMON_ARGS";
    SshExtraArgs       "ssh_connection"       "ssh_extra_args"         "ANSIBLE_SSH_EXTRA_ARGS";
    SshArgs            "ssh_connection"       "ssh_args"               "ANSIBLE_SSH_ARGS";
    SshRetries         "ssh_connection"       "retries"                "ANSIBLE_SSH_RETRIES";
    UnparsedFailed     "inventory"            "unparsed_is_failed"     "ANSIBLE_INVENTORY_UNPARSED_FAILED";
    AnyUnparsedFailed  "inventory"            "any_unparsed_is_failed" "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED";
    EnablePlugins      "inventory"            "enable_plugins"         "ANSIBLE_INVENTORY_ENABLED";
    TagsRun            "tags"                 "run"                    "ANSIBLE_RUN_TAGS";
    TagsSkip           "tags"                 "skip"                   "ANSIBLE_SKIP_TAGS";
    DiffAlways         "diff"                 "always"                 "ANSIBLE_DIFF_ALWAYS";
    DiffContext        "diff"                 "context"                "ANSIBLE_DIFF_CONTEXT";
}

/// The settings of a run.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The ansible.cfg that was read.
    pub path: Option<PathBuf>,
    values: BTreeMap<Setting, (String, bool)>,
}

impl Config {
    /// Reads the configuration as Ansible finds it: $ANSIBLE_CONFIG, ./ansible.cfg (not in a
    /// world-writable folder), ~/.ansible.cfg, /etc/ansible/ansible.cfg. Variables win over files.
    pub fn load() -> Config {
        let path = config_path();
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let mut config = Config::from_text(&text);
        config.path = path;
        for (setting, _, _, env) in SETTINGS {
            if let Ok(value) = std::env::var(env) {
                config.values.insert(*setting, (value, true));
            }
        }
        config
    }

    /// The settings of an ansible.cfg's text.
    pub fn from_text(text: &str) -> Config {
        let mut config = Config::default();
        let mut section = String::new();
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                section = name.trim().to_owned();
                continue;
            }
            let Some((key, value)) = line.split_once('=').or_else(|| line.split_once(':')) else { continue };
            let row = SETTINGS.iter().find(|(_, in_section, name, _)| *in_section == section && *name == key.trim());
            if let Some((setting, ..)) = row {
                config.values.insert(*setting, (strip_comment(value), false));
            }
        }
        config
    }

    /// A setting's text.
    pub fn get(&self, setting: Setting) -> Option<&str> {
        self.values.get(&setting).map(|(text, _)| text.as_str())
    }

    /// A setting as a truth value.
    pub fn flag(&self, setting: Setting) -> Option<bool> {
        parse_bool(&Value::str(self.get(setting)?))
    }

    /// A setting as a number.
    pub fn number<N: std::str::FromStr>(&self, setting: Setting) -> Option<N> {
        self.get(setting)?.trim().parse().ok()
    }

    /// A setting that is a list of paths. Relative ones are relative to ansible.cfg, or to the
    /// working folder when a variable gives them.
    pub fn paths(&self, setting: Setting, separator: char) -> Vec<PathBuf> {
        let Some((text, from_env)) = self.values.get(&setting) else { return Vec::new() };
        let base = self.path.as_deref().and_then(Path::parent).filter(|_| !from_env);
        let names = text.split(separator).map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| match (expand_home(name), base) {
                (path, Some(base)) if path.is_relative() => base.join(path),
                (path, _) => path,
            })
            .collect()
    }

    /// A setting as the `config` lookup gives it, by its variable's name without `ANSIBLE_`, or the
    /// key in upper case with or without `DEFAULT_`.
    pub fn by_name(&self, name: &str) -> Option<Value> {
        let bare = name.strip_prefix("DEFAULT_").unwrap_or(name).to_ascii_lowercase();
        let (setting, ..) = SETTINGS.iter().find(|(_, _, key, _)| *key == bare)?;
        self.get(*setting).map(Value::str)
    }
}

fn strip_comment(value: &str) -> String {
    let end = value.find(" ;").or_else(|| value.find(" #")).unwrap_or(value.len());
    let value = value[..end].trim();
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value).to_owned()
}

fn config_path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ANSIBLE_CONFIG").filter(|path| !path.is_empty()) {
        let path = expand_home(&path.to_string_lossy());
        let path = if path.is_dir() { path.join("ansible.cfg") } else { path };
        return path.is_file().then_some(path);
    }
    let here =
        std::env::current_dir().ok().filter(|folder| !world_writable(folder)).map(|folder| folder.join("ansible.cfg"));
    [here, Some(expand_home("~/.ansible.cfg")), Some(PathBuf::from("/etc/ansible/ansible.cfg"))]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
}

/// Anyone could have put a configuration into such a folder.
fn world_writable(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(folder).is_ok_and(|info| info.permissions().mode() & 0o002 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sections_comments_and_lists() {
        let mut config = Config::from_text(
            "[defaults]\nforks = 12 ; many\n# no\nroles_path=roles:/opt/roles\nunknown=1\n[privilege_escalation]\nbecome: yes\n",
        );
        config.path = Some("/etc/x/ansible.cfg".into());
        assert_eq!(config.number::<usize>(Setting::Forks), Some(12));
        assert_eq!(config.flag(Setting::Become), Some(true));
        assert_eq!(config.paths(Setting::RolesPath, ':'), [PathBuf::from("/etc/x/roles"), PathBuf::from("/opt/roles")]);
        assert_eq!(config.by_name("DEFAULT_FORKS"), Some(Value::str("12")));
    }
}
