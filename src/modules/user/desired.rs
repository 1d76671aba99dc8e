//! From arguments and what is there to the commands that make the difference.

use super::{Args, Change, Found, Secret, UpdatePassword, entry_values, shadow};
use crate::module::{Plan, User as Entry};
use crate::modules::clock::Moment;
use crate::value::{Key, Value};
use std::time::{Duration, UNIX_EPOCH};

/// Days since the epoch.
const DAY: f64 = 86_400.0;

/// The plan for a user that is to go.
pub fn remove(args: &Args) -> Plan<Change> {
    let mut argv = vec!["userdel".to_owned()];
    argv.extend(args.force.then(|| "-f".to_owned()));
    argv.extend(args.remove.then(|| "-r".to_owned()));
    argv.push(args.name.clone());
    Plan::of(vec![Change::Run(argv)]).with("force", args.force).with("remove", args.remove)
}

/// The plan for a user that is not there yet.
pub fn create(args: &Args, found: &Found) -> Plan<Change> {
    let mut argv: Vec<String> = vec!["useradd".into()];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    if let Some(uid) = args.uid {
        add(&["-u", &uid.to_string()]);
    }
    if args.non_unique {
        add(&["-o"]);
    }
    match &args.group {
        Some(group) => add(&["-g", group]),
        // A group of the user's name is there: useradd would fail to make it.
        None if found.own_group => add(&["-N"]),
        None => {}
    }
    let groups = args.groups.as_ref().filter(|groups| !groups.is_empty());
    if let Some(groups) = groups {
        add(&["-G", &groups.join(",")]);
    }
    if let Some(comment) = &args.comment {
        add(&["-c", comment]);
    }
    if let Some(home) = &args.home {
        add(&["-d", &home.to_string_lossy()]);
    }
    if let Some(shell) = &args.shell {
        add(&["-s", shell]);
    }
    if let Some(expires) = args.expires {
        add(&["-e", &date(expires)]);
    }
    if let Some(seuser) = &args.seuser {
        add(&["-Z", seuser]);
    }
    match args.create_home {
        true => add(&["-m"]),
        false => add(&["-M"]),
    }
    if let Some(skeleton) = args.skeleton.as_ref().filter(|_| args.create_home) {
        add(&["-k", skeleton]);
    }
    if let Some(umask) = args.umask.as_ref().filter(|_| args.create_home) {
        add(&["-K", &format!("UMASK={umask}")]);
    }
    if args.system {
        add(&["-r"]);
    }
    for (name, limit) in [("UID_MIN", args.uid_min), ("UID_MAX", args.uid_max)] {
        if let Some(limit) = limit {
            add(&["-K", &format!("{name}={limit}")]);
        }
    }
    add(&[&args.name]);
    let mut changes = Vec::new();
    // useradd of older systems does not make the folders above the home.
    let parent = args.home.as_deref().and_then(std::path::Path::parent);
    if let Some(parent) = parent.filter(|_| args.create_home && !found.parent_exists) {
        changes.push(Change::Run(vec!["mkdir".into(), "-p".into(), parent.to_string_lossy().into_owned()]));
    }
    changes.push(Change::Run(argv));
    if let Some(password) = &args.password {
        let lock = if args.password_lock == Some(true) { "!" } else { "" };
        changes.push(Change::Password(Secret(format!("{lock}{password}"))));
    }
    changes.extend(ageing(args, &shadow::Shadow::default()).map(Change::Run));
    if args.generate_ssh_key {
        let path = found.key.as_ref().map(|key| key.path.clone()).unwrap_or_default();
        changes.push(Change::MakeKey { path, comment: key_comment(args, found) });
    }
    let plan = Plan::of(changes).with("create_home", args.create_home).with("system", args.system);
    with_arguments(plan, args)
}

/// The plan for a user that is there.
pub fn modify(args: &Args, found: &Found, user: &Entry) -> Plan<Change> {
    let mut changes = Vec::new();
    let mut argv: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    if let Some(uid) = args.uid.filter(|uid| *uid != user.uid) {
        add(&["-u", &uid.to_string()]);
        if args.non_unique {
            add(&["-o"]);
        }
    }
    if let Some(group) = args.group.as_ref().filter(|_| found.wanted_gid != Some(user.gid)) {
        add(&["-g", group]);
    }
    if let Some(groups) = wanted_groups(args, found) {
        if args.append {
            add(&["-a"]);
        }
        add(&["-G", &groups.join(",")]);
    }
    if let Some(comment) = args.comment.as_ref().filter(|comment| **comment != user.gecos) {
        add(&["-c", comment]);
    }
    if let Some(home) = args.home.as_ref().filter(|home| **home != user.home) {
        add(&["-d", &home.to_string_lossy()]);
        if args.move_home {
            add(&["-m"]);
        }
    }
    if let Some(shell) = args.shell.as_ref().filter(|shell| user.shell != std::path::Path::new(shell)) {
        add(&["-s", shell]);
    }
    let shadow = found.shadow.clone().unwrap_or_default();
    if let Some(expires) = args.expires {
        let wanted = (expires >= 0.0).then(|| (expires / DAY).floor() as i64);
        if wanted != shadow.expires.filter(|day| *day >= 0) {
            add(&["-e", &date(expires)]);
        }
    }
    let password = args.password.as_ref().filter(|_| args.update_password == UpdatePassword::Always);
    let bare = |hash: &str| hash.trim_start_matches('!').to_owned();
    let password = password.filter(|password| bare(password) != bare(&shadow.hash) || found.shadow.is_none());
    match (password, args.password_lock) {
        (None, Some(true)) if !shadow.hash.starts_with('!') => add(&["-L"]),
        (None, Some(false)) if shadow.hash.starts_with('!') => add(&["-U"]),
        _ => {}
    }
    if let Some(seuser) = &args.seuser {
        add(&["-Z", seuser]);
    }
    if !argv.is_empty() {
        argv.insert(0, "usermod".into());
        argv.push(args.name.clone());
        changes.push(Change::Run(argv));
    }
    if let Some(password) = password {
        let lock = if args.password_lock == Some(true) { "!" } else { "" };
        changes.push(Change::Password(Secret(format!("{lock}{password}"))));
    }
    changes.extend(ageing(args, &shadow).map(Change::Run));
    if args.create_home && !found.home_exists {
        let home = args.home.clone().unwrap_or_else(|| user.home.clone());
        // Moving makes the new home, where the old one is there.
        let moves = args.move_home && home != user.home;
        changes.extend((!moves).then_some(Change::MakeHome(home)));
    }
    let mut warnings = Vec::new();
    if let Some(key) = &found.key {
        match &key.made {
            Some(_) if !args.force => {
                let path = key.path.display();
                warnings.push(format!(
                    "Found existing ssh key private file \"{path}\", no force, so skipping ssh-keygen generation"
                ));
            }
            _ => changes.push(Change::MakeKey { path: key.path.clone(), comment: key_comment(args, found) }),
        }
    }
    if args.append && args.groups.is_none() {
        warnings.push("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.".into());
    }
    let mut plan =
        with_arguments(Plan::of(changes), args).with("append", args.append).with("move_home", args.move_home);
    plan.returns.extend(entry_values(user).map(|(key, value)| (Key::from(key), value)));
    if let Some(key) = &found.key {
        let (fingerprint, public) = key.made.clone().unwrap_or_default();
        plan = plan
            .with("ssh_key_file", key.path.to_string_lossy().into_owned())
            .with("ssh_fingerprint", fingerprint)
            .with("ssh_public_key", public);
    }
    add_warnings(plan, warnings)
}

/// Adds what the result repeats of the arguments.
fn with_arguments(mut plan: Plan<Change>, args: &Args) -> Plan<Change> {
    if let Some(groups) = &args.groups {
        plan = plan.with("groups", groups.join(","));
    }
    if let Some(password) = &args.password {
        plan = plan.with("password", "NOT_LOGGING_PASSWORD");
        if !shadow::looks_hashed(password) {
            let warning = "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.";
            plan = add_warnings(plan, vec![warning.to_owned()]);
        }
    }
    plan
}

fn add_warnings(mut plan: Plan<Change>, warnings: Vec<String>) -> Plan<Change> {
    let earlier = plan.returns.get("warnings").and_then(Value::as_list).unwrap_or_default().to_vec();
    let all: Vec<Value> = earlier.into_iter().chain(warnings.into_iter().map(Value::from)).collect();
    if !all.is_empty() {
        plan.returns.insert("warnings".into(), Value::list(all));
    }
    plan
}

/// The groups for `usermod -G`, when the memberships differ.
fn wanted_groups(args: &Args, found: &Found) -> Option<Vec<String>> {
    let wanted = args.groups.as_ref()?;
    let missing = wanted.iter().any(|group| !found.groups.contains(group));
    let extra = found.groups.iter().any(|group| !wanted.contains(group));
    (missing || (extra && !args.append)).then(|| wanted.clone())
}

/// The `chage` call for the days that differ.
fn ageing(args: &Args, shadow: &shadow::Shadow) -> Option<Vec<String>> {
    let days = [
        ("-m", args.password_expire_min, shadow.min),
        ("-M", args.password_expire_max, shadow.max),
        ("-W", args.password_expire_warn, shadow.warn),
        ("-I", args.password_expire_account_disable, shadow.inactive),
    ];
    let differing = days.into_iter().filter(|(_, wanted, current)| wanted.is_some() && wanted != current);
    let mut argv: Vec<String> =
        differing.flat_map(|(flag, wanted, _)| [flag.to_owned(), wanted.unwrap_or_default().to_string()]).collect();
    if argv.is_empty() {
        return None;
    }
    argv.insert(0, "chage".into());
    argv.push(args.name.clone());
    Some(argv)
}

/// A date for `-e`; empty for never.
fn date(expires: f64) -> String {
    if expires < 0.0 {
        return String::new();
    }
    let moment = Moment::utc(UNIX_EPOCH + Duration::from_secs_f64(expires));
    format!("{:04}-{:02}-{:02}", moment.year, moment.month, moment.day)
}

fn key_comment(args: &Args, found: &Found) -> String {
    args.ssh_key_comment.clone().unwrap_or_else(|| format!("ansible-generated on {}", found.host_name))
}
