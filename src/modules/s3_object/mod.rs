//! `s3_object`: objects of an S3 service.

mod attributes;
mod content;
mod etag;
mod found;
mod keys;
mod transfer;

use super::s3::client::run;
use super::s3::{bad_bucket_name, service_args};
use crate::arg_choices;
use crate::module::{
    Action, ArgSpec, BlobRef, Diff, Example, Failure, Host, Module, ModuleArgs, ModuleSpec, Outcome, Plan, ReturnSpec,
    Rule, RunsOn, TaskDoor, parse_args,
};
use crate::value::{Map, Value};
use found::Found;
use keys::Copying;
use std::path::PathBuf;

arg_choices! {
    /// What is done.
    pub enum Mode {
        Get = "get", Put = "put", Create = "create", Geturl = "geturl", Getstr = "getstr", Delobj = "delobj",
        List = "list", Copy = "copy",
    }
}

arg_choices! {
    /// Who may use the object, as a ready-made list.
    pub enum Permission {
        Private = "private",
        PublicRead = "public-read",
        PublicReadWrite = "public-read-write",
        AwsExecRead = "aws-exec-read",
        AuthenticatedRead = "authenticated-read",
        BucketOwnerRead = "bucket-owner-read",
        BucketOwnerFullControl = "bucket-owner-full-control",
    }
}

arg_choices! {
    /// How the service encrypts the object.
    pub enum EncryptionMode { Aes256 = "AES256", Kms = "aws:kms" }
}

arg_choices! {
    /// When what is there is replaced.
    pub enum Overwrite {
        Always = "always", Never = "never", Different = "different", Latest = "latest", True = "true", False = "false",
    }
}

service_args! {
    /// Arguments of `s3_object`.
    pub struct Args {
        /// The bucket.
        bucket: String,
        /// What is done: `put` sends, `get` fetches into `dest`, `getstr` returns the content, `geturl` an address,
        /// `list` the keys, `create` makes a folder, `delobj` removes, `copy` copies inside the service.
        mode: Mode,
        /// The key.
        object: Option<String>,
        /// The file that `put` sends: the host's, or else the controller's.
        src: Option<PathBuf>,
        /// Text that `put` sends.
        content: Option<String>,
        /// Bytes that `put` sends, in base64.
        content_base64: Option<String>,
        /// The file that `get` writes.
        dest: Option<PathBuf>,
        /// When `put` and `get` replace what is there: `different` compares the content, `latest` the times.
        [aliases("force")] overwrite: Overwrite = Overwrite::Different,
        /// Headers of the object; names that S3 does not know become metadata.
        headers: Option<Map>,
        /// Metadata of the object; names that S3 knows become headers.
        metadata: Option<Map>,
        /// Who may use the object; the last one of a list counts.
        permission: Vec<Permission> = vec![Permission::Private],
        /// Ask the service to encrypt the object.
        encrypt: bool = true,
        /// How.
        encryption_mode: EncryptionMode = EncryptionMode::Aes256,
        /// The key, for aws:kms.
        encryption_kms_key_id: Option<String>,
        /// Tags of the object.
        [aliases("resource_tags")] tags: Option<Map>,
        /// Remove tags that `tags` does not have.
        purge_tags: bool = true,
        /// Seconds for which an address that is returned works.
        [aliases("expiration")] expiry: u64 = 600u64,
        /// `list` only keys that begin so.
        prefix: String = "",
        /// `list` only keys after this one.
        marker: Option<String>,
        /// `list` at most so many.
        max_keys: Option<usize>,
        /// What `copy` copies: `bucket`, and `object` (with `version_id`), or all keys that begin with `prefix`.
        copy_src: Option<Map>,
        /// A version of the object.
        version: Option<String>,
        /// `delobj`: a bucket that is not there is no failure; `put`: do not look for the bucket first.
        ignore_nonexistent_bucket: bool = false,
        /// The account that must own the bucket.
        expected_bucket_owner: Option<String>,
        /// Further attempts when the service does not answer `get`.
        [aliases("retry")] retries: u32 = 0u32,
        /// Addresses are always signed with version 4; other values are refused.
        sig_v4: bool = true,
        /// Internal: the content of the controller's `src`.
        _content: Option<BlobRef>,
    }
}

const SPEC: ModuleSpec = ModuleSpec {
    name: "amazon.aws.s3_object",
    aliases: &["s3_object", "aws_s3", "amazon.aws.aws_s3", "s3"],
    summary: "Sends, fetches, lists, copies and removes objects of an S3 service",
    notes: "Content is compared by its ETag: MD5, or the MD5 of its parts for what was sent in parts. Objects of more \
            than 64 MiB are sent in parts.",
    runs_on: RunsOn::Whole,
    rules: &[
        Rule::MutuallyExclusive(&["content", "content_base64", "src"]),
        Rule::RequiredIf("ceph", "True", &["endpoint_url"]),
        Rule::RequiredIf("mode", "put", &["object"]),
        Rule::RequiredIf("mode", "get", &["dest", "object"]),
        Rule::RequiredIf("mode", "getstr", &["object"]),
        Rule::RequiredIf("mode", "geturl", &["object"]),
        Rule::RequiredIf("mode", "create", &["object"]),
        Rule::RequiredIf("mode", "delobj", &["object"]),
        Rule::RequiredIf("mode", "copy", &["copy_src"]),
    ],
    returns: &[
        ReturnSpec { name: "msg", doc: "What was done." },
        ReturnSpec { name: "url", doc: "An address of the object that works for `expiry` seconds (put, geturl)." },
        ReturnSpec { name: "expiry", doc: "For how long it works (geturl)." },
        ReturnSpec { name: "contents", doc: "The content as text (getstr)." },
        ReturnSpec { name: "s3_keys", doc: "The keys (list)." },
        ReturnSpec { name: "tags", doc: "The object's tags (put, copy, create, geturl)." },
    ],
    examples: &[
        Example {
            title: "Send a DAG to a service of one's own",
            yaml: "amazon.aws.s3_object:\n  endpoint_url: http://services1:9000\n  access_key: \"{{ s3_access_key }}\"\n  secret_key: \"{{ s3_secret_key }}\"\n  bucket: airflow-dags\n  object: dags/example.py\n  src: example.py\n  mode: put",
        },
        Example {
            title: "Fetch it",
            yaml: "amazon.aws.s3_object:\n  bucket: airflow-dags\n  object: dags/example.py\n  dest: /tmp/example.py\n  mode: get",
        },
    ],
    ..ModuleSpec::EMPTY
};

/// The controller's half of `s3_object`: offers `src`.
pub struct S3ObjectAction;

impl Action for S3ObjectAction {
    fn spec(&self) -> ModuleSpec {
        SPEC
    }

    fn args(&self) -> &'static [ArgSpec] {
        Args::SPECS
    }

    fn run(&self, given: &Map, task: &dyn TaskDoor) -> Result<Map, Failure> {
        let args: Args = parse_args(SPEC.rules, given)?;
        let mut to_host = given.clone();
        if let Some(src) = args.src.filter(|_| args.mode == Mode::Put) {
            // Where the controller has no such file, the host may.
            if let Ok(path) = task.find_file("files", &src.to_string_lossy()) {
                to_host.insert("_content".into(), task.offer_file(&path)?.to_value());
            }
        }
        task.remote(SPEC.name, &to_host, task.flags()).map(|run| run.result)
    }
}

/// One thing that changes the service or the host.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The object is sent.
    Put,
    /// The file is fetched.
    Get,
    /// A folder, an empty object, is made.
    Create,
    /// The object is removed.
    Delete,
    /// An object is copied inside the service.
    Copy(Copying),
    /// The object gets these tags, or none.
    Tags(Map),
    /// Only the address is made; the result does not say that something changed.
    Address,
}

/// The `s3_object` module.
pub struct S3Object;

impl Module for S3Object {
    type Args = Args;
    type State = Found;
    type Change = Change;
    const SPEC: ModuleSpec = SPEC;

    fn observe(&self, args: &Args, host: &dyn Host) -> Result<Found, Failure> {
        check(args)?;
        let local = found::local(args, host)?;
        run(host, &args.service(), async |client| found::read(&client, args, &local).await)
    }

    fn plan(&self, args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
        match args.mode {
            Mode::Put => Ok(put(args, found)),
            Mode::Get => get(args, found),
            Mode::Create => Ok(create(args, found)),
            Mode::Copy => Ok(copy(args, found)),
            Mode::Delobj => {
                let changes = found.object.iter().map(|_| Change::Delete).collect();
                Ok(Plan::of(changes).with("msg", format!("Object deleted from bucket {}.", args.bucket)))
            }
            Mode::Geturl => {
                found.there(args)?;
                Ok(address_only(args, &found.tags))
            }
            Mode::Getstr => {
                found.there(args)?;
                let contents = found.contents.clone().unwrap_or_default();
                Ok(Plan::nothing().with("msg", "GET operation complete").with("contents", contents))
            }
            Mode::List => {
                let keys = found.keys.iter().map(Value::str).collect();
                Ok(Plan::nothing().with("msg", "LIST operation complete").with("s3_keys", Value::list(keys)))
            }
        }
    }

    fn apply(&self, args: &Args, plan: &Plan<Change>, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::new();
        for change in plan.changes.iter().chain(&plan.actions) {
            change.make(args, host)?;
        }
        if matches!(args.mode, Mode::Put | Mode::Geturl | Mode::Create) {
            let url = run(host, &args.service(), async |client| keys::address(&client, args).await)?;
            outcome = outcome.with("url", url);
        }
        Ok(outcome)
    }
}

fn check(args: &Args) -> Result<(), Failure> {
    if let Some(reason) = bad_bucket_name(&args.bucket).filter(|_| args.validate_bucket_name) {
        return Err(Failure::new(reason));
    }
    if !args.sig_v4 {
        return Err(Failure::new("sig_v4: only signatures of version 4 are made"));
    }
    let sent = [args.src.is_some(), args.content.is_some(), args.content_base64.is_some()];
    if args.mode == Mode::Put && !sent.contains(&true) {
        return Err(Failure::new("Either content, content_base64 or src must be specified for PUT operations"));
    }
    for key in args.copy_src.iter().flat_map(Map::keys) {
        if !["bucket", "object", "prefix", "version_id"].contains(&key.as_str().unwrap_or_default()) {
            return Err(Failure::new(format!("copy_src has no option '{key}'")));
        }
    }
    if args.copy_src.as_ref().is_some_and(|source| source.get("bucket").is_none()) {
        return Err(Failure::new("copy_src needs bucket"));
    }
    Ok(())
}

impl Args {
    /// The key, without the slash that some write before it; a folder's ends in one.
    fn key(&self) -> String {
        let key = self.object.as_deref().unwrap_or_default();
        let key = key.strip_prefix('/').unwrap_or(key);
        let slash = if self.mode == Mode::Create && !key.ends_with('/') { "/" } else { "" };
        format!("{key}{slash}")
    }
}

fn diff_of(args: &Args, before: Option<&str>, after: Option<&str>) -> Diff {
    let name = format!("s3://{}/{}", args.bucket, args.key());
    let text = |etag: Option<&str>| etag.map(|etag| format!("etag: {etag}\n")).unwrap_or_default();
    Diff { before: text(before), after: text(after), before_header: name.clone(), after_header: name }
}

/// The tags that there shall be, if they differ from those that are.
fn wanted_tags(args: &Args, found: &Map) -> Option<Map> {
    let given = args.tags.as_ref()?;
    let mut wanted = if args.purge_tags { Map::new() } else { found.clone() };
    wanted.extend(given.iter().map(|(key, value)| (key.to_string().into(), Value::from(value.to_string()))));
    let same = wanted.len() == found.len() && wanted.iter().all(|(key, value)| found.get(key) == Some(value));
    (!same).then_some(wanted)
}

/// Nothing but an address of the object.
fn address_only(args: &Args, tags: &Map) -> Plan<Change> {
    Plan { actions: vec![Change::Address], ..Plan::default() }
        .with("msg", "Download url:")
        .with("expiry", args.expiry)
        .with("tags", Value::map(tags.clone()))
}

fn put(args: &Args, found: &Found) -> Plan<Change> {
    let replace = found.object.as_ref().is_none_or(|object| match (args.overwrite, found.local_modified) {
        (Overwrite::Always | Overwrite::True, _) => true,
        (Overwrite::Never | Overwrite::False, _) => false,
        (Overwrite::Latest, Some(time)) => time > object.modified,
        // What stands in the task has no time of its own.
        (Overwrite::Latest, None) | (Overwrite::Different, _) => found.local_etag.as_ref() != Some(&object.etag),
    });
    if !replace {
        return with_tags(args, address_only(args, &found.tags), found.tags.clone());
    }
    let before = found.object.as_ref().map(|object| object.etag.as_str());
    let diff = diff_of(args, before, found.local_etag.as_deref());
    let plan = Plan::of(vec![Change::Put]).with("msg", "PUT operation complete").with_diff(diff);
    // Sending an object anew drops the tags that it had.
    with_tags(args, plan, Map::new())
}

fn with_tags(args: &Args, mut plan: Plan<Change>, tags: Map) -> Plan<Change> {
    let wanted = wanted_tags(args, &tags);
    plan.changes.extend(wanted.clone().map(Change::Tags));
    plan.with("tags", Value::map(wanted.unwrap_or(tags)))
}

fn get(args: &Args, found: &Found) -> Result<Plan<Change>, Failure> {
    let object = found.there(args)?;
    let kept = found.local_etag.as_ref().and_then(|etag| match args.overwrite {
        Overwrite::Always | Overwrite::True => None,
        Overwrite::Never | Overwrite::False => Some("Local object already exists and overwrite is disabled."),
        Overwrite::Latest => found
            .local_modified
            .is_some_and(|time| time >= object.modified)
            .then_some("Local object is latest, ignoreing. Use overwrite=always parameter to force."),
        Overwrite::Different => (*etag == object.etag)
            .then_some("Local and remote object are identical, ignoring. Use overwrite=always parameter to force."),
    });
    Ok(match kept {
        Some(msg) => Plan::nothing().with("msg", msg),
        None => Plan::of(vec![Change::Get]).with("msg", "GET operation complete").with_diff(diff_of(
            args,
            found.local_etag.as_deref(),
            Some(&object.etag),
        )),
    })
}

fn create(args: &Args, found: &Found) -> Plan<Change> {
    let (bucket, folder) = (&args.bucket, args.key());
    match found.object {
        Some(_) => Plan::nothing().with("msg", format!("Bucket {bucket} and key {folder} already exists.")),
        None => {
            let msg = format!("Virtual directory {folder} created in bucket {bucket}");
            with_tags(args, Plan::of(vec![Change::Create]).with("msg", msg), Map::new())
        }
    }
}

fn copy(args: &Args, found: &Found) -> Plan<Change> {
    let changes = found.copies.iter().cloned().map(Change::Copy).collect();
    let plan = Plan::of(changes).with("msg", found.copy_message(args));
    match &found.tags_after_copy {
        Some(tags) => with_tags(args, plan, tags.clone()),
        None => plan,
    }
}

impl Change {
    fn make(&self, args: &Args, host: &dyn Host) -> Result<(), Failure> {
        match self {
            Change::Put => content::send(args, host),
            Change::Get => content::fetch(args, host),
            Change::Address => Ok(()),
            Change::Create => run(host, &args.service(), async |client| {
                let nothing = &mut std::io::empty();
                transfer::upload(&client, args, &args.key(), nothing, 0, "application/x-directory").await
            }),
            Change::Delete => run(host, &args.service(), async |client| keys::delete(&client, args).await),
            Change::Copy(copying) => {
                run(host, &args.service(), async |client| keys::copy(&client, args, copying).await)
            }
            Change::Tags(tags) => run(host, &args.service(), async |client| keys::tag(&client, args, tags).await),
        }
    }
}
