//! Keys: listing, copying, tagging, removing, addresses.

use super::Args;
use super::attributes::Attributes;
use super::found::{self, Found};
use super::transfer::with_attributes;
use crate::module::Failure;
use crate::modules::s3::error::Refusal;
use crate::value::{Map, Value};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{MetadataDirective, ObjectCannedAcl, ServerSideEncryption, StorageClass, Tag, Tagging};
use std::fmt::Write as _;
use std::time::Duration;

/// `copy_src`.
pub struct Source {
    /// The bucket that is copied from.
    pub bucket: String,
    /// The object; None for all keys.
    pub object: Option<String>,
    prefix: String,
    version: Option<String>,
}

impl Source {
    /// Of a task with mode copy.
    pub fn of(args: &Args) -> Option<Source> {
        let source = args.copy_src.as_ref()?;
        let text = |name: &str| source.get(name).filter(|value| !value.is_null()).map(Value::to_string);
        Some(Source {
            bucket: text("bucket")?,
            object: text("object"),
            prefix: text("prefix").unwrap_or_default(),
            version: text("version_id"),
        })
    }
}

/// One object that is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copying {
    bucket: String,
    key: String,
    version: Option<String>,
    to: String,
}

/// Finds out what has to be copied.
pub async fn compare(client: &Client, args: &Args, found: &mut Found) -> Result<(), Failure> {
    let Some(source) = Source::of(args) else { return Ok(()) };
    let pairs: Vec<(String, String)> = match &source.object {
        Some(key) => vec![(key.clone(), if args.object.is_some() { args.key() } else { key.clone() })],
        None => {
            let keys = all(client, &source.bucket, &source.prefix, None, None).await?;
            keys.into_iter().map(|key| (key.clone(), key)).collect()
        }
    };
    for (from, to) in pairs {
        let original = found::head(client, &source.bucket, &from, source.version.clone()).await?;
        let Some(original) = original else { continue };
        found.source_is_there = true;
        let copy = found::head(client, &args.bucket, &to, None).await?;
        let same = copy.is_some_and(|copy| copy.etag == original.etag);
        if source.object.is_some() {
            let (bucket, key) = if same { (&args.bucket, &to) } else { (&source.bucket, &from) };
            found.tags_after_copy = Some(found::tags(client, bucket, key).await?);
        }
        if !same {
            let (bucket, version) = (source.bucket.clone(), source.version.clone());
            found.copies.push(Copying { bucket, key: from, version, to });
        }
    }
    Ok(())
}

/// The keys that the task asks for.
pub async fn list(client: &Client, args: &Args) -> Result<Vec<String>, Failure> {
    all(client, &args.bucket, &args.prefix, args.marker.clone(), args.max_keys).await
}

async fn all(
    client: &Client,
    bucket: &str,
    prefix: &str,
    after: Option<String>,
    limit: Option<usize>,
) -> Result<Vec<String>, Failure> {
    let (mut keys, mut next) = (Vec::new(), None);
    loop {
        let request = client.list_objects_v2().bucket(bucket).prefix(prefix);
        let request = request.set_start_after(after.clone()).set_continuation_token(next);
        let answer = request.send().await.map_err(Refusal::from);
        let answer = answer
            .map_err(|refusal| refusal.failure(&format!("Failed while listing the keys in the bucket {bucket}")))?;
        keys.extend(answer.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        next = answer.next_continuation_token().map(str::to_owned);
        if next.is_none() || limit.is_some_and(|limit| keys.len() >= limit) {
            keys.truncate(limit.unwrap_or(usize::MAX));
            return Ok(keys);
        }
    }
}

/// Copies one object, with the task's attributes where it has any.
pub async fn copy(client: &Client, args: &Args, copying: &Copying) -> Result<(), Failure> {
    let mut source = format!("{}/{}", escaped(&copying.bucket), escaped(&copying.key));
    if let Some(version) = &copying.version {
        source = format!("{source}?versionId={version}");
    }
    let request = client.copy_object().bucket(&args.bucket).key(&copying.to).copy_source(source);
    let replaces = args.metadata.is_some() || args.headers.is_some();
    let request = request.set_metadata_directive(replaces.then_some(MetadataDirective::Replace));
    let attributes = Attributes::of(args);
    let answer = with_attributes!(request, args, &attributes).send().await.map_err(Refusal::from);
    let what = format!("Failed while copying object {} from bucket {}.", copying.to, copying.bucket);
    answer.map(|_| ()).map_err(|refusal| refusal.failure(&what))
}

/// A key as it stands in an address: its slashes stay.
fn escaped(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Removes the object.
pub async fn delete(client: &Client, args: &Args) -> Result<(), Failure> {
    let request = client.delete_object().bucket(&args.bucket).key(args.key()).set_version_id(args.version.clone());
    let answer = request.send().await.map_err(Refusal::from);
    answer.map(|_| ()).map_err(|refusal| refusal.failure(&format!("Failed while trying to delete {}.", args.key())))
}

/// Sets the object's tags; none removes them.
pub async fn tag(client: &Client, args: &Args, tags: &Map) -> Result<(), Failure> {
    let incomplete = |error: BuildError| Failure::new(format!("the request is incomplete: {error}"));
    if tags.is_empty() {
        let request = client.delete_object_tagging().bucket(&args.bucket).key(args.key());
        let answer = request.send().await.map_err(Refusal::from);
        return answer.map(|_| ()).map_err(|refusal| refusal.failure("Failed to delete object tags."));
    }
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key.to_string()).value(value.to_string()).build());
    let tags = tags.collect::<Result<Vec<Tag>, BuildError>>().map_err(incomplete)?;
    let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(incomplete)?;
    let request = client.put_object_tagging().bucket(&args.bucket).key(args.key()).tagging(tagging);
    let answer = request.send().await.map_err(Refusal::from);
    answer.map(|_| ()).map_err(|refusal| refusal.failure("Failed to update object tags."))
}

/// The content as text.
pub async fn text(client: &Client, args: &Args) -> Result<String, Failure> {
    let request = client.get_object().bucket(&args.bucket).key(args.key()).set_version_id(args.version.clone());
    let what = format!("Failed while getting contents of object {} as a string.", args.key());
    let answer = request.send().await.map_err(Refusal::from).map_err(|refusal| refusal.failure(&what))?;
    let bytes = answer.body.collect().await.map_err(|error| Failure::new(format!("{what}: {error}")))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Failure::new(format!("{what}: it is no UTF-8 text")))
}

/// An address by which anybody can fetch the object for a while.
pub async fn address(client: &Client, args: &Args) -> Result<String, Failure> {
    let config = PresigningConfig::expires_in(Duration::from_secs(args.expiry));
    let config = config.map_err(|error| Failure::new(format!("expiry: {error}")))?;
    let request = client.get_object().bucket(&args.bucket).key(args.key()).set_version_id(args.version.clone());
    let signed = request.presigned(config).await.map_err(Refusal::from);
    Ok(signed.map_err(|refusal| refusal.failure("Failure while generating pre-signed URL"))?.uri().to_owned())
}
