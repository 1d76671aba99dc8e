//! The agent over real transports: a local sshd on a port of its own, started by each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rplay::agent::{AgentClient, AgentError, Become, BecomeMethod, BlobStore, CancelToken, Job, ModuleSet, Payload};
use rplay::module::AnyModule;
use rplay::transport::{Kind, Secret, Target, TransportError};
use rplay::value::{Map, Value};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// No module runs in the test's own process.
struct Nothing;

impl ModuleSet for Nothing {
    fn find(&self, _: &str) -> Option<&dyn AnyModule> {
        None
    }
}

/// An ssh server for the user who runs the test, with keys, agent cache and configuration in a
/// directory of its own.
struct Sshd {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
}

impl Sshd {
    fn start() -> Sshd {
        let program = ["/usr/sbin/sshd", "/usr/lib/ssh/sshd", "/usr/libexec/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let program = program.expect("these tests need an sshd (Debian: openssh-server)");
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        for key in ["host", "user", "other"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(path("user.pub"), path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let known = std::fs::read_to_string(path("host.pub")).unwrap();
        std::fs::write(path("known"), format!("[127.0.0.1]:{port} {known}")).unwrap();
        let wrong = std::fs::read_to_string(path("other.pub")).unwrap();
        std::fs::write(path("changed"), format!("[127.0.0.1]:{port} {wrong}")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nMaxSessions 4\nMaxStartups 100\n\
             SetEnv XDG_CACHE_HOME={}\nPrintMotd no\n",
            path("host"),
            path("authorized"),
            path("cache"),
        );
        std::fs::write(path("sshd_config"), config).unwrap();
        let _ = std::fs::create_dir("/run/sshd");
        let child = Command::new(program)
            .args(["-D", "-e", "-f", &path("sshd_config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(path("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Sshd { child, dir, port };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                Instant::now() < end,
                "sshd does not answer: {}",
                std::fs::read_to_string(server.path("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn target(&self) -> Target {
        Target {
            port: Some(self.port),
            private_key: Some(self.path("user")),
            known_hosts: vec![self.path("known")],
            ssh_args: vec!["-F".into(), "none".into()],
            connect_timeout: Duration::from_secs(60),
            remote_tmp: vec![self.path("tmp").display().to_string()],
            ..Target::new(Kind::Ssh, "127.0.0.1")
        }
    }

    fn connect(&self, target: &Target) -> Result<AgentClient, AgentError> {
        self.connect_with(target, Arc::new(BlobStore::new()))
    }

    fn connect_with(&self, target: &Target, blobs: Arc<BlobStore>) -> Result<AgentClient, AgentError> {
        // Compressed once for all tests: a debug build is large.
        static PAYLOAD: OnceLock<Arc<Payload>> = OnceLock::new();
        let agent = Path::new(env!("CARGO_BIN_EXE_rplay-agent"));
        let payload = PAYLOAD.get_or_init(|| Arc::new(Payload::of(&Nothing, agent, agent)));
        AgentClient::connect(target, payload, blobs, &CancelToken::new())
    }

    fn client(&self) -> AgentClient {
        self.connect(&self.target()).unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shell(script: &str) -> Job {
    Job { module: "shell".into(), args: Map::from([("_raw_params".into(), Value::str(script))]), ..Job::default() }
}

fn run(client: &AgentClient, job: &Job) -> Map {
    client.run(job, &|_, _| {}, &CancelToken::new()).unwrap().unwrap().result
}

fn stdout(client: &AgentClient, script: &str) -> String {
    run(client, &shell(script)).get("stdout").unwrap().as_str().unwrap().to_owned()
}

/// Waits for what another process is about to do.
fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn lives(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

#[test]
fn the_agent_is_sent_once_and_found_again() {
    let sshd = Sshd::start();
    let first = sshd.client();
    let info = first.info().unwrap();
    let cache = std::fs::read_dir(sshd.path("cache/rplay/agents")).unwrap().next().unwrap().unwrap().path();
    let program = cache.join("rplay-agent");
    let running = std::fs::read_link(format!("/proc/{}/exe", info.pid)).unwrap();
    assert_eq!(running, program);
    assert_eq!(std::fs::metadata(&program).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1, "nothing half-sent is left");
    let sent = std::fs::metadata(&program).unwrap().modified().unwrap();
    let second = sshd.client();
    assert_eq!(stdout(&second, "echo again"), "again");
    assert_eq!(std::fs::metadata(&program).unwrap().modified().unwrap(), sent);
    drop((first, second));
    eventually("the agent leaves", || !lives(&info.pid.to_string()));
}

#[test]
fn many_jobs_at_once_get_their_own_answers_whole() {
    let sshd = Sshd::start();
    let client = sshd.client();
    std::thread::scope(|scope| {
        for number in 0..24 {
            let client = &client;
            scope.spawn(move || {
                assert_eq!(stdout(client, &format!("sleep 0.1; echo {number}")), number.to_string());
                let large = stdout(client, &format!("head -c 3000000 /dev/zero | tr '\\0' {}", number % 10));
                assert_eq!(large.len(), 3_000_000);
                assert!(large.bytes().all(|byte| byte == b'0' + number % 10));
                // More commands than the server allows sessions wait for one another.
                let raw = client.exec_raw(&format!("cat; echo {number}"), b"in ", &CancelToken::new()).unwrap();
                assert_eq!(raw.stdout_text(), format!("in {number}\n"));
            });
        }
    });
}

#[test]
fn content_is_fetched_by_hash() {
    let sshd = Sshd::start();
    let blobs = Arc::new(BlobStore::new());
    let client = sshd.connect_with(&sshd.target(), blobs.clone()).unwrap();
    let content: Vec<u8> = (0..5_000_000u32).map(|number| (number * 7 % 251) as u8).collect();
    let blob = blobs.offer_bytes(content.clone());
    let copy = |blob: Value, dest: &Path| Job {
        module: "copy".into(),
        args: Map::from([("content_blob".into(), blob), ("dest".into(), Value::str(dest.to_string_lossy()))]),
        ..Job::default()
    };
    let dest = sshd.path("copied");
    match client.run(&copy(blob.to_value(), &dest), &|_, _| {}, &CancelToken::new()).unwrap() {
        Ok(_) => assert!(std::fs::read(&dest).unwrap() == content),
        Err(failure) => panic!("{failure:?}"),
    }
}

#[test]
fn a_cancelled_job_dies_with_its_children() {
    let sshd = Sshd::start();
    let client = sshd.client();
    let pids = sshd.path("pids");
    let job = shell(&format!("sleep 1000 & echo $! $$ > {0}.new; mv {0}.new {0}; wait", pids.display()));
    let token = CancelToken::new();
    let result = std::thread::scope(|scope| {
        let running = scope.spawn(|| client.run(&job, &|_, _| {}, &token));
        eventually("the job starts", || pids.exists());
        token.cancel();
        running.join().unwrap()
    });
    assert!(matches!(result, Err(AgentError::Cancelled)));
    for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
        eventually("the children die", || !lives(pid));
    }
    assert_eq!(stdout(&client, "echo on"), "on");
}

#[test]
fn a_job_that_takes_too_long_fails() {
    let sshd = Sshd::start();
    let job = Job { timeout: Some(Duration::from_secs(1)), ..shell("sleep 1000") };
    let failure = sshd.client().run(&job, &|_, _| {}, &CancelToken::new()).unwrap().unwrap_err();
    assert_eq!(failure.msg, "Timed out after 1 second(s).");
}

#[test]
fn lines_come_while_the_job_runs() {
    let sshd = Sshd::start();
    let client = sshd.client();
    let gate = sshd.path("gate");
    let lines = Mutex::new(Vec::new());
    let job = shell(&format!("echo one; while [ ! -e {} ]; do sleep 0.05; done; echo two", gate.display()));
    // The job goes on only when its first line has arrived.
    let on_line = |_, line: &str| {
        lines.lock().unwrap().push(line.to_owned());
        std::fs::write(&gate, "").unwrap();
    };
    client.run(&job, &on_line, &CancelToken::new()).unwrap().unwrap();
    assert_eq!(*lines.lock().unwrap(), ["one", "two"]);
}

#[test]
fn a_killed_agent_and_a_silent_one_are_told_apart() {
    let sshd = Sshd::start();
    let target = Target { heartbeat: Duration::from_millis(300), silence: Duration::from_secs(6), ..sshd.target() };
    for (signal, stop) in [("-KILL", false), ("-STOP", true)] {
        let client = sshd.connect(&target).unwrap();
        let pid = client.info().unwrap().pid.to_string();
        let result = std::thread::scope(|scope| {
            let job = shell("sleep 1000");
            let running = scope.spawn(move || client.run(&job, &|_, _| {}, &CancelToken::new()));
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            running.join().unwrap()
        });
        if stop {
            assert!(Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
            eventually("an agent whose controller left leaves too", || !lives(&pid));
        }
        match (stop, result.unwrap_err()) {
            (false, error @ AgentError::Died { .. }) => {
                assert!(error.is_unreachable() && error.to_string().contains("signal 9"), "{error}");
            }
            (true, error @ AgentError::Silent { .. }) => assert!(error.is_unreachable()),
            (_, error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn hosts_without_the_known_key_are_refused() {
    let sshd = Sshd::start();
    let refused = |target: &Target| match sshd.connect(target) {
        Err(AgentError::Unreachable(error)) => error,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was let in"),
    };
    let none = sshd.path("none");
    let unknown = Target { known_hosts: vec![none.clone()], ..sshd.target() };
    assert!(matches!(refused(&unknown), TransportError::UnknownHostKey { .. }));
    let changed = Target { known_hosts: vec![sshd.path("changed")], ..sshd.target() };
    let error = refused(&changed);
    assert!(
        matches!(error, TransportError::ChangedHostKey { .. }) && error.to_string().contains("changed:1"),
        "{error}"
    );
    let mut new = unknown.clone();
    new.ssh_args.extend(["-o".into(), "StrictHostKeyChecking=accept-new".into()]);
    sshd.connect(&new).unwrap();
    // It is known now.
    sshd.connect(&unknown).unwrap();
    let unchecked = Target { host_key_checking: false, ..changed };
    sshd.connect(&unchecked).unwrap();
    let stranger = Target { private_key: Some(sshd.path("other")), ..sshd.target() };
    let error = refused(&stranger);
    assert!(
        matches!(error, TransportError::AuthRefused { .. }) && error.to_string().contains("other (refused)"),
        "{error}"
    );
}

#[test]
fn a_jump_host_carries_the_connection() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    let config = format!("IdentityFile {}\n", sshd.path("user").display());
    std::fs::write(sshd.path("config"), config).unwrap();
    target.ssh_args = vec!["-F".into(), sshd.path("config").display().to_string()];
    target.ssh_args.extend(["-J".into(), format!("127.0.0.1:{}", sshd.port)]);
    let client = sshd.connect(&target).unwrap();
    assert_eq!(stdout(&client, "head -c 2000000 /dev/zero | tr '\\0' x").len(), 2_000_000);
}

/// A program that asks and starts others as sudo does, but stays the user that it is.
fn false_sudo(sshd: &Sshd) -> String {
    let path = sshd.path("sudo");
    let text = "#!/bin/sh\nask=1\nwhile :; do case $1 in -p) p=$2; shift 2;; -u) shift 2;; -n) ask=; shift;; -*) shift;; \
                *) break;; esac; done\n[ $ask ] || { echo 'sudo: a password is required' >&2; exit 1; }\n\
                for try in 1 2 3; do printf %s \"$p\" >&2; IFS= read -r answer || exit 1; \
                [ \"$answer\" = secret ] && exec \"$@\"; echo 'Sorry, try again.' >&2; done; exit 1\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn become_asks_for_the_password_and_says_what_is_wrong_with_it() {
    let sshd = Sshd::start();
    let client = sshd.client();
    let exe = false_sudo(&sshd);
    let job = |password: Option<&str>| Job {
        become_as: Some(Become {
            method: BecomeMethod::Sudo,
            user: "somebody".into(),
            password: password.map(Secret::new),
            exe: Some(exe.clone()),
            flags: None,
        }),
        ..shell("echo $PPID; tr '\\0' ' ' < /proc/$PPID/cmdline; cat /proc/$PPID/environ | tr '\\0' '\\n'")
    };
    let result = run(&client, &job(Some("secret")));
    let text = result.get("stdout").unwrap().as_str().unwrap().to_owned();
    assert!(!text.contains("secret") && text.contains("agent-serve"), "{text}");
    // The second job finds the agent that the first one started.
    let again = run(&client, &job(Some("secret")));
    assert_eq!(again.get("stdout").unwrap().as_str().unwrap().lines().next(), text.lines().next());
    let reason = |password| match client.run(&job(password), &|_, _| {}, &CancelToken::new()) {
        Err(AgentError::BecomeFailed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(Some("wrong")), "Incorrect sudo password");
    assert_eq!(reason(None), "Missing sudo password");
    // An agent that ran as another user ends with the one that started it.
    let pid = text.lines().next().unwrap().to_owned();
    client.close();
    drop(client);
    eventually("the other user's agent leaves", || !lives(&pid));
}

#[test]
fn an_asynchronous_job_outlives_its_connection() {
    let sshd = Sshd::start();
    let client = sshd.client();
    let done = sshd.path("done");
    let environment = [("ANSIBLE_ASYNC_DIR".to_owned(), sshd.path("async").display().to_string())];
    let script = format!("sleep 1; touch {}; echo late", done.display());
    let job = Job { async_timeout: Some(Duration::from_secs(600)), environment: environment.into(), ..shell(&script) };
    let started = run(&client, &job);
    assert_eq!(started.get("finished"), Some(&Value::Bool(false)));
    let file = PathBuf::from(started.get("results_file").unwrap().as_str().unwrap());
    client.close();
    drop(client);
    eventually("the job ends", || std::fs::read_to_string(&file).unwrap().contains("late"));
    assert!(done.exists());
    let state: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(state.get("finished"), Some(&Value::Int(1)));
}
