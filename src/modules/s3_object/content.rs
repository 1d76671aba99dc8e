//! What `put` sends and where `get` writes.

use super::{Args, etag, found, transfer};
use crate::module::{Failure, Host};
use crate::modules::file::errno::{failed, reason};
use crate::modules::file::paths::expand;
use crate::modules::s3::client::run;
use crate::value::base64;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// Content that can be read more than once: to know its ETag, and to send it.
pub enum Content {
    /// Of the task itself.
    Bytes(Vec<u8>),
    /// A file of the host.
    File(PathBuf, u64),
    /// A file of the controller.
    Offered(crate::module::BlobRef),
}

impl Content {
    /// Of a task with mode put.
    pub fn of(args: &Args, host: &dyn Host) -> Result<Content, Failure> {
        if let Some(text) = &args.content {
            return Ok(Content::Bytes(text.clone().into_bytes()));
        }
        if let Some(text) = &args.content_base64 {
            let bytes = base64::decode(text).ok_or_else(|| Failure::new("content_base64 is not base64"))?;
            return Ok(Content::Bytes(bytes));
        }
        let src = expand(host, args.src.as_deref().unwrap_or(Path::new("")));
        match (host.stat(&src).map_err(failed("stat failed", &src))?, &args._content) {
            (Some(info), _) => Ok(Content::File(src, info.size)),
            (None, Some(blob)) => Ok(Content::Offered(blob.clone())),
            (None, None) => {
                Err(Failure::new(format!("Local object \"{}\" does not exist for PUT operation", src.display())))
            }
        }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(_, size) => *size,
            Content::Offered(blob) => blob.size,
        }
    }

    /// Reads it from its beginning.
    pub fn open(&self, host: &dyn Host) -> Result<Box<dyn Read + Send>, Failure> {
        match self {
            Content::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Content::File(path, _) => host.open(path).map_err(failed("could not read", path)),
            Content::Offered(blob) => {
                host.blob(blob).map_err(|error| Failure::new(format!("could not read src: {}", reason(&error))))
            }
        }
    }

    /// The ETag that it has as an object.
    pub fn etag(&self, host: &dyn Host, part: Option<u64>) -> Result<String, Failure> {
        let content = self.open(host)?;
        etag::of(content, part).map_err(|error| Failure::new(format!("could not read src: {}", reason(&error))))
    }

    /// What the service says it is, unless the task does.
    fn kind(&self, args: &Args) -> &'static str {
        let name = args.src.as_deref().filter(|_| !matches!(self, Content::Bytes(_))).and_then(Path::extension);
        match name.and_then(|ending| ending.to_str()) {
            Some("txt" | "py" | "cfg" | "log" | "conf") => "text/plain",
            Some("html" | "htm") => "text/html",
            Some("css") => "text/css",
            Some("csv") => "text/csv",
            Some("json") => "application/json",
            Some("xml") => "application/xml",
            Some("js") => "text/javascript",
            Some("png") => "image/png",
            Some("jpg" | "jpeg") => "image/jpeg",
            Some("svg") => "image/svg+xml",
            Some("pdf") => "application/pdf",
            Some("zip") => "application/zip",
            Some("tar") => "application/x-tar",
            _ => "binary/octet-stream",
        }
    }
}

/// Sends what the task says.
pub fn send(args: &Args, host: &dyn Host) -> Result<(), Failure> {
    let content = Content::of(args, host)?;
    let mut reader = content.open(host)?;
    run(host, &args.service(), async |client| {
        transfer::upload(&client, args, &args.key(), &mut *reader, content.size(), content.kind(args)).await
    })
}

/// Fetches the object into `dest`; tries again as often as the task says.
pub fn fetch(args: &Args, host: &dyn Host) -> Result<(), Failure> {
    let dest = expand(host, args.dest.as_deref().unwrap_or(Path::new("")));
    let key = args.key();
    let mut left = args.retries;
    loop {
        let fetched = run(host, &args.service(), async |client| found::object(&client, args, &key).await)
            .and_then(|object| object.ok_or_else(|| found::no_such_key(&key)))
            .and_then(|object| transfer::download(args, &key, object.size, &object.etag, &dest, host));
        match fetched {
            Err(_) if left > 0 => left -= 1,
            result => return result,
        }
    }
}
