//! The arguments: ansible-playbook's options in its spellings, and a few of rplay's own.

use crate::plan::Format;
use crate::report::Output;
use clap::{ArgAction, Args, Parser, ValueEnum};
use std::path::PathBuf;

/// Behind the list of options.
const MORE: &str = "\
Subcommands:
  rplay graph [PLAYBOOK]...  show what waits for what, and why (rplay graph --help)
  rplay doc [MODULE]         the reference of the modules (rplay doc --help)

A playbook that is named like a subcommand is run as ./graph or ./doc.

Exit codes: 0 success, 1 error, 2 failed tasks, 4 unreachable hosts or wrong files,
5 wrong options, 99 interrupted, 250 a mistake in rplay.";

/// Runs Ansible playbooks as a graph of tasks, with a small native agent on each host.
#[derive(Debug, Parser)]
#[command(name = "rplay", version, after_help = MORE, infer_long_args = true, args_override_self = true)]
pub struct PlayArguments {
    /// Playbooks, run one after another
    #[arg(value_name = "PLAYBOOK", required = true)]
    pub playbooks: Vec<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would take the text for the program's own")]
    pub options: Options,

    /// Only check the playbooks, without touching anything
    #[arg(long)]
    pub syntax_check: bool,
    /// List the hosts of each play, and do nothing else
    #[arg(long)]
    pub list_hosts: bool,
    /// List the tasks that would run, and do nothing else
    #[arg(long)]
    pub list_tasks: bool,
    /// List all tags, and do nothing else
    #[arg(long)]
    pub list_tags: bool,

    /// Begin at the task of this name (with * and ?)
    #[arg(long, value_name = "NAME")]
    pub start_at_task: Option<String>,
    /// Ask before each task
    #[arg(long)]
    pub step: bool,
    /// Run handlers even if a task fails
    #[arg(long)]
    pub force_handlers: bool,
    /// Forget the facts that fact_caching kept of all hosts
    #[arg(long)]
    pub flush_cache: bool,

    /// Do not change anything; predict what would change
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show the differences that changes make
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// Tasks that run at once [default: 5]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub forks: Option<u16>,

    /// Form of the report
    #[arg(long, value_enum, default_value_t = OutputName::Human, value_name = "FORM")]
    pub output: OutputName,

    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    #[allow(missing_docs, reason = "as above")]
    pub escalation: BecomeArguments,
}

/// What to read, and how: options that all subcommands with playbooks take.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Inventory file, folder or executable, or names with commas; may be repeated
    #[arg(short, long, visible_alias = "inventory-file", value_name = "INVENTORY", action = ArgAction::Append)]
    pub inventory: Vec<String>,
    /// Only hosts that also match this pattern (@FILE for a list)
    #[arg(short, long, value_name = "SUBSET")]
    pub limit: Option<String>,
    /// Only what has one of these tags; may be repeated
    #[arg(short, long, value_name = "TAGS", action = ArgAction::Append)]
    pub tags: Vec<String>,
    /// Nothing that has one of these tags; may be repeated
    #[arg(long, value_name = "TAGS", action = ArgAction::Append)]
    pub skip_tags: Vec<String>,
    /// Variables as key=value, YAML, JSON, or @FILE; may be repeated
    #[arg(short, long, value_name = "VARS", action = ArgAction::Append)]
    pub extra_vars: Vec<String>,
    /// Folders of modules of your own; may be repeated
    #[arg(short = 'M', long, value_name = "PATH", action = ArgAction::Append)]
    pub module_path: Vec<String>,
    /// Vault password as [ID@]prompt, [ID@]FILE or [ID@]SCRIPT; may be repeated
    #[arg(long, value_name = "ID", action = ArgAction::Append)]
    pub vault_id: Vec<String>,
    /// File or executable with a vault password; may be repeated
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE", action = ArgAction::Append)]
    pub vault_password_file: Vec<String>,
    /// Ask for a vault password
    #[arg(short = 'J', long, visible_alias = "ask-vault-pass", conflicts_with = "vault_password_file")]
    pub ask_vault_password: bool,
    /// Say more: -v results, -vv places, -vvv everything
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

/// As whom and how to connect.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection options")]
pub struct ConnectionArguments {
    /// Connect as this user
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub remote_user: Option<String>,
    /// How to connect: ssh, local, openssh, ... [default: ssh]
    #[arg(short, long, value_name = "CONNECTION")]
    pub connection: Option<String>,
    /// Seconds that a connection may take
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Private key of the connection
    #[arg(long, visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<String>,
    /// Ask for the connection's password
    #[arg(short = 'k', long, conflicts_with = "connection_password_file")]
    pub ask_pass: bool,
    /// File or executable with the connection's password
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub connection_password_file: Option<String>,
    /// Arguments for ssh, in ssh's spelling
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// Further arguments for ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
    /// Not used: rplay sends files over its own connection
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    pub sftp_extra_args: Option<String>,
    /// Not used: rplay sends files over its own connection
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    pub scp_extra_args: Option<String>,
}

/// As whom to act on hosts.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Privilege escalation options")]
pub struct BecomeArguments {
    /// Act as another user
    #[arg(short = 'b', long = "become")]
    pub become_: bool,
    /// How to become that user: sudo, su, doas [default: sudo]
    #[arg(long, value_name = "METHOD")]
    pub become_method: Option<String>,
    /// The user to become [default: root]
    #[arg(long, value_name = "USER")]
    pub become_user: Option<String>,
    /// Ask for the password of that
    #[arg(short = 'K', long, conflicts_with = "become_password_file")]
    pub ask_become_pass: bool,
    /// File or executable with the password of that
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<String>,
}

/// Shows the graph of playbooks: what waits for what, and why.
#[derive(Debug, Parser)]
#[command(name = "rplay graph", version, infer_long_args = true, args_override_self = true)]
pub struct GraphArguments {
    /// Playbooks
    #[arg(value_name = "PLAYBOOK", required = true)]
    pub playbooks: Vec<PathBuf>,
    /// Form of the graph
    #[arg(long, value_enum, default_value_t = FormatName::Text, value_name = "FORM")]
    pub format: FormatName,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would take the text for the program's own")]
    pub options: Options,
}

/// Shows the reference of one module, or of all, as Markdown.
#[derive(Debug, Parser)]
#[command(name = "rplay doc", version)]
pub struct DocArguments {
    /// The module, by any of its names
    pub module: Option<String>,
    /// Only names and summaries
    #[arg(short, long)]
    pub list: bool,
}

/// Names of the report's forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputName {
    /// For a person
    Human,
    /// One document at the end, with Ansible's `stats`
    Json,
    /// One object for each event
    Jsonl,
}

impl From<OutputName> for Output {
    fn from(name: OutputName) -> Output {
        match name {
            OutputName::Human => Output::Human,
            OutputName::Json => Output::Json,
            OutputName::Jsonl => Output::JsonLines,
        }
    }
}

/// Names of the graph's forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "each variant is the format of the same name")]
pub enum FormatName {
    Text,
    Dot,
    Mermaid,
    Svg,
    Json,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Format {
        match name {
            FormatName::Text => Format::Text,
            FormatName::Dot => Format::Dot,
            FormatName::Mermaid => Format::Mermaid,
            FormatName::Svg => Format::Svg,
            FormatName::Json => Format::Json,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<PlayArguments, clap::Error> {
        PlayArguments::try_parse_from(std::iter::once("rplay").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definitions_are_sound() {
        PlayArguments::command().debug_assert();
        GraphArguments::command().debug_assert();
        DocArguments::command().debug_assert();
    }

    #[test]
    fn takes_ansible_playbooks_spellings() {
        let line = "site.yml -i a -i b,c -l web -t x,y -t z -e a=1 -e @f -f 9 -CD -vvv -u me -b --become-user root -K \
                    --key-file k -c local -T 3 --vault-pass-file v --ssh-common-args -oX=1 --conn-pass-file p more.yml";
        let arguments = parse(line).unwrap();
        assert_eq!(arguments.playbooks, [PathBuf::from("site.yml"), PathBuf::from("more.yml")]);
        assert_eq!(arguments.options.inventory, ["a", "b,c"]);
        assert_eq!(arguments.options.tags, ["x,y", "z"]);
        assert_eq!(arguments.options.extra_vars, ["a=1", "@f"]);
        assert_eq!(arguments.options.verbose, 3);
        assert!(
            arguments.check && arguments.diff && arguments.escalation.become_ && arguments.escalation.ask_become_pass
        );
        assert_eq!(arguments.connection.ssh_common_args.as_deref(), Some("-oX=1"));
        assert_eq!(arguments.connection.private_key.as_deref(), Some("k"));
    }

    #[test]
    fn the_last_of_several_wins_and_long_names_may_be_cut() {
        let arguments = parse("x.yml -l a -l b -b -b --fork 3 --fork 4 --syntax").unwrap();
        assert_eq!(arguments.options.limit.as_deref(), Some("b"));
        assert_eq!(arguments.forks, Some(4));
        assert!(arguments.syntax_check);
    }

    #[test]
    fn refuses_with_the_nearest_name() {
        let message = parse("x.yml --inventroy y").unwrap_err().to_string();
        assert!(message.contains("--inventory"), "{message}");
        assert!(parse("-b").is_err());
        assert!(parse("x.yml -J --vault-password-file y").is_err());
        assert!(parse("x.yml -f 0").is_err());
    }
}
