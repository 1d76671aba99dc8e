//! The `pam_limits` module: one line of limits.conf or a file of limits.d.

use super::file::backup;
use super::program;
use crate::module::{Diff, Example, Failure, Host, Module, ModuleSpec, Outcome, Plan, ReturnSpec, WriteOptions};
use std::path::PathBuf;

/// Sets a limit for logins.
pub struct PamLimits;

crate::arg_choices! {
    /// Which limit of the two.
    pub enum LimitType { Hard = "hard", Soft = "soft", Both = "-" }
}

crate::arg_choices! {
    /// What is limited.
    pub enum LimitItem {
        Core = "core", Data = "data", Fsize = "fsize", Memlock = "memlock", Nofile = "nofile", Rss = "rss",
        Stack = "stack", Cpu = "cpu", Nproc = "nproc", As = "as", Maxlogins = "maxlogins",
        Maxsyslogins = "maxsyslogins", Priority = "priority", Locks = "locks", Sigpending = "sigpending",
        Msgqueue = "msgqueue", Nice = "nice", Rtprio = "rtprio", Chroot = "chroot"
    }
}

crate::module_args! {
    /// Arguments of `pam_limits`.
    pub struct Args {
        /// A user, `@group`, `*`, or whatever limits.conf takes there.
        domain: String,
        /// Which limit of the two, or `-` for both.
        limit_type: LimitType,
        /// What is limited.
        limit_item: LimitItem,
        /// A number, or `unlimited`, `infinity`, `-1`.
        value: String,
        /// Keep a copy of the old file.
        backup: bool = false,
        /// Never make a limit larger.
        use_min: bool = false,
        /// Never make a limit smaller.
        use_max: bool = false,
        /// The file.
        dest: PathBuf = "/etc/security/limits.conf",
        /// A comment behind the line.
        comment: String = "",
    }
}

/// The file before and after.
pub struct Texts {
    before: Option<String>,
    after: String,
}

impl Module for PamLimits {
    type Args = Args;
    type State = Texts;
    type Change = String;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "community.general.pam_limits",
        aliases: &["pam_limits"],
        summary: "Sets a limit of PAM's pam_limits.",
        notes: "PAM's limits do not reach services of systemd: give their units the same ones.",
        returns: &[ReturnSpec { name: "backup_file", doc: "The copy of the old file." }],
        examples: &[Example {
            title: "Open files",
            yaml: "community.general.pam_limits:\n  domain: airflow\n  limit_type: soft\n  limit_item: nofile\n  value: 65534",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Texts, Failure> {
        let there = host.stat(&args.dest).map_err(|error| program::file_failure("look at", &args.dest, &error))?;
        let before = match there {
            None => None,
            Some(_) => {
                let bytes = host.read(&args.dest).map_err(|error| program::file_failure("read", &args.dest, &error))?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
        };
        let after = changed_text(args, before.as_deref().unwrap_or_default())?;
        Ok(Texts { before, after })
    }

    fn plan(&self, args: &Args, texts: &Texts) -> Result<Plan<String>, Failure> {
        let path = args.dest.to_string_lossy().into_owned();
        let before = texts.before.clone().unwrap_or_default();
        let mut plan = Plan::nothing();
        if before != texts.after {
            plan.diff.push(Diff {
                before,
                after: texts.after.clone(),
                before_header: path.clone(),
                after_header: path,
            });
            plan.changes.push(texts.after.clone());
        }
        Ok(plan.with("msg", line(args, &args.value)))
    }

    fn apply(&self, args: &Args, plan: &Plan<String>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new();
        for text in &plan.changes {
            if args.backup {
                if let Some(copy) = backup::make(host, &args.dest)? {
                    outcome = outcome.with("backup_file", copy.to_string_lossy().into_owned());
                }
            }
            host.write(&args.dest, &mut text.as_bytes(), &WriteOptions::default())
                .map_err(|error| program::file_failure("write", &args.dest, &error))?;
        }
        Ok(outcome)
    }
}

fn line(args: &Args, value: &str) -> String {
    let comment = if args.comment.is_empty() { String::new() } else { format!("\t#{}", args.comment) };
    format!("{}\t{}\t{}\t{value}{comment}\n", args.domain, args.limit_type.as_str(), args.limit_item.as_str())
}

/// Numbers, with «no limit» above all of them.
fn amount(value: &str) -> Result<Option<i64>, Failure> {
    match value.trim() {
        "unlimited" | "infinity" | "-1" => Ok(None),
        number => number.parse().map(Some).map_err(|_| {
            Failure::new("Argument 'value' can be one of 'unlimited', 'infinity', '-1' or a number. Refer to the manual pages for more details.")
        }),
    }
}

fn larger(new: Option<i64>, old: Option<i64>) -> bool {
    match (new, old) {
        (None, old) => old.is_some(),
        (Some(_), None) => false,
        (Some(new), Some(old)) => new > old,
    }
}

fn changed_text(args: &Args, before: &str) -> Result<String, Failure> {
    let new = if args.limit_item == LimitItem::Nice || args.limit_item == LimitItem::Priority {
        Ok(None)
    } else {
        amount(&args.value)
    }?;
    let mut out = String::new();
    let mut found = false;
    for text in before.lines() {
        let bare = text.split('#').next().unwrap_or_default();
        let fields: Vec<&str> = bare.split_whitespace().collect();
        let same = fields.len() == 4
            && fields[0] == args.domain
            && fields[1] == args.limit_type.as_str()
            && fields[2] == args.limit_item.as_str();
        if !same {
            out.push_str(text);
            out.push('\n');
            continue;
        }
        if found {
            continue;
        }
        found = true;
        let old = amount(fields[3]).unwrap_or(None);
        let keep = fields[3] == args.value || (args.use_max && !larger(new, old)) || (args.use_min && larger(new, old));
        match keep {
            true => {
                out.push_str(text);
                out.push('\n');
            }
            // The line's own comment stays unless the task brings another.
            false => match text.split_once('#').filter(|_| args.comment.is_empty()) {
                Some((_, comment)) => out.push_str(&format!("{}\t#{comment}\n", line(args, &args.value).trim_end())),
                None => out.push_str(&line(args, &args.value)),
            },
        }
    }
    if !found {
        out.push_str(&line(args, &args.value));
    }
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::module::fake::FakeHost;
    use crate::module::{AnyModule, RunFlags};
    use crate::value::Value;

    #[test]
    fn a_comment_stays() {
        let host = FakeHost::new().with_file("/etc/security/limits.d/a.conf", "airflow soft nofile 1 # mine\n", 0o644);
        assert!(run(&host, "200"));
        let text = host.text("/etc/security/limits.d/a.conf").unwrap();
        assert_eq!(text, "airflow\tsoft\tnofile\t200\t# mine\n");
    }

    fn run(host: &FakeHost, value: &str) -> bool {
        let args = Value::from([
            ("domain", "airflow"),
            ("limit_type", "soft"),
            ("limit_item", "nofile"),
            ("value", value),
            ("dest", "/etc/security/limits.d/a.conf"),
        ]);
        let run = PamLimits.run(args.as_map().unwrap(), RunFlags::default(), host).unwrap();
        run.result.get("changed").and_then(Value::as_bool).unwrap()
    }

    #[test]
    fn adds_keeps_and_replaces_its_line() {
        let host = FakeHost::new().with_file("/etc/security/limits.d/a.conf", "# x\n* hard core 0\n", 0o644);
        assert!(run(&host, "100"));
        assert!(!run(&host, "100"));
        assert!(run(&host, "200"));
        let text = host.text("/etc/security/limits.d/a.conf").unwrap();
        assert_eq!(text, "# x\n* hard core 0\nairflow\tsoft\tnofile\t200\n");
    }
}
