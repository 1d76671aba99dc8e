//! Kinds that are one program of this machine: a shell, a chroot, a container's exec.

use super::child::{self, ChildChannel};
use super::{CancelToken, Channel, Connection, Kind, Target, TransportError, shell_quote};
use crate::module::Output;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// A host behind a program that runs a command there.
pub(crate) struct ExecConnection {
    host: String,
    /// What stands before `/bin/sh -c COMMAND`.
    prefix: Vec<String>,
    /// The user to become inside, for programs that enter as root.
    su: Option<String>,
    /// The inside has its own users and programs: ours must not leak in.
    clean: bool,
    open: AtomicBool,
}

impl ExecConnection {
    /// Checks what can be checked without running the program.
    pub(crate) fn open(target: &Target) -> Result<ExecConnection, TransportError> {
        let host = target.host.as_str();
        let mut prefix: Vec<String> = Vec::new();
        let program = |usual: &str| target.executable.clone().unwrap_or_else(|| usual.to_owned());
        let mut add = |words: &[&str]| prefix.extend(words.iter().map(|word| (*word).to_owned()));
        let extra: Vec<&str> = target.executable_args.iter().map(String::as_str).collect();
        if target.kind != Kind::Local && (host.is_empty() || host.starts_with('-')) {
            return Err(TransportError::Unsupported(format!(
                "«{host}» is not a name for a {} host",
                target.kind.name()
            )));
        }
        match target.kind {
            Kind::Chroot => {
                if !Path::new(host).is_dir() {
                    return Err(TransportError::Unsupported(format!("{host} is not a directory to chroot into")));
                }
                add(&[&program("chroot")]);
                add(&extra);
                add(&[host]);
            }
            Kind::Nspawn => {
                let leader = leader(host)?.to_string();
                add(&[&program("nsenter")]);
                add(&extra);
                add(&[
                    "--target", &leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
                ]);
                add(&["--"]);
            }
            Kind::Docker | Kind::Podman => {
                add(&[&program(target.kind.name())]);
                add(&extra);
                add(&["exec", "-i"]);
                if let Some(user) = &target.user {
                    add(&["-u", user]);
                }
                add(&[host]);
            }
            Kind::Kubectl => {
                if let Some(user) = &target.user {
                    return Err(TransportError::Unsupported(format!(
                        "kubectl cannot choose a user inside a container: take remote_user {user} away and use become"
                    )));
                }
                add(&[&program("kubectl")]);
                add(&extra);
                if let Some(namespace) = &target.namespace {
                    add(&["-n", namespace]);
                }
                add(&["exec", "-i", host]);
                if let Some(container) = &target.container {
                    add(&["-c", container]);
                }
                add(&["--"]);
            }
            _ => {}
        }
        let clean = matches!(target.kind, Kind::Chroot | Kind::Nspawn);
        let su = target.user.clone().filter(|user| clean && user != "root");
        Ok(ExecConnection { host: host.to_owned(), prefix, su, clean, open: AtomicBool::new(true) })
    }

    fn command(&self, script: &str) -> Command {
        let mut words = self.prefix.clone();
        match &self.su {
            Some(user) => {
                let script = format!("exec /bin/sh -c {}", shell_quote(script));
                words.extend(["su", "-s", "/bin/sh", user, "-c", &script].map(str::to_owned));
            }
            None => words.extend(["/bin/sh", "-c", script].map(str::to_owned)),
        }
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        if self.clean {
            command.env_clear().env("HOME", "/root").env("USER", "root").env("LOGNAME", "root");
            command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }
        command
    }
}

impl Connection for ExecConnection {
    fn exec(&self, script: &str, stdin: &[u8], cancel: &CancelToken) -> Result<Output, TransportError> {
        child::run(self.command(script), stdin, cancel)
    }

    fn spawn(&self, script: &str) -> Result<Box<dyn Channel>, TransportError> {
        let command = self.command(script);
        let program = command.get_program().to_string_lossy().into_owned();
        let channel =
            ChildChannel::start(command).map_err(|error| TransportError::io(format!("cannot run {program}"), error))?;
        Ok(Box::new(channel))
    }

    fn is_alive(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    fn host(&self) -> &str {
        &self.host
    }
}

/// The first process of a running container: what systemd-machined wrote down, or else the child
/// of the `systemd-nspawn` process that runs the machine of that name. A number is the process itself.
fn leader(machine: &str) -> Result<u32, TransportError> {
    if let Ok(pid) = machine.parse() {
        return Ok(pid);
    }
    let unknown = || TransportError::Unsupported(format!("no running systemd-nspawn container is named «{machine}»"));
    if machine.contains('/') {
        return Err(unknown());
    }
    let state = std::fs::read_to_string(format!("/run/systemd/machines/{machine}")).unwrap_or_default();
    if let Some(pid) = state.lines().find_map(|line| line.strip_prefix("LEADER=")?.parse().ok()) {
        return Ok(pid);
    }
    let entries = std::fs::read_dir("/proc").map_err(|error| TransportError::io("cannot list /proc", error))?;
    for pid in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&str> =
            command.split(|byte| *byte == 0).filter_map(|word| std::str::from_utf8(word).ok()).collect();
        if words.first().is_some_and(|program| program.ends_with("systemd-nspawn")) && names(&words, machine) {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            if let Some(leader) = children.split_whitespace().find_map(first_of_namespace) {
                return Ok(leader);
            }
        }
    }
    Err(unknown())
}

/// Whether nspawn's arguments name the machine.
fn names(words: &[&str], machine: &str) -> bool {
    let joined = words.iter().any(|word| word.strip_prefix("--machine=").or(word.strip_prefix("-M")) == Some(machine));
    joined || words.windows(2).any(|pair| matches!(pair[0], "-M" | "--machine") && pair[1] == machine)
}

/// The process if it is number 1 of a namespace of its own.
fn first_of_namespace(pid: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let ids: Vec<&str> = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_whitespace().collect();
    (ids.len() > 1 && ids.last() == Some(&"1")).then(|| pid.parse().ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words(target: &Target) -> Vec<String> {
        let command = ExecConnection::open(target).unwrap().command("id -u");
        let program = command.get_program().to_owned();
        std::iter::once(program.as_os_str())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn programs_get_their_arguments() {
        let user = Some("app".to_owned());
        let docker = Target { user: user.clone(), ..Target::new(Kind::Docker, "web") };
        assert_eq!(words(&docker), ["docker", "exec", "-i", "-u", "app", "web", "/bin/sh", "-c", "id -u"]);
        let pod = Target {
            namespace: Some("prod".into()),
            container: Some("main".into()),
            executable_args: vec!["--context=x".into()],
            ..Target::new(Kind::Kubectl, "web-0")
        };
        let wanted = [
            "kubectl",
            "--context=x",
            "-n",
            "prod",
            "exec",
            "-i",
            "web-0",
            "-c",
            "main",
            "--",
            "/bin/sh",
            "-c",
            "id -u",
        ];
        assert_eq!(words(&pod), wanted);
        let root = Target { user, ..Target::new(Kind::Chroot, "/") };
        assert_eq!(words(&root), ["chroot", "/", "su", "-s", "/bin/sh", "app", "-c", "exec /bin/sh -c 'id -u'"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |target: &Target| ExecConnection::open(target).is_err();
        assert!(refused(&Target::new(Kind::Chroot, "/nowhere/at/all")));
        assert!(refused(&Target::new(Kind::Docker, "--privileged")));
        assert!(refused(&Target { user: Some("x".into()), ..Target::new(Kind::Kubectl, "pod") }));
        assert!(refused(&Target::new(Kind::Nspawn, "no-such-machine")));
    }

    #[test]
    fn a_local_shell_runs_and_takes_files() {
        let connection = ExecConnection::open(&Target::new(Kind::Local, "localhost")).unwrap();
        let output = connection.exec("cat; exit 3", b"input", &CancelToken::new()).unwrap();
        assert_eq!((output.rc, output.stdout.as_slice()), (3, &b"input"[..]));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("it's a file");
        connection.put(&mut &b"content"[..], path.to_str().unwrap(), 0o640).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        let nowhere = dir.path().join("no/such/dir");
        let error = connection.put(&mut &b"x"[..], nowhere.to_str().unwrap(), 0o600).unwrap_err();
        assert!(error.to_string().contains("No such file") || error.to_string().contains("nonexistent"), "{error}");
    }
}
