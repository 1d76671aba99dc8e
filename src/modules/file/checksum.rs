//! Checksums of files, by the names that Ansible gives the algorithms.

use super::errno::failed;
use crate::module::{Failure, Host};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use std::io::{self, Read};
use std::path::Path;

crate::arg_choices! {
    /// A checksum's algorithm.
    pub enum Algorithm {
        Md5 = "md5",
        Sha1 = "sha1",
        Sha224 = "sha224",
        Sha256 = "sha256",
        Sha384 = "sha384",
        Sha512 = "sha512",
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checksum of everything that a stream holds.
pub fn of_stream(algorithm: Algorithm, stream: &mut dyn Read) -> io::Result<String> {
    match algorithm {
        Algorithm::Md5 => digest::<Md5>(stream),
        Algorithm::Sha1 => digest::<Sha1>(stream),
        Algorithm::Sha224 => digest::<Sha224>(stream),
        Algorithm::Sha256 => digest::<Sha256>(stream),
        Algorithm::Sha384 => digest::<Sha384>(stream),
        Algorithm::Sha512 => digest::<Sha512>(stream),
    }
}

fn digest<D: Digest>(stream: &mut dyn Read) -> io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(hex(&digest.finalize())),
            Ok(count) => digest.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted && error.get_ref().is_none() => {}
            Err(error) => return Err(error),
        }
    }
}

/// The checksum of a file.
pub fn of_file(host: &dyn Host, path: &Path, algorithm: Algorithm) -> Result<String, Failure> {
    let mut file = host.open(path).map_err(failed("reading failed", path))?;
    of_stream(algorithm, &mut file).map_err(failed("reading failed", path))
}

/// A stream that takes the MD5 checksum of what is read from it.
pub struct WithMd5<R> {
    stream: R,
    digest: Md5,
}

impl<R: Read> WithMd5<R> {
    /// Over a stream that was not read from yet.
    pub fn new(stream: R) -> WithMd5<R> {
        WithMd5 { stream, digest: Md5::new() }
    }

    /// The checksum of what was read.
    pub fn finish(self) -> String {
        hex(&self.digest.finalize())
    }
}

impl<R: Read> Read for WithMd5<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.digest.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums() {
        let of = |algorithm| of_stream(algorithm, &mut "abc".as_bytes()).unwrap();
        assert_eq!(of(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(Algorithm::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let mut stream = WithMd5::new("abc".as_bytes());
        io::copy(&mut stream, &mut io::sink()).unwrap();
        assert_eq!(stream.finish(), of(Algorithm::Md5));
    }
}
