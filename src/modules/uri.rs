//! `uri`: an HTTP request from the host, and what it answers.

use super::file::attributes::file_args;
use super::file::content::{Put, put};
use super::file::errno::reason;
use super::file::{info, paths};
use super::web::body::{json, multipart, urlencoded};
use super::web::checksum::{Checksum, sums};
use super::web::date::http_date;
use super::web::request::{self, Login, exchange, has_header, header, header_entries, header_pairs};
use super::web::url::{absolute, file_name, split_login};
use crate::arg_choices;
use crate::module::{
    Action, ArgSpec, BlobRef, Example, Failure, FileKind, FromArg, Host, HttpRequest, HttpResponse, Module, ModuleArgs,
    ModuleSpec, Outcome, Plan, ReturnSpec, Rule, RunsOn, TaskDoor, parse_args,
};
use crate::value::{Key, Map, Value};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

arg_choices! {
    /// How the body is written.
    pub enum BodyFormat {
        Raw = "raw", Json = "json", FormUrlencoded = "form-urlencoded", FormMultipart = "form-multipart",
    }
}

arg_choices! {
    /// Which redirects are followed.
    pub enum FollowRedirects { Safe = "safe", All = "all", None = "none", Urllib2 = "urllib2", Yes = "yes", No = "no" }
}

file_args! {
    /// Arguments of `uri`.
    pub struct Args {
        /// The address, http or https.
        url: String,
        /// The method.
        method: String = "GET",
        /// What is sent: text, or data that `body_format` turns into text.
        body: Option<Value>,
        /// How the body is written: json, form-urlencoded and form-multipart take data, raw takes text.
        body_format: BodyFormat = BodyFormat::Raw,
        /// A file that is sent as the body; from the controller unless `remote_src` is set.
        src: Option<PathBuf>,
        /// Take `src`, and the files of a multipart body, from the host.
        remote_src: bool = false,
        /// Further headers.
        headers: Map = Map::new(),
        /// The statuses that mean success.
        status_code: Vec<i64> = vec![200],
        /// Return the body as `content`.
        return_content: bool = false,
        /// A file or directory on the host that the answer is written to.
        dest: Option<PathBuf>,
        /// Do nothing when this path exists.
        creates: Option<PathBuf>,
        /// Do nothing unless this path exists.
        removes: Option<PathBuf>,
        /// Ask for a fresh answer, not one from a cache, and not only for one newer than `dest`.
        force: bool = false,
        /// Which redirects are followed: `safe` those of GET and HEAD, `all`, or `none`.
        follow_redirects: FollowRedirects = FollowRedirects::Safe,
        /// Who logs in.
        [aliases("user")] url_username: Option<String>,
        /// The password.
        [secret, aliases("password")] url_password: Option<String>,
        /// Send the login with the first request, without waiting to be asked.
        force_basic_auth: bool = false,
        /// Take the login from ~/.netrc when none is given.
        use_netrc: bool = true,
        /// The User-Agent header.
        http_agent: String = "ansible-httpget",
        /// Seconds for the whole exchange.
        timeout: f64 = 30.0,
        /// Check the server's certificate.
        validate_certs: bool = true,
        /// A PEM file of authorities, instead of the system's.
        ca_path: Option<PathBuf>,
        /// A PEM file with the client's certificate, and its key unless `client_key` is given.
        client_cert: Option<PathBuf>,
        /// A PEM file with the client's key.
        client_key: Option<PathBuf>,
        /// Honour http_proxy and its kin.
        use_proxy: bool = true,
        /// A socket to talk to, instead of the address' host.
        unix_socket: Option<PathBuf>,
        /// Internal: the content of `src`, offered by the controller.
        _content: Option<BlobRef>,
        /// Internal: the controller's files of a multipart body, by their names.
        _files: Map = Map::new(),
    }
}

const SPEC: ModuleSpec = ModuleSpec {
    name: "ansible.builtin.uri",
    aliases: &["uri", "ansible.legacy.uri"],
    summary: "Makes an HTTP request",
    notes: "Check mode skips the task: what a request changes cannot be known.",
    runs_on: RunsOn::Agent,
    rules: &[Rule::MutuallyExclusive(&["body", "src"])],
    returns: &[
        ReturnSpec { name: "status", doc: "The status; -1 when there was no answer." },
        ReturnSpec { name: "url", doc: "The address after redirects." },
        ReturnSpec { name: "redirected", doc: "Whether there were any." },
        ReturnSpec { name: "json", doc: "The body as data, when the answer says that it is JSON." },
        ReturnSpec { name: "content", doc: "The body, with `return_content`." },
        ReturnSpec { name: "body", doc: "The body of an accepted answer that is an error or a redirect." },
        ReturnSpec { name: "cookies", doc: "Cookies that were set, by name." },
        ReturnSpec { name: "cookies_string", doc: "The same as a Cookie header has it." },
        ReturnSpec { name: "elapsed", doc: "Whole seconds." },
        ReturnSpec { name: "path", doc: "The file that was written." },
    ],
    examples: &[
        Example {
            title: "Wait for a healthy service",
            yaml: "uri:\n  url: http://localhost:8080/health\nregister: health\nuntil: health.json is defined and health.json.scheduler.status == 'healthy'\nretries: 30\ndelay: 2",
        },
        Example {
            title: "Send data",
            yaml: "uri:\n  url: https://example.com/api/users\n  method: POST\n  body_format: json\n  body:\n    name: airflow\n  status_code: [200, 201]",
        },
    ],
    ..ModuleSpec::EMPTY
};

/// The `uri` module.
pub struct Uri;

/// What the host says before the request.
pub struct State {
    /// Why nothing is to be done.
    skip: Option<String>,
}

/// The request, the only thing that can happen.
pub struct Request;

impl Module for Uri {
    type Args = Args;
    type State = State;
    type Change = Request;
    const SPEC: ModuleSpec = SPEC;

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<State, Failure> {
        let method = args.method.to_ascii_uppercase();
        if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
            return Err(Failure::new("Parameter 'method' needs to be a single word in uppercase, like GET or POST."));
        }
        if !args.url.contains("://") {
            return Err(Failure::new(format!("unknown url type: '{}'", args.url))
                .with("status", -1)
                .with("url", args.url.as_str()));
        }
        let exists = |path: &Path| host.stat(path).is_ok_and(|info| info.is_some());
        let creates = args.creates.as_deref().map(|path| paths::expand(host, path)).filter(|path| exists(path));
        let removes = args.removes.as_deref().map(|path| paths::expand(host, path)).filter(|path| !exists(path));
        let skip = match (creates, removes) {
            (Some(path), _) => Some(format!("skipped, since '{}' exists", path.display())),
            (None, Some(path)) => Some(format!("skipped, since '{}' does not exist", path.display())),
            (None, None) => None,
        };
        Ok(State { skip })
    }

    fn plan(&self, _args: &Args, state: &State) -> Result<Plan<Request>, Failure> {
        Ok(match &state.skip {
            Some(reason) => Plan::nothing().with("stdout", reason.as_str()),
            None => Plan {
                actions: vec![Request],
                skipped_in_check: Some("This action (uri) does not support check mode.".into()),
                ..Plan::default()
            },
        })
    }

    fn apply(&self, args: &Args, _plan: &Plan<Request>, host: &dyn Host) -> Result<Outcome, Failure> {
        let dest = args.dest.as_deref().map(|dest| paths::expand(host, dest));
        let request = build(args, dest.as_deref(), host)?;
        let (asked_url, _) = split_login(&request.url);
        let login = Login {
            user: args.url_username.clone(),
            password: args.url_password.clone(),
            at_once: args.force_basic_auth,
            netrc: args.use_netrc,
        };
        let start = host.now();
        let answer = exchange(host, request, &login);
        let mut result = Map::from([
            ("redirected".into(), Value::Bool(false)),
            ("status".into(), Value::Int(-1)),
            ("url".into(), Value::str(&asked_url)),
        ]);
        let (mut answer, msg) = match answer {
            Ok(answer) => {
                let msg = request::verdict(&answer);
                (Some(answer), msg)
            }
            Err(error) => (None, request::no_answer(&error)),
        };
        let mut body = Vec::new();
        if let Some(answer) = &mut answer {
            answer.body.read_to_end(&mut body).map_err(|error| Failure::new(request::no_answer(&error)))?;
        }
        let elapsed = host.now().duration_since(start).unwrap_or_default().as_secs();
        result.insert("elapsed".into(), Value::from(elapsed));
        if let Some(answer) = &answer {
            describe(&mut result, answer, &asked_url);
        }
        let status = answer.as_ref().map_or(-1, |answer| i64::from(answer.status));
        let accepted = args.status_code.contains(&status);
        result.extend(readable(args, answer.as_ref(), &body, accepted));
        let target = match (&answer, dest) {
            (Some(answer), Some(dest)) => Some(target(host, &dest, &answer.url)),
            _ => None,
        };
        if let Some(target) = &target {
            result.insert("path".into(), Value::str(target.to_string_lossy()));
            result.extend(info::entries(host, target)?);
        }
        if !accepted {
            let wanted = Value::from(args.status_code.clone());
            let msg = format!("Status code was {status} and not {wanted}: {msg}");
            return Err(Failure { msg, returns: result });
        }
        result.insert("msg".into(), Value::from(msg));
        let changed = match target {
            Some(target) => {
                let changed = save(args, host, &target, status, &body).map_err(|failure| with(failure, &result))?;
                result.extend(info::entries(host, &target)?);
                changed
            }
            None => false,
        };
        // Whether a download differs is known only after the request, which cannot be made in observe.
        Ok(Outcome { returns: result, reported_change: Some(changed) })
    }
}

fn with(mut failure: Failure, result: &Map) -> Failure {
    for (key, value) in result.iter().filter(|(key, _)| key.as_str() != Some("msg")) {
        failure.returns.entry(key.clone()).or_insert_with(|| value.clone());
    }
    failure
}

fn build(args: &Args, dest: Option<&Path>, host: &dyn Host) -> Result<HttpRequest, Failure> {
    let mut headers = header_pairs(&args.headers);
    let (body, content_type) = body(args, host)?;
    if let Some(content_type) = content_type {
        let replaces = args.body_format == BodyFormat::FormMultipart;
        if replaces {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        }
        if !has_header(&headers, "content-type") {
            headers.push(("Content-Type".into(), content_type));
        }
    }
    if !has_header(&headers, "user-agent") {
        headers.push(("User-Agent".into(), args.http_agent.clone()));
    }
    if !has_header(&headers, "accept-encoding") {
        headers.push(("Accept-Encoding".into(), "identity".into()));
    }
    if args.force {
        headers.push(("Cache-Control".into(), "no-cache".into()));
    } else if let Some(mtime) = dest.and_then(|dest| mtime_of_file(host, dest)) {
        headers.push(("If-Modified-Since".into(), http_date(mtime)));
    }
    let (max_redirects, redirect_unsafe) = match args.follow_redirects {
        FollowRedirects::Safe => (10, false),
        FollowRedirects::All | FollowRedirects::Yes | FollowRedirects::Urllib2 => (10, true),
        FollowRedirects::None | FollowRedirects::No => (0, false),
    };
    let expand = |path: &PathBuf| paths::expand(host, path);
    let client_cert = args
        .client_cert
        .as_ref()
        .map(|certificate| (expand(certificate), expand(args.client_key.as_ref().unwrap_or(certificate))));
    Ok(HttpRequest {
        method: args.method.to_ascii_uppercase(),
        url: args.url.clone(),
        headers,
        body,
        timeout: Duration::try_from_secs_f64(args.timeout).ok().filter(|time| !time.is_zero()),
        max_redirects,
        redirect_unsafe,
        validate_certs: args.validate_certs,
        ca_path: args.ca_path.as_ref().map(expand),
        client_cert,
        use_proxy: args.use_proxy,
        unix_socket: args.unix_socket.as_ref().map(expand),
    })
}

fn mtime_of_file(host: &dyn Host, path: &Path) -> Option<f64> {
    host.stat(path).ok().flatten().filter(|info| info.kind == FileKind::File).map(|info| info.mtime)
}

/// The bytes that are sent and the type that they have unless a header says otherwise.
fn body(args: &Args, host: &dyn Host) -> Result<(Option<Vec<u8>>, Option<String>), Failure> {
    const FORM: &str = "application/x-www-form-urlencoded";
    if let Some(src) = &args.src {
        let src = paths::expand(host, src);
        let content = match &args._content {
            Some(blob) => read_blob(host, blob),
            None => host.read(&src),
        };
        let content = content.map_err(|error| {
            Failure::new(format!("Unable to open source file {}: {}", src.display(), reason(&error)))
        })?;
        return Ok((Some(content), Some(FORM.into())));
    }
    let given = args.body.clone().filter(|body| !body.is_null());
    Ok(match (args.body_format, given) {
        // As in Ansible, a missing body is JSON's null.
        (BodyFormat::Json, None) => (Some(b"null".to_vec()), Some("application/json".into())),
        (_, None) => (None, None),
        (BodyFormat::FormMultipart, Some(Value::Map(fields))) => {
            let boundary = format!("==============={}==", request::random_digits(host));
            let (body, content_type) = multipart(&fields, &boundary, &|name| multipart_file(args, host, name))?;
            (Some(body), Some(content_type))
        }
        (BodyFormat::FormMultipart, Some(other)) => {
            let kind = crate::value::type_name(&other);
            let msg = format!("failed to parse body as form-multipart: Mapping is required, cannot be type {kind}");
            return Err(Failure::new(msg));
        }
        (BodyFormat::Json, Some(Value::Str(text))) => (Some(text.as_bytes().to_vec()), Some("application/json".into())),
        (BodyFormat::Json, Some(data)) => (Some(json(&data).into_bytes()), Some("application/json".into())),
        (_, Some(Value::Str(text))) => (Some(text.as_bytes().to_vec()), Some(FORM.into())),
        (BodyFormat::FormUrlencoded, Some(data)) => (Some(urlencoded(&data)?.into_bytes()), Some(FORM.into())),
        (BodyFormat::Raw, Some(Value::List(_) | Value::Map(_))) => {
            return Err(Failure::new("body must be text when body_format is raw; set body_format to send data"));
        }
        (BodyFormat::Raw, Some(scalar)) => (Some(scalar.to_string().into_bytes()), Some(FORM.into())),
    })
}

fn multipart_file(args: &Args, host: &dyn Host, name: &str) -> Result<Vec<u8>, Failure> {
    let content = match args._files.get(name) {
        Some(blob) => read_blob(host, &BlobRef::from_arg(blob).map_err(Failure::new)?),
        None => host.read(&paths::expand(host, Path::new(name))),
    };
    content.map_err(|error| Failure::new(format!("Unable to open {name}: {}", reason(&error))))
}

fn read_blob(host: &dyn Host, blob: &BlobRef) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    host.blob(blob)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Status, address, headers and cookies.
fn describe(result: &mut Map, answer: &HttpResponse, asked: &str) {
    result.extend(header_entries(answer));
    result.insert("status".into(), Value::from(answer.status));
    result.insert("url".into(), Value::str(&answer.url));
    result.insert("redirected".into(), Value::Bool(answer.url != asked));
    if let Some(location) = header(answer, "location") {
        result.insert("location".into(), Value::from(absolute(&answer.url, location)));
    }
    if (200..300).contains(&answer.status) {
        let cookies: Vec<(&str, &str)> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
            .filter_map(|(_, value)| value.split(';').next()?.trim().split_once('='))
            .collect();
        let text = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        result.insert("cookies_string".into(), Value::from(text));
        let cookies: Map = cookies.into_iter().map(|(name, value)| (Key::from(name), Value::str(value))).collect();
        result.insert("cookies".into(), Value::map(cookies));
    }
}

/// The body as `content`, `body` and `json`.
fn readable(args: &Args, answer: Option<&HttpResponse>, body: &[u8], accepted: bool) -> Map {
    let mut entries = Map::new();
    let Some(answer) = answer else {
        if args.return_content {
            entries.insert("content".into(), Value::str(""));
        }
        return entries;
    };
    let content_type = header(answer, "content-type").unwrap_or_default().to_ascii_lowercase();
    let text = || {
        let charset = content_type.split("charset=").nth(1).unwrap_or("utf-8").trim_matches(['"', ' ', ';']);
        Value::from(match charset {
            "iso-8859-1" | "latin-1" | "latin1" => body.iter().map(|byte| char::from(*byte)).collect::<String>(),
            _ => String::from_utf8_lossy(body).into_owned(),
        })
    };
    if args.return_content {
        entries.insert("content".into(), text());
    } else if accepted && !(200..300).contains(&answer.status) {
        entries.insert("body".into(), text());
    }
    let subtype = content_type.split([';', ' ']).next().unwrap_or_default().split('/').nth(1).unwrap_or_default();
    if subtype.contains("json") || subtype.contains("javascript") {
        if let Ok(data) = serde_json::from_slice::<Value>(body) {
            entries.insert("json".into(), data);
        }
    }
    entries
}

/// The file that is written: in a directory, one named as the address ends.
fn target(host: &dyn Host, dest: &Path, url: &str) -> PathBuf {
    match host.stat(dest) {
        Ok(Some(info)) if info.kind == FileKind::Directory => dest.join(file_name(url)),
        _ => dest.to_owned(),
    }
}

/// Writes the body where it differs, and sets the file's attributes; whether anything changed.
fn save(args: &Args, host: &dyn Host, target: &Path, status: i64, body: &[u8]) -> Result<bool, Failure> {
    let sum =
        |content: &mut dyn Read| sums(content, vec![Checksum::Sha256(Default::default())]).map(|(sums, _)| sums).ok();
    let mut changed = false;
    if status != 304 {
        let present = host.open(target).ok().and_then(|mut file| sum(&mut file));
        if present.is_none() || present != sum(&mut &body[..]) {
            let how = Put { wanted: args.wanted(), unsafe_writes: args.unsafe_writes, ..Put::default() };
            put(host, target, &mut &body[..], &how)?;
            changed = true;
        }
    }
    let wanted = args.wanted();
    if !wanted.differences(host, target)?.is_empty() {
        wanted.ensure(host, target)?;
        changed = true;
    }
    Ok(changed)
}

/// The controller's side: offers its files to the host.
pub struct UriAction;

impl Action for UriAction {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, args: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let parsed: Args = parse_args(SPEC.rules, args)?;
        let mut args = args.clone();
        let offer = |name: &str| task.find_file("files", name).and_then(|path| task.offer_file(&path));
        if !parsed.remote_src {
            if let Some(src) = &parsed.src {
                args.insert("_content".into(), offer(&src.to_string_lossy())?.to_value());
            }
            if parsed.body_format == BodyFormat::FormMultipart {
                let fields = parsed.body.as_ref().and_then(Value::as_map).cloned().unwrap_or_default();
                let mut files = Map::new();
                for field in fields.values().filter(|field| field.get("content").is_none_or(Value::is_null)) {
                    if let Some(name) = field.get("filename").and_then(Value::as_str) {
                        files.insert(name.into(), offer(name)?.to_value());
                    }
                }
                args.insert("_files".into(), Value::map(files));
            }
        }
        task.remote(SPEC.name, &args, task.flags()).map(|run| run.result)
    }
}
