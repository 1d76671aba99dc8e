//! ETags: the MD5 of an object, or, of one that was sent in parts, of its parts' MD5s.

use crate::modules::web::checksum::hex;
use md5::{Digest, Md5};
use std::io::{self, Read};

/// Objects larger than this are sent in parts of this size.
pub const PART: u64 = 64 << 20;

/// The ETag, without quotes, that content has when it is sent in parts of `part` bytes; None for at once.
pub fn of(mut content: impl Read, part: Option<u64>) -> io::Result<String> {
    let Some(part) = part.filter(|part| *part > 0) else {
        let mut sum = Md5::new();
        copy(&mut content, &mut sum)?;
        return Ok(hex(&sum.finalize()));
    };
    let (mut all, mut count) = (Md5::new(), 0u32);
    loop {
        let mut sum = Md5::new();
        let read = copy(content.by_ref().take(part), &mut sum)?;
        if read == 0 && count > 0 {
            break;
        }
        all.update(sum.finalize());
        count += 1;
        if read < part {
            break;
        }
    }
    Ok(format!("{}-{count}", hex(&all.finalize())))
}

fn copy(mut content: impl Read, sum: &mut Md5) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(size),
            count => {
                sum.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

/// Whether an object with this ETag was sent in parts.
pub fn has_parts(etag: &str) -> bool {
    etag.rsplit_once('-').is_some_and(|(_, count)| !count.is_empty() && count.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_in_parts() {
        assert_eq!(of(&b"hello"[..], None).unwrap(), "5d41402abc4b2a76b9719d911017c592");
        // echo -n hello | md5sum, twice, joined as bytes: the ETag of hellohello in parts of five.
        let parts = of(&b"hellohello"[..], Some(5)).unwrap();
        assert!(parts.ends_with("-2") && has_parts(&parts), "{parts}");
        assert_eq!(of(&b"hello"[..], Some(64)).unwrap().rsplit_once('-').unwrap().1, "1");
        assert!(!has_parts("5d41402abc4b2a76b9719d911017c592"));
    }
}
