//! Content on its way to and from the service, in pieces that fit into memory.

use super::Args;
use super::attributes::Attributes;
use super::etag::PART;
use crate::module::{Failure, Host};
use crate::modules::file::content::{Put, put};
use crate::modules::file::errno::reason;
use crate::modules::s3::client::run;
use crate::modules::s3::error::Refusal;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, ServerSideEncryption, StorageClass};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Objects are fetched in pieces of this size.
const PIECE: u64 = 16 << 20;

/// What a request that makes an object says beside the content; a macro since the SDK's builders
/// have no trait in common.
macro_rules! with_attributes {
    ($request:expr, $args:expr, $attributes:expr) => {{
        let (args, attributes): (&Args, &Attributes) = ($args, $attributes);
        let acl = args.permission.last().map(|acl| acl.as_str()).filter(|acl| *acl != "private");
        let encryption = args.encrypt.then(|| ServerSideEncryption::from(args.encryption_mode.as_str()));
        let key = args.encryption_kms_key_id.clone().filter(|_| args.encryption_mode.as_str() == "aws:kms");
        $request
            .set_metadata(Some(attributes.metadata.clone()).filter(|metadata| !metadata.is_empty()))
            .set_content_type(attributes.content_type.clone())
            .set_cache_control(attributes.cache_control.clone())
            .set_content_disposition(attributes.content_disposition.clone())
            .set_content_encoding(attributes.content_encoding.clone())
            .set_content_language(attributes.content_language.clone())
            .set_storage_class(attributes.storage_class.as_deref().map(StorageClass::from))
            .set_website_redirect_location(attributes.redirect.clone())
            .set_acl(acl.map(ObjectCannedAcl::from))
            .set_ssekms_key_id(key.filter(|_| args.encrypt))
            .set_server_side_encryption(encryption)
            .set_expected_bucket_owner(args.expected_bucket_owner.clone())
    }};
}
pub(super) use with_attributes;

fn read_failed(error: io::Error) -> Failure {
    Failure::new(format!("Unable to read the content: {}", reason(&error)))
}

/// Sends content as an object; in parts when it is large.
pub async fn upload(
    client: &Client,
    args: &Args,
    key: &str,
    content: &mut (dyn Read + Send),
    size: u64,
    default_type: &str,
) -> Result<(), Failure> {
    let mut attributes = Attributes::of(args);
    attributes.content_type.get_or_insert_with(|| default_type.to_owned());
    let failed = |refusal: Refusal| refusal.failure("Unable to complete PUT operation.");
    if size <= PART {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(read_failed)?;
        let request = client.put_object().bucket(&args.bucket).key(key).body(ByteStream::from(bytes));
        with_attributes!(request, args, &attributes).send().await.map_err(Refusal::from).map_err(failed)?;
        return Ok(());
    }
    let request = client.create_multipart_upload().bucket(&args.bucket).key(key);
    let started = with_attributes!(request, args, &attributes).send().await.map_err(Refusal::from).map_err(failed)?;
    let id = started.upload_id().unwrap_or_default().to_owned();
    match parts(client, args, key, &id, content).await {
        Ok(()) => Ok(()),
        Err(failure) => {
            // What was sent costs space until it is given up; the first failure is what counts.
            let _ = client.abort_multipart_upload().bucket(&args.bucket).key(key).upload_id(id).send().await;
            Err(failure)
        }
    }
}

async fn parts(
    client: &Client,
    args: &Args,
    key: &str,
    id: &str,
    content: &mut (dyn Read + Send),
) -> Result<(), Failure> {
    let failed = |refusal: Refusal| refusal.failure("Unable to complete PUT operation.");
    let mut done = Vec::new();
    for number in 1.. {
        let mut bytes = Vec::new();
        Read::take(&mut *content, PART).read_to_end(&mut bytes).map_err(read_failed)?;
        if bytes.is_empty() {
            break;
        }
        let request = client.upload_part().bucket(&args.bucket).key(key).upload_id(id).part_number(number);
        let part = request.body(ByteStream::from(bytes)).send().await.map_err(Refusal::from).map_err(failed)?;
        done.push(CompletedPart::builder().set_e_tag(part.e_tag().map(str::to_owned)).part_number(number).build());
    }
    let all = CompletedMultipartUpload::builder().set_parts(Some(done)).build();
    let request = client.complete_multipart_upload().bucket(&args.bucket).key(key).upload_id(id);
    request.multipart_upload(all).send().await.map_err(Refusal::from).map_err(failed)?;
    Ok(())
}

/// Pieces of an object as one stream.
struct Pieces {
    receiver: Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 if !buffer.is_empty() => match self.receiver.recv() {
                    Ok(piece) => self.piece = io::Cursor::new(piece?),
                    Err(_) => return Ok(0),
                },
                count => return Ok(count),
            }
        }
    }
}

/// Fetches an object into a file, which takes its place only when all is there.
pub fn download(args: &Args, key: &str, size: u64, etag: &str, dest: &Path, host: &dyn Host) -> Result<(), Failure> {
    let (sender, receiver) = sync_channel(1);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut pieces = Pieces { receiver, piece: io::Cursor::default() };
            put(host, dest, &mut pieces, &Put::default())
        });
        let fetched = run(host, &args.service(), async |client| fetch(&client, args, key, size, etag, &sender).await);
        if fetched.is_err() {
            // The file must not look complete. If the writer has failed too, nobody listens.
            let _ = sender.send(Err(io::Error::other("the download failed")));
        }
        drop(sender);
        let written = writer.join().unwrap_or_else(|_| Err(Failure::new("the file could not be written")));
        fetched.and(written.map(|_| ()))
    })
}

async fn fetch(
    client: &Client,
    args: &Args,
    key: &str,
    size: u64,
    etag: &str,
    pieces: &SyncSender<io::Result<Vec<u8>>>,
) -> Result<(), Failure> {
    let mut at = 0;
    while at < size {
        let end = (at + PIECE).min(size);
        let mut request = client
            .get_object()
            .bucket(&args.bucket)
            .key(key)
            .set_version_id(args.version.clone())
            .set_expected_bucket_owner(args.expected_bucket_owner.clone());
        if size > PIECE {
            // All pieces must be of one version of the object.
            request = request.range(format!("bytes={at}-{}", end - 1)).if_match(etag);
        }
        let answer = request.send().await.map_err(Refusal::from);
        let answer = answer.map_err(|refusal| refusal.failure("Could not find the key while downloading"))?;
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| Failure::new(format!("Failed while downloading {key}: {error}")))?.to_vec();
        if bytes.len() as u64 != end - at {
            return Err(Failure::new(format!(
                "Failed while downloading {key}: the service sent {} bytes, not {}",
                bytes.len(),
                end - at
            )));
        }
        at = end;
        if pieces.send(Ok(bytes)).is_err() {
            // The writer says why it stopped.
            return Ok(());
        }
    }
    Ok(())
}
