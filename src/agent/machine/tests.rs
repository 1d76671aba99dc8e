//! The machine at work: real files, real processes, servers on the loopback address.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::agent::{BlobSource, CancelToken};
use crate::module::{FileKind, Stream};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Instant;

struct NoBlobs;
impl BlobSource for NoBlobs {
    fn open(&self, _: &BlobRef) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

type Lines = Arc<Mutex<Vec<(Stream, String)>>>;

fn machine(dir: &Path) -> (Machine, CancelToken, Lines) {
    let (cancel, lines) = (CancelToken::new(), Arc::new(Mutex::new(Vec::new())));
    let seen = lines.clone();
    let context = JobContext {
        environment: [("GREETING".to_owned(), "hello".to_owned())].into(),
        cancel: cancel.clone(),
        lines: Box::new(move |stream, line| seen.lock().unwrap().push((stream, line.to_owned()))),
        blobs: Arc::new(NoBlobs),
        remote_tmp: dir.join("tmp"),
    };
    (Machine::new(context), cancel, lines)
}

#[test]
fn a_process_has_input_output_environment_and_status() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, _, lines) = machine(dir.path());
    let input: Vec<u8> = b"x".repeat(300_000);
    let mut command = Command::shell("echo $GREETING $MORE; cat >&2; exit 7").env("MORE", "world").stdin(input.clone());
    command.stream = true;
    let output = machine.run(&command).unwrap();
    assert_eq!((output.rc, output.stdout_text().as_str()), (7, "hello world\n"));
    assert_eq!(output.stderr, input);
    assert_eq!(lines.lock().unwrap()[0], (Stream::Stdout, "hello world".to_owned()));
    assert_eq!(machine.run(&Command::shell("kill -9 $$")).unwrap().rc, -9);
    let missing = machine.run(&Command::new(["/no/such/program"])).unwrap_err();
    assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
}

#[test]
fn a_daemon_that_holds_the_pipes_does_not_hold_the_task() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, ..) = machine(dir.path());
    let start = Instant::now();
    let output = machine.run(&Command::shell("sleep 60 & echo $!")).unwrap();
    assert!(start.elapsed() < Duration::from_secs(30));
    let pid: i32 = output.stdout_text().trim().parse().unwrap();
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0, "the daemon must have been left alone");
}

/// Whether the process is gone, or a zombie that its new parent has not reaped yet.
fn is_gone(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.is_empty() || state.contains(") Z ") || state.contains(") X ")
}

#[test]
fn time_out_and_cancel_kill_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, cancel, _) = machine(dir.path());
    let file = dir.path().join("pid");
    let script = format!("trap '' TERM; sleep 600 & echo $! > {}; wait; sleep 600", file.display());
    let mut command = Command::shell(&script);
    command.timeout = Some(Duration::from_millis(300));
    assert_eq!(machine.run(&command).unwrap_err().kind(), io::ErrorKind::TimedOut);
    let pid = std::fs::read_to_string(&file).unwrap();
    while !is_gone(pid.trim()) {
        std::thread::sleep(Duration::from_millis(5));
    }

    command.timeout = None;
    std::fs::remove_file(&file).unwrap();
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| machine.run(&command));
        while !file.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
        running.join().unwrap()
    });
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::Interrupted);
    assert_eq!(machine.sleep(Duration::from_secs(600)).unwrap_err().kind(), io::ErrorKind::Interrupted);
}

#[test]
fn writing_keeps_what_was_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, ..) = machine(dir.path());
    let path = dir.path().join("file");
    let write = |text: &str, options: &WriteOptions| machine.write(&path, &mut text.as_bytes(), options);
    write("one", &WriteOptions::default()).unwrap();
    assert_eq!(machine.stat(&path).unwrap().unwrap().mode, 0o666 & !machine.umask());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o4750)).unwrap();
    write("two", &WriteOptions::default()).unwrap();
    assert_eq!(machine.stat(&path).unwrap().unwrap().mode, 0o4750);

    let refuses = WriteOptions { validate: Some("/bin/grep -q good %s".into()), ..WriteOptions::default() };
    let refused = write("bad", &refuses).unwrap_err().to_string();
    assert!(refused.starts_with("failed to validate: rc:1"), "{refused}");
    write("good", &refuses).unwrap();
    assert_eq!(machine.read(&path).unwrap(), b"good");
    assert_eq!(machine.list(dir.path()).unwrap(), ["file"]);
    let kept = machine.temp_dir().unwrap();
    assert_eq!(machine.stat(&kept).unwrap().unwrap().kind, FileKind::Directory);
    drop(machine);
    assert!(!kept.exists());
}

/// Answers each connection with the next of `answers`, and gives the requests back.
fn serve(answers: Vec<String>) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            let mut request = String::new();
            while !request.contains("\r\n\r\n") {
                let count = stream.read(&mut buffer).unwrap();
                request += &String::from_utf8_lossy(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            requests.push(request);
        }
        requests
    });
    (port, serving)
}

#[test]
fn http_follows_redirects_with_the_right_method() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, ..) = machine(dir.path());
    let moved = "HTTP/1.1 302 Found\r\nLocation: /there?x=1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let found = "HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";
    let (port, serving) = serve(vec![moved.into(), found.into()]);
    let request = HttpRequest {
        method: "POST".into(),
        url: format!("http://localhost:{port}/here"),
        headers: vec![("Content-Type".into(), "text/plain".into())],
        body: Some(b"data".to_vec()),
        timeout: Some(Duration::from_secs(20)),
        max_redirects: 5,
        redirect_unsafe: true,
        ..HttpRequest::default()
    };
    let mut response = machine.http(&request).unwrap();
    let mut body = String::new();
    response.body.read_to_string(&mut body).unwrap();
    assert_eq!((response.status, response.reason.as_str(), body.as_str()), (404, "Not Found", "body"));
    assert_eq!(response.url, format!("http://localhost:{port}/there?x=1"));
    let requests = serving.join().unwrap();
    assert!(requests[0].starts_with("POST /here ") && requests[1].starts_with("GET /there?x=1 "), "{requests:?}");
    assert!(!requests[1].to_lowercase().contains("content-type"));
}

#[test]
fn a_cancelled_request_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, cancel, _) = machine(dir.path());
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let ended = std::thread::scope(|scope| {
        let running =
            scope.spawn(|| machine.http(&HttpRequest { method: "GET".into(), url, ..HttpRequest::default() }));
        let (_held, _) = listener.accept().unwrap();
        cancel.cancel();
        running.join().unwrap()
    });
    assert_eq!(ended.err().unwrap().kind(), io::ErrorKind::Interrupted);
}

#[test]
fn probing_a_port() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, ..) = machine(dir.path());
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let time = Duration::from_secs(20);
    assert!(machine.probe_tcp("localhost", port, time, None).unwrap());
    drop(listener.accept().unwrap());
    let speaking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-x").unwrap();
    });
    let greets = |seen: &[u8]| seen.starts_with(b"SSH");
    assert!(machine.probe_tcp("127.0.0.1", port, time, Some(&greets)).unwrap());
    speaking.join().unwrap();
    let refused = machine.probe_tcp("127.0.0.1", port, time, None).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn users_and_groups_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let (machine, ..) = machine(dir.path());
    assert_eq!(machine.user("root").unwrap().unwrap().uid, 0);
    assert_eq!(machine.group_by_id(0).unwrap().unwrap().name, "root");
    assert_eq!(machine.user("no-such-user").unwrap(), None);
}
