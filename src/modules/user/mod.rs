//! The `user` module: users of the host, their groups, passwords, homes and SSH keys.

mod apply;
mod desired;
mod present;
mod shadow;

use crate::module::{Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, Rule, User as Entry};
use crate::value::Value;
use shadow::Shadow;
use std::path::PathBuf;

/// Makes, changes and removes users.
pub struct User;

crate::arg_choices! {
    /// Whether the user is there.
    pub enum State { Present = "present", Absent = "absent" }
}

crate::arg_choices! {
    /// When the password is set.
    pub enum UpdatePassword { Always = "always", OnCreate = "on_create" }
}

crate::module_args! {
    /// Arguments of `user`.
    pub struct Args {
        /// The user's name.
        [aliases("user")] name: String,
        /// Whether the user should be there.
        state: State = State::Present,
        /// The user's id.
        uid: Option<u32>,
        /// Whether another user may have the same id; needs `uid`.
        non_unique: bool = false,
        /// The lowest id that a new user may get.
        uid_min: Option<u32>,
        /// The highest id that a new user may get.
        uid_max: Option<u32>,
        /// The primary group, by name or id. It has to be there.
        group: Option<String>,
        /// The supplementary groups; an empty text takes the user out of all of them.
        groups: Option<Vec<String>>,
        /// Add to the groups that the user is in already.
        append: bool = false,
        /// The comment field (the full name).
        [aliases("gecos")] comment: Option<String>,
        /// The home directory.
        home: Option<PathBuf>,
        /// Move the old home's content to the new one.
        move_home: bool = false,
        /// Make the home directory when it is not there.
        [aliases("createhome")] create_home: bool = true,
        /// A folder that a new home is copied from; needs `create_home`.
        skeleton: Option<String>,
        /// The umask of a new home.
        umask: Option<String>,
        /// The login shell.
        shell: Option<String>,
        /// The password as a hash, as in /etc/shadow.
        [secret] password: Option<String>,
        /// Set the password whenever it differs, or for new users only.
        update_password: UpdatePassword = UpdatePassword::Always,
        /// Lock or unlock the password.
        password_lock: Option<bool>,
        /// Days that a password is good for.
        password_expire_max: Option<i64>,
        /// Days before a password may be changed.
        password_expire_min: Option<i64>,
        /// Days of warning before a password expires.
        password_expire_warn: Option<i64>,
        /// Days after a password expired until the account is disabled.
        password_expire_account_disable: Option<i64>,
        /// When the account expires, in seconds since the epoch; negative for never.
        expires: Option<f64>,
        /// Whether a new user is a system user.
        system: bool = false,
        /// The SELinux user.
        seuser: Option<String>,
        /// Make an SSH key; an existing one stays.
        generate_ssh_key: bool = false,
        /// The key's type.
        ssh_key_type: String = "rsa",
        /// The key's size; ssh-keygen's default else.
        ssh_key_bits: Option<u32>,
        /// The key's file, from the home directory.
        ssh_key_file: Option<PathBuf>,
        /// The key's comment.
        ssh_key_comment: Option<String>,
        /// Remove the home directory and the mail too (`state: absent`).
        remove: bool = false,
        /// Remove the user even when logged in, and files that others own (`state: absent`); replace an SSH key.
        force: bool = false,
    }
}

/// The host's side.
#[derive(Debug, Clone, Default)]
pub struct Found {
    user: Option<Entry>,
    shadow: Option<Shadow>,
    /// Supplementary groups.
    groups: Vec<String>,
    /// The primary group of `group`, when it is there.
    wanted_gid: Option<u32>,
    /// Whether a group of the user's name is there.
    own_group: bool,
    /// Whether the home (the wanted one) and its parent are there.
    home_exists: bool,
    parent_exists: bool,
    key: Option<present::Key>,
    host_name: String,
}

/// What has to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A program.
    Run(Vec<String>),
    /// A new password hash. It travels by standard input.
    Password(Secret),
    /// The home directory of an existing user.
    MakeHome(PathBuf),
    /// An SSH key in this file.
    MakeKey {
        /// The private key's file.
        path: PathBuf,
        /// Its comment.
        comment: String,
    },
}

/// Text that never shows.
#[derive(Clone, PartialEq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Module for User {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.user",
        aliases: &["user", "ansible.legacy.user"],
        summary: "Manages the host's users.",
        notes: "Works through useradd, usermod, userdel, chage and chpasswd. A password hash never reaches a command \
                line.",
        rules: &[Rule::RequiredIf("non_unique", "true", &["uid"])],
        returns: &[
            ReturnSpec { name: "name", doc: "The user's name." },
            ReturnSpec { name: "state", doc: "Whether it is there." },
            ReturnSpec { name: "uid", doc: "The user's id." },
            ReturnSpec { name: "group", doc: "The primary group's id." },
            ReturnSpec { name: "groups", doc: "The groups asked for, joined by commas." },
            ReturnSpec { name: "home", doc: "The home directory." },
            ReturnSpec { name: "shell", doc: "The login shell." },
            ReturnSpec { name: "comment", doc: "The comment field." },
            ReturnSpec { name: "append", doc: "The argument (for an existing user)." },
            ReturnSpec { name: "move_home", doc: "The argument (for an existing user)." },
            ReturnSpec { name: "create_home", doc: "The argument (for a new user)." },
            ReturnSpec { name: "system", doc: "The argument (for a new user)." },
            ReturnSpec { name: "password", doc: "NOT_LOGGING_PASSWORD, when a password was given." },
            ReturnSpec { name: "ssh_key_file", doc: "The private key's file, with `generate_ssh_key`." },
            ReturnSpec { name: "ssh_public_key", doc: "The public key." },
            ReturnSpec { name: "ssh_fingerprint", doc: "The key's fingerprint." },
            ReturnSpec { name: "remove", doc: "The argument (for a removed user)." },
            ReturnSpec { name: "force", doc: "The argument (for a removed user)." },
        ],
        examples: &[
            Example {
                title: "A service's user with fixed ids",
                yaml: "ansible.builtin.user:\n  name: airflow\n  uid: 50000\n  group: users\n  home: /opt/airflow",
            },
            Example {
                title: "A further group",
                yaml: "ansible.builtin.user:\n  name: james\n  groups: [docker]\n  append: true",
            },
            Example {
                title: "Remove a user with all files",
                yaml: "ansible.builtin.user: {name: johnd, state: absent, remove: true}",
            },
        ],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        present::observe(args, host)
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        let plan = match (args.state, &found.user) {
            (State::Absent, None) => Plan::nothing(),
            (State::Absent, Some(_)) => desired::remove(args),
            (State::Present, None) => desired::create(args, found),
            (State::Present, Some(user)) => desired::modify(args, found, user),
        };
        Ok(plan.with("name", args.name.as_str()).with("state", args.state.as_str()))
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        apply::apply(args, plan, host)
    }
}

/// What the result says of an entry.
fn entry_values(user: &Entry) -> [(&'static str, Value); 5] {
    [
        ("uid", Value::from(user.uid)),
        ("group", Value::from(user.gid)),
        ("comment", Value::str(&user.gecos)),
        ("home", Value::str(user.home.to_string_lossy())),
        ("shell", Value::str(user.shell.to_string_lossy())),
    ]
}

#[cfg(test)]
mod tests;
