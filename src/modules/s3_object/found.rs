//! What the service and the host have before anything is done.

use super::content::Content;
use super::keys::{self, Copying, Source};
use super::{Args, Mode, etag};
use crate::module::{Failure, FileKind, Host};
use crate::modules::file::errno::failed;
use crate::modules::file::paths::expand;
use crate::modules::s3::error::Refusal;
use crate::value::{Map, Value};
use aws_sdk_s3::Client;
use std::path::Path;

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its ETag, without quotes.
    pub etag: String,
    /// Bytes.
    pub size: u64,
    /// Seconds since the epoch.
    pub modified: f64,
    /// The size of its first part, when it was sent in parts.
    pub part: Option<u64>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The object.
    pub object: Option<Object>,
    /// Its tags.
    pub tags: Map,
    /// The content as text, for getstr.
    pub contents: Option<String>,
    /// The keys, for list.
    pub keys: Vec<String>,
    /// The ETag that the local content has or would have.
    pub local_etag: Option<String>,
    /// When the local file was changed.
    pub local_modified: Option<f64>,
    /// What is to be copied, for copy.
    pub copies: Vec<Copying>,
    /// Whether the object that is to be copied is there.
    pub source_is_there: bool,
    /// The tags that the copy has before the task's own, when one object is copied.
    pub tags_after_copy: Option<Map>,
}

impl Found {
    /// The object, which must be there.
    pub fn there(&self, args: &Args) -> Result<&Object, Failure> {
        self.object.as_ref().ok_or_else(|| no_such_key(&args.key()))
    }

    /// What copying will have done.
    pub fn copy_message(&self, args: &Args) -> String {
        let Some(source) = Source::of(args) else { return String::new() };
        let (from, to) = (&source.bucket, &args.bucket);
        match &source.object {
            None => format!("{} copied into bucket '{to}'", self.copies.len()),
            Some(key) if !self.source_is_there => format!("Key {key} does not exist in bucket {from}."),
            Some(_) if self.copies.is_empty() => "ETag from source and destination are the same".into(),
            Some(_) => format!("Object copied from bucket {from} to bucket {to}."),
        }
    }
}

/// The failure of an object that is not there.
pub fn no_such_key(key: &str) -> Failure {
    Failure::new(format!("Key {key} does not exist."))
}

/// The host's side of put and get.
pub struct Local<'a> {
    host: &'a dyn Host,
    content: Option<Content>,
    modified: Option<f64>,
}

/// Looks at the file or content that is sent, or at the file that is written.
pub fn local<'a>(args: &Args, host: &'a dyn Host) -> Result<Local<'a>, Failure> {
    let nothing = Local { host, content: None, modified: None };
    match args.mode {
        Mode::Put => {
            let content = Content::of(args, host)?;
            let modified = match &content {
                Content::File(path, _) => host.stat(path).map_err(failed("stat failed", path))?.map(|info| info.mtime),
                Content::Bytes(_) | Content::Offered(_) => None,
            };
            Ok(Local { content: Some(content), modified, ..nothing })
        }
        Mode::Get => {
            let dest = expand(host, args.dest.as_deref().unwrap_or(Path::new("")));
            match host.stat(&dest).map_err(failed("stat failed", &dest))? {
                None => Ok(nothing),
                Some(info) if info.kind == FileKind::Directory => {
                    Err(Failure::new(format!("attempted to take checksum of directory: {}", dest.display())))
                }
                Some(info) => {
                    Ok(Local { content: Some(Content::File(dest, info.size)), modified: Some(info.mtime), ..nothing })
                }
            }
        }
        _ => Ok(nothing),
    }
}

/// Asks the service for what the task needs to know.
pub async fn read(client: &Client, args: &Args, local: &Local<'_>) -> Result<Found, Failure> {
    let mut found = Found { local_modified: local.modified, ..Found::default() };
    if !bucket_is_there(client, args).await? {
        return Ok(found);
    }
    match args.mode {
        Mode::List => found.keys = keys::list(client, args).await?,
        Mode::Copy => keys::compare(client, args, &mut found).await?,
        Mode::Put | Mode::Get | Mode::Getstr | Mode::Geturl | Mode::Create | Mode::Delobj => {
            found.object = object(client, args, &args.key()).await?;
        }
    }
    if found.object.is_some() && matches!(args.mode, Mode::Put | Mode::Geturl) {
        found.tags = tags(client, &args.bucket, &args.key()).await?;
    }
    if found.object.is_some() && args.mode == Mode::Getstr {
        found.contents = Some(keys::text(client, args).await?);
    }
    if let Some(content) = &local.content {
        found.local_etag = Some(content.etag(local.host, part_size(content, found.object.as_ref()))?);
    }
    Ok(found)
}

/// The size of the parts by which the local content can be compared with the object.
fn part_size(content: &Content, object: Option<&Object>) -> Option<u64> {
    match object {
        Some(object) if etag::has_parts(&object.etag) => Some(object.part.unwrap_or(etag::PART)),
        Some(_) => None,
        None => (content.size() > etag::PART).then_some(etag::PART),
    }
}

/// Whether the bucket is there; one that is not is a failure unless the task says otherwise.
async fn bucket_is_there(client: &Client, args: &Args) -> Result<bool, Failure> {
    let request = client.head_bucket().bucket(&args.bucket);
    let request = request.set_expected_bucket_owner(args.expected_bucket_owner.clone());
    match request.send().await.map_err(Refusal::from) {
        Ok(_) => Ok(true),
        // Those who may use objects need not be allowed to ask for the bucket.
        Err(refusal) if refusal.is_forbidden() && args.expected_bucket_owner.is_none() => Ok(true),
        Err(refusal) if refusal.status == 404 => match args.mode {
            Mode::Delobj | Mode::Put if args.ignore_nonexistent_bucket => Ok(args.mode == Mode::Put),
            _ => Err(Failure::new(format!("Bucket '{}' not found (404).", args.bucket))),
        },
        Err(refusal) => Err(refusal.failure(&format!("Failed to look for the bucket {}", args.bucket))),
    }
}

/// An object of the task's bucket.
pub async fn object(client: &Client, args: &Args, key: &str) -> Result<Option<Object>, Failure> {
    head(client, &args.bucket, key, args.version.clone()).await
}

/// An object of any bucket.
pub async fn head(
    client: &Client,
    bucket: &str,
    key: &str,
    version: Option<String>,
) -> Result<Option<Object>, Failure> {
    let ask = || client.head_object().bucket(bucket).key(key).set_version_id(version.clone());
    let answer = match ask().send().await.map_err(Refusal::from) {
        Ok(answer) => answer,
        Err(refusal) if refusal.status == 404 => return Ok(None),
        Err(refusal) => {
            return Err(refusal.failure(&format!("Failed while looking up object (during key check) {key}.")));
        }
    };
    let etag = answer.e_tag().unwrap_or_default().trim_matches('"').to_owned();
    let part = match etag::has_parts(&etag) {
        // Not every service tells the size of parts.
        true => ask().part_number(1).send().await.ok().and_then(|part| part.content_length()),
        false => None,
    };
    Ok(Some(Object {
        size: answer.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        modified: answer.last_modified().map(|time| time.as_secs_f64()).unwrap_or(0.0),
        part: part.and_then(|size| u64::try_from(size).ok()),
        etag,
    }))
}

/// The tags of an object; none where the service does not know tags.
pub async fn tags(client: &Client, bucket: &str, key: &str) -> Result<Map, Failure> {
    match client.get_object_tagging().bucket(bucket).key(key).send().await.map_err(Refusal::from) {
        Ok(answer) => Ok(answer.tag_set().iter().map(|tag| (tag.key().into(), Value::str(tag.value()))).collect()),
        Err(refusal) if refusal.is_missing() || refusal.is_unsupported() => Ok(Map::new()),
        Err(refusal) => Err(refusal.failure("Failed to get object tags.")),
    }
}
