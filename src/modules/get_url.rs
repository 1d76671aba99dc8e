//! `get_url`: a file from an HTTP server, fetched by the host.

use super::file::attributes::file_args;
use super::file::content::{Put, put};
use super::file::errno::reason;
use super::file::{info, paths};
use super::web::checksum::{ALGORITHMS, Checksum, sums};
use super::web::date::http_date;
use super::web::request::{self, Login, exchange, has_header, header, header_pairs};
use super::web::url::file_name;
use crate::module::{
    Example, Failure, FileKind, Host, HttpRequest, HttpResponse, Module, ModuleSpec, Outcome, Plan, ReturnSpec, RunsOn,
    WriteOptions,
};
use crate::value::{Map, Value};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

file_args! {
    /// Arguments of `get_url`.
    pub struct Args {
        /// The address: http, https or file.
        url: String,
        /// Where the file goes: a path, or a directory, which then gets the server's name for the file.
        dest: PathBuf,
        /// `algorithm:digits`, or `algorithm:address` of a file of checksums. A file that has it is not fetched.
        checksum: String = "",
        /// Fetch even when the file is there.
        force: bool = false,
        /// Keep the old file under a name with the time.
        backup: bool = false,
        /// The directory that the download is kept in until it is complete.
        tmp_dest: Option<PathBuf>,
        /// Further headers.
        headers: Map = Map::new(),
        /// Who logs in.
        [aliases("username")] url_username: Option<String>,
        /// The password.
        [secret, aliases("password")] url_password: Option<String>,
        /// Send the login with the first request, without waiting to be asked.
        force_basic_auth: bool = false,
        /// Take the login from ~/.netrc when none is given.
        use_netrc: bool = true,
        /// The User-Agent header.
        http_agent: String = "ansible-httpget",
        /// Seconds for the whole exchange.
        timeout: f64 = 10.0,
        /// Check the server's certificate.
        validate_certs: bool = true,
        /// A PEM file with the client's certificate, and its key unless `client_key` is given.
        client_cert: Option<PathBuf>,
        /// A PEM file with the client's key.
        client_key: Option<PathBuf>,
        /// Honour http_proxy and its kin.
        use_proxy: bool = true,
    }
}

/// The `get_url` module.
pub struct GetUrl;

/// A finished download.
pub struct Download {
    file: PathBuf,
    sha1: String,
    md5: String,
}

/// What was found on the host and on the server.
pub struct State {
    dest: PathBuf,
    /// SHA-1 of the file that is there.
    present: Option<String>,
    /// What was fetched; None when nothing had to be.
    download: Option<Download>,
    returns: Map,
    attributes_differ: bool,
}

/// What happens to the file.
pub enum Change {
    /// It is replaced by the download.
    Replace {
        /// The download.
        from: PathBuf,
        /// The file.
        dest: PathBuf,
    },
    /// Its attributes are set.
    Attributes(PathBuf),
}

impl Module for GetUrl {
    type Args = Args;
    type State = State;
    type Change = Change;
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.get_url",
        aliases: &["get_url", "ansible.legacy.get_url"],
        summary: "Downloads a file to the host",
        notes: "Check mode fetches the file too, to a temporary place, so that it tells exactly what would change.",
        runs_on: RunsOn::Agent,
        returns: &[
            ReturnSpec { name: "dest", doc: "The file." },
            ReturnSpec { name: "url", doc: "The address as given." },
            ReturnSpec { name: "status_code", doc: "The status of the answer." },
            ReturnSpec { name: "checksum_src", doc: "SHA-1 of what was fetched." },
            ReturnSpec { name: "checksum_dest", doc: "SHA-1 of what was there before." },
            ReturnSpec { name: "md5sum", doc: "MD5 of what was fetched." },
            ReturnSpec { name: "src", doc: "The temporary file." },
            ReturnSpec { name: "elapsed", doc: "Whole seconds." },
            ReturnSpec { name: "backup_file", doc: "The copy of the old file." },
        ],
        examples: &[Example {
            title: "Fetch a release and check it",
            yaml: "get_url:\n  url: https://example.com/tool-1.2.tar.gz\n  dest: /opt/tool-1.2.tar.gz\n  checksum: sha256:https://example.com/SHA256SUMS\n  mode: '0644'",
        }],
        ..ModuleSpec::EMPTY
    };

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<State, Failure> {
        let dest = paths::expand(host, &args.dest);
        let is_dir = is_directory(host, &dest);
        let mut returns = Map::from([
            ("url".into(), Value::str(&args.url)),
            ("dest".into(), Value::str(dest.to_string_lossy())),
            ("elapsed".into(), Value::Int(0)),
        ]);
        let fail = |msg: String, returns: &Map| Failure { msg, returns: returns.clone() };
        let expected = match args.checksum.is_empty() {
            true => None,
            false => Some(expected(args, host).map_err(|msg| fail(msg, &returns))?),
        };
        let there = !is_dir && host.stat(&dest).is_ok_and(|info| info.is_some());
        let mut since = None;
        if there && !args.force {
            match &expected {
                Some((algorithm, digits)) if sum_of(host, &dest, algorithm)? == *digits => {
                    returns.insert("checksum_src".into(), Value::Null);
                    returns.insert("checksum_dest".into(), Value::Null);
                    return finish(args, host, dest, None, "file already exists".into(), returns);
                }
                Some(_) => {}
                None => since = host.stat(&dest).ok().flatten().map(|info| info.mtime),
            }
        }
        let start = host.now();
        let mut answer = fetch(args, host, &args.url, since).map_err(|msg| fail(msg, &returns))?;
        let took = |host: &dyn Host| Value::from(host.now().duration_since(start).unwrap_or_default().as_secs());
        returns.insert("elapsed".into(), took(host));
        let status = (!args.url.starts_with("file:")).then_some(answer.status);
        returns.insert("status_code".into(), Value::from(status));
        let msg = request::verdict(&answer);
        if answer.status == 304 {
            return finish(args, host, dest, None, msg, returns);
        }
        if answer.status != 200 {
            returns.insert("response".into(), Value::from(msg));
            return Err(fail("Request failed".into(), &returns));
        }
        let download = save(args, host, &mut answer).map_err(|msg| fail(msg, &returns))?;
        returns.insert("elapsed".into(), took(host));
        returns.insert("src".into(), Value::str(download.file.to_string_lossy()));
        returns.insert("checksum_src".into(), Value::str(&download.sha1));
        returns.insert("checksum_dest".into(), Value::Null);
        let dest = if is_dir { dest.join(served_name(&answer)) } else { dest };
        returns.insert("dest".into(), Value::str(dest.to_string_lossy()));
        if let Some((algorithm, digits)) = &expected {
            let found = sum_of(host, &download.file, algorithm)?;
            if found != *digits {
                let file = download.file.display();
                let msg = format!("The checksum for {file} did not match {digits}; it was {found}.");
                return Err(fail(msg, &returns));
            }
        }
        let parent = match paths::has_trailing_slash(&dest) {
            true => dest.as_path(),
            false => dest.parent().unwrap_or(Path::new("/")),
        };
        if !is_directory(host, parent) {
            return Err(fail(
                format!("Destination {} does not exist", parent.display().to_string().trim_end_matches('/')),
                &returns,
            ));
        }
        finish(args, host, dest, Some(download), msg, returns)
    }

    fn plan(&self, _args: &Args, state: &State) -> Result<Plan<Change>, Failure> {
        let mut plan = Plan { returns: state.returns.clone(), ..Plan::default() };
        if let Some(download) = &state.download {
            if state.present.as_deref() != Some(&download.sha1) {
                plan.changes.push(Change::Replace { from: download.file.clone(), dest: state.dest.clone() });
            }
        }
        let replaces = !plan.changes.is_empty();
        if state.attributes_differ || replaces {
            plan.changes.push(Change::Attributes(state.dest.clone()));
        }
        Ok(plan)
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new();
        for change in &plan.changes {
            match change {
                Change::Replace { from, dest } => {
                    let failed = |error: std::io::Error| {
                        Failure::new(format!(
                            "failed to copy {} to {}: {}",
                            from.display(),
                            dest.display(),
                            reason(&error)
                        ))
                    };
                    let how = Put {
                        wanted: args.wanted(),
                        backup: args.backup,
                        unsafe_writes: args.unsafe_writes,
                        ..Put::default()
                    };
                    outcome.returns.extend(put(host, dest, &mut host.open(from).map_err(failed)?, &how)?);
                }
                Change::Attributes(dest) => {
                    args.wanted().ensure(host, dest)?;
                    outcome.returns.extend(info::entries(host, dest)?);
                }
            }
        }
        Ok(outcome)
    }
}

fn is_directory(host: &dyn Host, path: &Path) -> bool {
    matches!(host.stat(path), Ok(Some(info)) if info.kind == FileKind::Directory)
}

/// What is known once nothing more is fetched.
fn finish(
    args: &Args,
    host: &dyn Host,
    dest: PathBuf,
    download: Option<Download>,
    msg: String,
    mut returns: Map,
) -> Result<State, Failure> {
    let present = match host.open(&dest) {
        Ok(file) if download.is_some() => {
            let failed = |error| Failure::new(format!("cannot read {}: {}", dest.display(), reason(&error)));
            sums(file, vec![Checksum::Sha1(Default::default())]).map_err(failed)?.0.pop()
        }
        _ => None,
    };
    returns.insert("msg".into(), Value::from(msg));
    if let Some(download) = &download {
        returns.insert("checksum_dest".into(), Value::from(present.clone()));
        returns.insert("md5sum".into(), Value::str(&download.md5));
    }
    returns.extend(info::entries(host, &dest)?);
    let attributes_differ = !args.wanted().differences(host, &dest)?.is_empty();
    Ok(State { dest, present, download, returns, attributes_differ })
}

/// The algorithm and the digits that `checksum` asks for.
fn expected(args: &Args, host: &dyn Host) -> Result<(String, String), String> {
    let (algorithm, value) =
        args.checksum.split_once(':').ok_or("The checksum parameter has to be in format <algorithm>:<checksum>")?;
    let algorithm = algorithm.trim().to_lowercase();
    if Checksum::named(&algorithm).is_none() {
        return Err(format!("there is no algorithm '{algorithm}'; available are {ALGORITHMS}"));
    }
    let value = value.trim();
    let digits = match ["http://", "https://", "file://"].iter().any(|scheme| value.starts_with(scheme)) {
        true => {
            let mut answer = fetch(args, host, value, None)?;
            let mut text = Vec::new();
            answer.body.read_to_end(&mut text).map_err(|error| request::no_answer(&error))?;
            if answer.status != 200 {
                return Err(format!("Unable to download checksum file {value}: {}", request::verdict(&answer)));
            }
            let name = file_name(&args.url);
            listed(&String::from_utf8_lossy(&text), &name)
                .ok_or_else(|| format!("Unable to find a checksum for file '{name}' in '{value}'"))?
        }
        false => value.to_owned(),
    };
    let digits = digits.to_lowercase();
    match !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        true => Ok((algorithm, digits)),
        false => Err("The checksum format is invalid".into()),
    }
}

/// The digits for a file in a list as sha256sum writes it, in BSD's form, or the only digits there.
fn listed(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let [single] = lines[..] {
        if !single.contains(char::is_whitespace) {
            return Some(single.to_owned());
        }
    }
    lines.iter().find_map(|line| {
        if let Some((head, digits)) = line.split_once(") = ") {
            return (head.split_once(" (")?.1 == name).then(|| digits.to_owned());
        }
        let (digits, file) = line.split_once(char::is_whitespace)?;
        let file = file.trim().trim_start_matches('*').trim_start_matches("./");
        (file == name || file.rsplit('/').next() == Some(name)).then(|| digits.to_owned())
    })
}

fn sum_of(host: &dyn Host, file: &Path, algorithm: &str) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot read {}: {}", file.display(), reason(&error)));
    let sum = Checksum::named(algorithm).into_iter().collect();
    let (digits, _) = sums(host.open(file).map_err(failed)?, sum).map_err(failed)?;
    Ok(digits.into_iter().next().unwrap_or_default())
}

fn fetch(args: &Args, host: &dyn Host, url: &str, since: Option<f64>) -> Result<HttpResponse, String> {
    if let Some(file) = url.strip_prefix("file://") {
        let file = Path::new(file);
        let failed = |error: std::io::Error| format!("Request failed: <urlopen error {}>", reason(&error));
        let size = host.stat(file).map_err(failed)?.map(|info| info.size).unwrap_or_default();
        let body = host.open(file).map_err(failed)?;
        let headers = vec![("content-length".to_owned(), size.to_string())];
        return Ok(HttpResponse { status: 200, reason: "OK".into(), url: url.into(), headers, body });
    }
    let mut headers = header_pairs(&args.headers);
    for (name, value) in [("User-Agent", args.http_agent.as_str()), ("Accept-Encoding", "identity")] {
        if !has_header(&headers, name) {
            headers.push((name.into(), value.into()));
        }
    }
    if args.force {
        headers.push(("Cache-Control".into(), "no-cache".into()));
    } else if let Some(since) = since {
        headers.push(("If-Modified-Since".into(), http_date(since)));
    }
    let expand = |path: &PathBuf| paths::expand(host, path);
    let client_cert =
        args.client_cert.as_ref().map(|file| (expand(file), expand(args.client_key.as_ref().unwrap_or(file))));
    let request = HttpRequest {
        method: "GET".into(),
        url: url.to_owned(),
        headers,
        timeout: Duration::try_from_secs_f64(args.timeout).ok().filter(|time| !time.is_zero()),
        max_redirects: 10,
        validate_certs: args.validate_certs,
        client_cert,
        use_proxy: args.use_proxy,
        ..HttpRequest::default()
    };
    let login = Login {
        user: args.url_username.clone(),
        password: args.url_password.clone(),
        at_once: args.force_basic_auth,
        netrc: args.use_netrc,
    };
    exchange(host, request, &login).map_err(|error| request::no_answer(&error))
}

/// Writes the answer to a temporary file.
fn save(args: &Args, host: &dyn Host, answer: &mut HttpResponse) -> Result<Download, String> {
    let no_folder = |error: std::io::Error| format!("no temporary directory: {}", reason(&error));
    let folder = match &args.tmp_dest {
        None => host.temp_dir().map_err(no_folder)?,
        Some(folder) => {
            let folder = paths::expand(host, folder);
            match host.stat(&folder) {
                Ok(Some(info)) if info.kind == FileKind::Directory => host.temp_dir_in(&folder).map_err(no_folder)?,
                Ok(Some(_)) => return Err(format!("{} is a file but should be a directory.", folder.display())),
                _ => return Err(format!("{} directory does not exist.", folder.display())),
            }
        }
    };
    let file = folder.join(format!("tmp{}", request::random_digits(host)));
    let mut sink = Tee {
        content: &mut answer.body,
        sha1: Checksum::Sha1(Default::default()),
        md5: Checksum::Md5(Default::default()),
    };
    let options = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
    host.write(&file, &mut sink, &options).map_err(|error| request::no_answer(&error))?;
    Ok(Download { sha1: sink.sha1.finish(), md5: sink.md5.finish(), file })
}

/// Sums up what is read through it.
struct Tee<'a> {
    content: &'a mut (dyn Read + Send),
    sha1: Checksum,
    md5: Checksum,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.sha1.update(&buffer[..count]);
        self.md5.update(&buffer[..count]);
        Ok(count)
    }
}

/// The server's name for the file, or the one at the end of the address.
fn served_name(answer: &HttpResponse) -> String {
    let disposition = header(answer, "content-disposition").unwrap_or_default();
    let given = disposition
        .split(';')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("filename"))
        .map(|(_, value)| value.trim_matches('"').rsplit('/').next().unwrap_or_default());
    match given {
        Some(name) if !matches!(name, "" | "." | "..") => name.to_owned(),
        _ => file_name(&answer.url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_checksums_in_lists() {
        let list = "aa  other.txt\nbb *f.txt\ncc  ./dir/g.txt\n";
        assert_eq!(listed(list, "f.txt").as_deref(), Some("bb"));
        assert_eq!(listed(list, "g.txt").as_deref(), Some("cc"));
        assert_eq!(listed(list, "h.txt"), None);
        assert_eq!(listed("SHA256 (f.txt) = dd\n", "f.txt").as_deref(), Some("dd"));
        assert_eq!(listed("ee\n", "f.txt").as_deref(), Some("ee"));
    }
}
