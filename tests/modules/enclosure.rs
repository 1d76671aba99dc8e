//! A private copy of the whole machine for one thread: its files are an overlay that vanishes, its network is empty but
//! for a loopback, its users are those of `users/`. What a case does to /etc, to packages or to users stays in it.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the copy is put together; nothing but a mount point in every Linux.
const PLACE: &str = "/media";

/// The scratch folder of the cases, on a file system of its own.
pub const SCRATCH: &str = "/case";

/// Where the cases find tests/servers/web_server.py listening.
pub const HTTP: &str = "http://127.0.0.1:18090";

/// Where they find an S3 server.
pub const S3: &str = "http://127.0.0.1:18333";

/// What the servers keep.
const SERVERS: &str = "/case-servers";

/// Ends the server that a case file wants when the thread is done with it.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn cstring(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn done(what: &str, status: libc::c_int) -> Result<(), String> {
    if status == 0 { Ok(()) } else { Err(format!("{what}: {}", io::Error::last_os_error())) }
}

fn mount(kind: &str, source: &str, target: &str, flags: libc::c_ulong, options: &str) -> Result<(), String> {
    let (kind, source, place, options) = (cstring(kind), cstring(source), cstring(target), cstring(options));
    // SAFETY: all four are strings that end in a zero byte and outlive the call.
    let status = unsafe { libc::mount(source.as_ptr(), place.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) };
    done(&format!("cannot mount {target}"), status)
}

fn bind(source: &str, target: &str) -> Result<(), String> {
    std::fs::create_dir_all(target).map_err(|error| format!("{target}: {error}"))?;
    mount("", source, target, libc::MS_BIND | libc::MS_REC, "")
}

/// Puts the calling thread, and every process that it starts from now on, into a copy of the machine, in which `folders`
/// are the real ones. The error says why this machine or user cannot.
pub fn enter(folders: &[&Path]) -> Result<(), String> {
    // SAFETY: plain system calls on the calling thread.
    if unsafe { libc::geteuid() } != 0 {
        return Err("you are not root".into());
    }
    let parts = libc::CLONE_FS | libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC;
    // SAFETY: as above.
    done("this machine has no namespaces", unsafe { libc::unshare(parts) })?;
    mount("", "none", "/", libc::MS_REC | libc::MS_PRIVATE, "")?;
    mount("tmpfs", "case", PLACE, 0, "mode=0755")?;
    for folder in ["changes", "work", "root"] {
        std::fs::create_dir(format!("{PLACE}/{folder}")).map_err(|error| error.to_string())?;
    }
    let root = format!("{PLACE}/root");
    mount("overlay", "case", &root, 0, &format!("lowerdir=/,upperdir={PLACE}/changes,workdir={PLACE}/work"))?;
    for folder in ["/proc", "/sys", "/dev", "/tmp"] {
        bind(folder, &format!("{root}{folder}"))?;
    }
    for folder in folders {
        let folder = folder.to_str().ok_or("a folder's name is no text")?;
        bind(folder, &format!("{root}{folder}"))?;
    }
    let scratch = format!("{root}{SCRATCH}");
    std::fs::create_dir(&scratch).map_err(|error| error.to_string())?;
    std::fs::create_dir(format!("{root}{SERVERS}")).map_err(|error| error.to_string())?;
    mount("tmpfs", "case", &scratch, 0, "mode=0755")?;
    let root = cstring(&root);
    // SAFETY: the path ends in a zero byte; the thread's folder and mask are its own since CLONE_FS.
    done("cannot change the root", unsafe { libc::chroot(root.as_ptr()) })?;
    // SAFETY: as above.
    unsafe { libc::umask(0o022) };
    std::env::set_current_dir("/").map_err(|error| error.to_string())?;
    settle()
}

/// What would differ from machine to machine and show in results.
fn settle() -> Result<(), String> {
    let users = [
        ("passwd", 0o644, include_str!("users/passwd")),
        ("group", 0o644, include_str!("users/group")),
        ("shadow", 0o640, include_str!("users/shadow")),
        ("gshadow", 0o640, include_str!("users/gshadow")),
    ];
    for (name, mode, text) in users {
        let path = format!("/etc/{name}");
        let _ = std::fs::remove_file(format!("{path}-"));
        std::fs::write(&path, text).map_err(|error| format!("{path}: {error}"))?;
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&path, permissions).map_err(|error| format!("{path}: {error}"))?;
    }
    for gone in ["/etc/subuid", "/etc/subgid", "/etc/resolv.conf"] {
        let _ = std::fs::remove_file(gone);
    }
    loopback_up()
}

fn loopback_up() -> Result<(), String> {
    // SAFETY: an all-zero ifreq is a valid one; the socket is closed below.
    let (socket, mut request) =
        unsafe { (libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0), std::mem::zeroed::<libc::ifreq>()) };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = byte.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads an ifreq.
    let status = unsafe { libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request) };
    // SAFETY: the socket was opened above.
    unsafe { libc::close(socket) };
    done("cannot bring the loopback up", status)
}

/// The server that `program` is for: python3 for the web server of the cases, weed for S3.
pub fn server(program: &Path) -> Option<Server> {
    let (url, mut command) = match program.file_name()?.to_str()? {
        "python3" => (HTTP, web_server(program)),
        "weed" => (S3, s3_server(program)),
        _ => return None,
    };
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let server = Server(child.expect("a server starts"));
    let address = url.strip_prefix("http://")?;
    let end = Instant::now() + Duration::from_secs(60);
    // Behind its door, the S3 server must know where to put things.
    let ready = || if url == S3 { asked("127.0.0.1:9333", "/dir/assign").contains("fid") } else { true };
    while !answers(address) || !ready() {
        assert!(Instant::now() < end, "{} does not answer", program.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}

/// An open port is not yet a server that is ready.
fn answers(address: &str) -> bool {
    let answer = asked(address, "/");
    answer.starts_with("HTTP/") && !answer.starts_with("HTTP/1.1 503") && !answer.starts_with("HTTP/1.0 503")
}

/// What a server answers; nothing when it does not.
fn asked(address: &str, path: &str) -> String {
    let ask = || -> io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().unwrap_or_default()
}

fn port(url: &str) -> &str {
    url.rsplit(':').next().unwrap_or_default()
}

fn web_server(python: &Path) -> Command {
    let script = format!("{SERVERS}/web_server.py");
    std::fs::write(&script, include_str!("../servers/web_server.py")).unwrap();
    let mut command = Command::new(python);
    command.args([&script, port(HTTP)]);
    command
}

fn s3_server(weed: &Path) -> Command {
    let account = r#"{"identities": [{"name": "case", "credentials": [{"accessKey": "case", "secretKey": "casesecret"}],
                      "actions": ["Admin", "Read", "List", "Tagging", "Write"]}]}"#;
    std::fs::write(format!("{SERVERS}/s3.json"), account).unwrap();
    let mut command = Command::new(weed);
    // One server elects itself at once, and makes one volume for a bucket, not seven; the key is for objects that are to
    // be encrypted.
    command.env("WEED_S3_SSE_KEY", "case").env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1").current_dir(SERVERS).args([
        "-logtostderr",
        "server",
        "-dir=.",
    ]);
    command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-s3.ip.bind=127.0.0.1", "-s3.config=s3.json"]);
    command.args(["-master.telemetry=false", "-master.electionTimeout=1s", "-master.heartbeatInterval=100ms"]);
    command.args(["-master.volumeSizeLimitMB=64", "-volume.max=100", "-s3.autoCreateBucket=false"]);
    command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]).arg(format!("-s3.port={}", port(S3)));
    command
}
