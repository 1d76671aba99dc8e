//! ansible.cfg and the ANSIBLE_* variables, as one table of the settings that rplay knows.

use super::search::expand_home;
use crate::value::{Value, parse_bool};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a setting's text is read by the `config` lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is.
    Text,
    /// A truth word.
    Flag,
    /// A whole number.
    Number,
    /// Words with commas between them.
    Words,
    /// Paths with colons between them.
    Paths,
}

/// A setting and where it is found.
struct Row {
    setting: Setting,
    /// Ansible's own name of it; empty for those that belong to a plug-in.
    name: &'static str,
    section: &'static str,
    key: &'static str,
    variable: &'static str,
    kind: Kind,
    /// Empty for none.
    default: &'static str,
}

macro_rules! settings {
    ($( $setting:ident $name:literal $section:literal $key:literal $variable:literal $kind:ident $default:literal; )*) => {
        /// A setting that rplay honours. Meanings and defaults are those of Ansible's configuration reference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each variant is the setting of the key beside it")]
        pub enum Setting { $($setting),* }

        const SETTINGS: &[Row] = &[$(Row {
            setting: Setting::$setting,
            name: $name,
            section: $section,
            key: $key,
            variable: $variable,
            kind: Kind::$kind,
            default: $default,
        }),*];
    };
}

settings! {
    Inventory               "DEFAULT_HOST_LIST"                "defaults"             "inventory"                 "ANSIBLE_INVENTORY"                        Words  "/etc/ansible/hosts";
    RolesPath               "DEFAULT_ROLES_PATH"               "defaults"             "roles_path"                "ANSIBLE_ROLES_PATH"                       Paths  "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles";
    Forks                   "DEFAULT_FORKS"                    "defaults"             "forks"                     "ANSIBLE_FORKS"                            Number "5";
    RemoteUser              "DEFAULT_REMOTE_USER"              "defaults"             "remote_user"               "ANSIBLE_REMOTE_USER"                      Text   "";
    RemotePort              "DEFAULT_REMOTE_PORT"              "defaults"             "remote_port"               "ANSIBLE_REMOTE_PORT"                      Number "";
    PrivateKeyFile          "DEFAULT_PRIVATE_KEY_FILE"         "defaults"             "private_key_file"          "ANSIBLE_PRIVATE_KEY_FILE"                 Text   "";
    HostKeyChecking         "HOST_KEY_CHECKING"                "defaults"             "host_key_checking"         "ANSIBLE_HOST_KEY_CHECKING"                Flag   "true";
    Timeout                 "DEFAULT_TIMEOUT"                  "defaults"             "timeout"                   "ANSIBLE_TIMEOUT"                          Number "10";
    Transport               "DEFAULT_TRANSPORT"                "defaults"             "transport"                 "ANSIBLE_TRANSPORT"                        Text   "ssh";
    Gathering               "DEFAULT_GATHERING"                "defaults"             "gathering"                 "ANSIBLE_GATHERING"                        Text   "implicit";
    AllowBrokenConditionals "ALLOW_BROKEN_CONDITIONALS"        "defaults"             "allow_broken_conditionals" "ANSIBLE_ALLOW_BROKEN_CONDITIONALS"        Flag   "false";
    GatherSubset            ""                                 "defaults"             "gather_subset"             "ANSIBLE_GATHER_SUBSET"                    Words  "";
    GatherTimeout           ""                                 "defaults"             "gather_timeout"            "ANSIBLE_GATHER_TIMEOUT"                   Number "";
    FactPath                ""                                 "defaults"             "fact_path"                 "ANSIBLE_FACT_PATH"                        Text   "";
    FactCaching             "CACHE_PLUGIN"                     "defaults"             "fact_caching"              "ANSIBLE_CACHE_PLUGIN"                     Text   "memory";
    FactCachingConnection   "CACHE_PLUGIN_CONNECTION"          "defaults"             "fact_caching_connection"   "ANSIBLE_CACHE_PLUGIN_CONNECTION"          Text   "";
    FactCachingPrefix       "CACHE_PLUGIN_PREFIX"              "defaults"             "fact_caching_prefix"       "ANSIBLE_CACHE_PLUGIN_PREFIX"              Text   "ansible_facts";
    FactCachingTimeout      "CACHE_PLUGIN_TIMEOUT"             "defaults"             "fact_caching_timeout"      "ANSIBLE_CACHE_PLUGIN_TIMEOUT"             Number "86400";
    InjectFacts             "INJECT_FACTS_AS_VARS"             "defaults"             "inject_facts_as_vars"      "ANSIBLE_INJECT_FACT_VARS"                 Flag   "true";
    HashBehaviour           "DEFAULT_HASH_BEHAVIOUR"           "defaults"             "hash_behaviour"            "ANSIBLE_HASH_BEHAVIOUR"                   Text   "replace";
    VaultPasswordFile       "DEFAULT_VAULT_PASSWORD_FILE"      "defaults"             "vault_password_file"       "ANSIBLE_VAULT_PASSWORD_FILE"              Text   "";
    VaultIdentity           "DEFAULT_VAULT_IDENTITY"           "defaults"             "vault_identity"            "ANSIBLE_VAULT_IDENTITY"                   Text   "default";
    VaultIdentityList       "DEFAULT_VAULT_IDENTITY_LIST"      "defaults"             "vault_identity_list"       "ANSIBLE_VAULT_IDENTITY_LIST"              Words  "";
    VaultIdMatch            "DEFAULT_VAULT_ID_MATCH"           "defaults"             "vault_id_match"            "ANSIBLE_VAULT_ID_MATCH"                   Text   "";
    AnyErrorsFatal          "ANY_ERRORS_FATAL"                 "defaults"             "any_errors_fatal"          "ANSIBLE_ANY_ERRORS_FATAL"                 Flag   "false";
    ErrorOnUndefined        "DEFAULT_UNDEFINED_VAR_BEHAVIOR"   "defaults"             "error_on_undefined_vars"   "ANSIBLE_ERROR_ON_UNDEFINED_VARS"          Flag   "true";
    ForceHandlers           "DEFAULT_FORCE_HANDLERS"           "defaults"             "force_handlers"            "ANSIBLE_FORCE_HANDLERS"                   Flag   "false";
    MissingHandler          "ERROR_ON_MISSING_HANDLER"         "defaults"             "error_on_missing_handler"  "ANSIBLE_ERROR_ON_MISSING_HANDLER"         Flag   "true";
    NoLog                   "DEFAULT_NO_LOG"                   "defaults"             "no_log"                    "ANSIBLE_NO_LOG"                           Flag   "false";
    Strategy                "DEFAULT_STRATEGY"                 "defaults"             "strategy"                  "ANSIBLE_STRATEGY"                         Text   "linear";
    PollInterval            "DEFAULT_POLL_INTERVAL"            "defaults"             "poll_interval"             "ANSIBLE_POLL_INTERVAL"                    Number "15";
    TaskTimeout             "TASK_TIMEOUT"                     "defaults"             "task_timeout"              "ANSIBLE_TASK_TIMEOUT"                     Number "0";
    Jinja2Native            "DEFAULT_JINJA2_NATIVE"            "defaults"             "jinja2_native"             "ANSIBLE_JINJA2_NATIVE"                    Flag   "true";
    AnsibleManaged          ""                                 "defaults"             "ansible_managed"           "DEFAULT_MANAGED_STR"                      Text   "";
    RemoteTmp               ""                                 "defaults"             "remote_tmp"                "ANSIBLE_REMOTE_TEMP"                      Text   "";
    Module                  "DEFAULT_MODULE_PATH"              "defaults"             "library"                   "ANSIBLE_LIBRARY"                          Paths  "~/.ansible/plugins/modules:/usr/share/ansible/plugins/modules";
    PlaybookDir             "PLAYBOOK_DIR"                     "defaults"             "playbook_dir"              "ANSIBLE_PLAYBOOK_DIR"                     Text   "";
    LogPath                 "DEFAULT_LOG_PATH"                 "defaults"             "log_path"                  "ANSIBLE_LOG_PATH"                         Text   "";
    MaxDiffSize             "MAX_FILE_SIZE_FOR_DIFF"           "defaults"             "max_diff_size"             "ANSIBLE_MAX_DIFF_SIZE"                    Number "104448";
    DisplaySkipped          "DISPLAY_SKIPPED_HOSTS"            "defaults"             "display_skipped_hosts"     "ANSIBLE_DISPLAY_SKIPPED_HOSTS"            Flag   "true";
    DisplayOk               ""                                 "defaults"             "display_ok_hosts"          "ANSIBLE_DISPLAY_OK_HOSTS"                 Flag   "true";
    NoColor                 "ANSIBLE_NOCOLOR"                  "defaults"             "nocolor"                   "ANSIBLE_NOCOLOR"                          Flag   "false";
    ForceColor              "ANSIBLE_FORCE_COLOR"              "defaults"             "force_color"               "ANSIBLE_FORCE_COLOR"                      Flag   "false";
    Verbosity               "DEFAULT_VERBOSITY"                "defaults"             "verbosity"                 "ANSIBLE_VERBOSITY"                        Number "0";
    Become                  "DEFAULT_BECOME"                   "privilege_escalation" "become"                    "ANSIBLE_BECOME"                           Flag   "false";
    BecomeMethod            "DEFAULT_BECOME_METHOD"            "privilege_escalation" "become_method"             "ANSIBLE_BECOME_METHOD"                    Text   "sudo";
    BecomeUser              "DEFAULT_BECOME_USER"              "privilege_escalation" "become_user"               "ANSIBLE_BECOME_USER"                      Text   "root";
    BecomeExe               "DEFAULT_BECOME_EXE"               "privilege_escalation" "become_exe"                "ANSIBLE_BECOME_EXE"                       Text   "";
    BecomeFlags             "DEFAULT_BECOME_FLAGS"             "privilege_escalation" "become_flags"              "ANSIBLE_BECOME_FLAGS"                     Text   "";
    BecomeAskPass           "DEFAULT_BECOME_ASK_PASS"          "privilege_escalation" "become_ask_pass"           "ANSIBLE_BECOME_ASK_PASS"                  Flag   "false";
    AskPass                 "DEFAULT_ASK_PASS"                 "defaults"             "ask_pass"                  "ANSIBLE_ASK_PASS"                         Flag   "false";
    AskVaultPass            "DEFAULT_ASK_VAULT_PASS"           "defaults"             "ask_vault_pass"            "ANSIBLE_ASK_VAULT_PASS"                   Flag   "false";
    PasswordFile            "CONNECTION_PASSWORD_FILE"         "defaults"             "connection_password_file"  "ANSIBLE_CONNECTION_PASSWORD_FILE"         Text   "";
    BecomePasswordFile      "BECOME_PASSWORD_FILE"             "defaults"             "become_password_file"      "ANSIBLE_BECOME_PASSWORD_FILE"             Text   "";
    ShowCustomStats         "SHOW_CUSTOM_STATS"                "defaults"             "show_custom_stats"         "ANSIBLE_SHOW_CUSTOM_STATS"                Flag   "false";
    SshCommonArgs           ""                                 "ssh_connection"       "ssh_common_args"           "ANSIBLE_SSH_COMMON_ARGS"                  Text   "";
    SshExtraArgs            ""                                 "ssh_connection"       "ssh_extra_args"            "ANSIBLE_SSH_EXTRA_ARGS"                   Text   "";
    SshArgs                 ""                                 "ssh_connection"       "ssh_args"                  "ANSIBLE_SSH_ARGS"                         Text   "";
    SshRetries              ""                                 "ssh_connection"       "retries"                   "ANSIBLE_SSH_RETRIES"                      Text   "";
    UnparsedFailed          "INVENTORY_UNPARSED_IS_FAILED"     "inventory"            "unparsed_is_failed"        "ANSIBLE_INVENTORY_UNPARSED_FAILED"        Flag   "false";
    AnyUnparsedFailed       "INVENTORY_ANY_UNPARSED_IS_FAILED" "inventory"            "any_unparsed_is_failed"    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED" Flag   "false";
    EnablePlugins           "INVENTORY_ENABLED"                "inventory"            "enable_plugins"            "ANSIBLE_INVENTORY_ENABLED"                Words  "host_list,script,auto,yaml,ini,toml";
    TagsRun                 "TAGS_RUN"                         "tags"                 "run"                       "ANSIBLE_RUN_TAGS"                         Words  "";
    TagsSkip                "TAGS_SKIP"                        "tags"                 "skip"                      "ANSIBLE_SKIP_TAGS"                        Words  "";
    DiffAlways              "DIFF_ALWAYS"                      "diff"                 "always"                    "ANSIBLE_DIFF_ALWAYS"                      Flag   "false";
    DiffContext             "DIFF_CONTEXT"                     "diff"                 "context"                   "ANSIBLE_DIFF_CONTEXT"                     Number "3";
}

/// Settings that rplay knows of and does not follow: whoever changes them is told.
const WITHOUT_EFFECT: &[Setting] = &[
    Setting::GatherSubset,
    Setting::GatherTimeout,
    Setting::FactPath,
    Setting::InjectFacts,
    Setting::HashBehaviour,
    Setting::ErrorOnUndefined,
    Setting::Jinja2Native,
    Setting::LogPath,
    Setting::UnparsedFailed,
];

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
        for row in SETTINGS {
            if let Ok(value) = std::env::var(row.variable) {
                config.values.insert(row.setting, (value, true));
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
            let row = SETTINGS.iter().find(|row| row.section == section && row.key == key.trim());
            if let Some(row) = row {
                config.values.insert(row.setting, (strip_comment(value), false));
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

    /// The keys of settings that differ from Ansible's defaults and have no effect here.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let differs = |row: &&Row| {
            let word =
                |text: &str| parse_bool(&Value::str(text)).map_or_else(|| text.to_owned(), |flag| flag.to_string());
            WITHOUT_EFFECT.contains(&row.setting)
                && self.get(row.setting).is_some_and(|text| word(text.trim()) != word(row.default))
        };
        SETTINGS.iter().filter(differs).map(|row| row.key).collect()
    }

    /// A setting as the `config` lookup gives it, its default included; None for an unknown name.
    pub fn by_name(&self, name: &str) -> Option<Value> {
        let row = SETTINGS.iter().find(|row| row.name == name && !name.is_empty())?;
        let text = self.get(row.setting).unwrap_or(row.default);
        let parts = |separator: char| text.split(separator).map(str::trim).filter(|part| !part.is_empty());
        Some(match row.kind {
            Kind::Words => Value::list(parts(',').map(Value::str).collect()),
            Kind::Paths => {
                Value::list(parts(':').map(|path| Value::str(expand_home(path).to_string_lossy())).collect())
            }
            _ if text.is_empty() => Value::Null,
            Kind::Text => Value::str(text),
            Kind::Flag => parse_bool(&Value::str(text)).map_or_else(|| Value::str(text), Value::Bool),
            Kind::Number => text.trim().parse::<i64>().map_or_else(|_| Value::str(text), Value::Int),
        })
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
        assert_eq!(config.by_name("DEFAULT_FORKS"), Some(Value::Int(12)));
        assert_eq!(config.by_name("HOST_KEY_CHECKING"), Some(Value::Bool(true)));
        assert_eq!(config.by_name("TAGS_RUN"), Some(Value::list(Vec::new())));
        assert_eq!(config.by_name("DEFAULT_REMOTE_USER"), Some(Value::Null));
        assert_eq!(config.by_name("NO_SUCH"), None);
        let odd = Config::from_text("[defaults]\njinja2_native = yes\nhash_behaviour = merge\nforks = 3\n");
        assert_eq!(odd.without_effect(), ["hash_behaviour"]);
    }
}
