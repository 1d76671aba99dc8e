//! ZIP files, by unzip(1).

use super::archive::Archive;
use super::extract_results;
use crate::module::{Command, Failure, FileKind, Output};
use crate::modules::file::errno::failed;
use crate::modules::file::mode::{Present, wanted_bits};
use crate::modules::file::time;
use crate::modules::wildcard;
use crate::value::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// One line of the archive's list.
#[derive(Debug, PartialEq)]
struct Entry {
    kind: FileKind,
    /// The permission bits; None where the archive has none of Unix's.
    mode: Option<u32>,
    /// Whether a file of another system may be run.
    runs: bool,
    size: u64,
    /// Seconds since the epoch, in the host's zone.
    mtime: Option<f64>,
    name: String,
}

fn run(archive: &Archive<'_>, words: &[String]) -> Result<Output, Failure> {
    let command = Command::new(words).env("LC_ALL", "C.UTF-8");
    archive.host.run(&command).map_err(failed("unzip could not be run", archive.source))
}

fn list(archive: &Archive<'_>) -> Result<Vec<Entry>, Failure> {
    let source = archive.source.to_string_lossy().into_owned();
    let mut words = vec![archive.program(&["unzip"])?, "-Zl".into(), "-T".into(), "-s".into(), source];
    words.extend(archive.args.include.iter().cloned());
    let output = run(archive, &words)?;
    if !output.success() {
        let msg = format!("Failed to find handler for \"{}\": {}", archive.source.display(), output.stderr_text());
        return Err(Failure::new(msg));
    }
    Ok(output.stdout_text().lines().filter_map(entry).filter(|entry| !archive.excludes(&entry.name)).collect())
}

/// Reads `-rw-r--r--  3.0 unx  2802 tx  1000 defX 20240102.030405 name`; None for other lines.
fn entry(line: &str) -> Option<Entry> {
    let mut words = Vec::new();
    let mut rest = line;
    while words.len() < 8 {
        rest = rest.trim_start();
        let (word, after) = rest.split_at(rest.find(' ')?);
        words.push(word);
        rest = after;
        // The short form has no compressed size.
        if word.len() == 15 && word.as_bytes().get(8) == Some(&b'.') {
            break;
        }
    }
    let name = rest.strip_prefix(' ')?;
    let (permissions, stamp) = (words.first()?, words.last()?);
    if stamp.len() != 15 || !matches!(permissions.len(), 7 | 8 | 10) {
        return None;
    }
    let kind = match permissions.chars().next()? {
        'd' => FileKind::Directory,
        'l' => FileKind::Symlink,
        '-' | '?' => FileKind::File,
        _ => return None,
    };
    let letters = &permissions[1..];
    let mode = (letters.len() == 9).then(|| {
        letters.chars().fold(0, |bits, letter| bits << 1 | u32::from(matches!(letter, 'r' | 'w' | 'x' | 's' | 't')))
    });
    Some(Entry {
        kind: if name.ends_with('/') { FileKind::Directory } else { kind },
        mode,
        runs: letters.starts_with("rwx"),
        size: words.get(3)?.parse().ok()?,
        mtime: time::read(stamp, "%Y%m%d.%H%M%S"),
        name: name.to_owned(),
    })
}

/// The CRC-32 sums that the archive has, by name.
fn sums(archive: &Archive<'_>) -> Result<BTreeMap<String, u32>, Failure> {
    let source = archive.source.to_string_lossy().into_owned();
    let output = run(archive, &[archive.program(&["unzip"])?, "-v".into(), source])?;
    let text = output.stdout_text();
    let lines = text.lines().filter_map(|line| {
        // Length, method, size, ratio, date, time, sum, name.
        let mut rest = line;
        let mut sum = None;
        for index in 0..7 {
            rest = rest.trim_start();
            let (word, after) = rest.split_at(rest.find(' ')?);
            if index == 6 {
                sum = u32::from_str_radix(word, 16).ok().filter(|_| word.len() == 8);
            }
            rest = after;
        }
        Some((rest.trim_start().to_owned(), sum?))
    });
    Ok(lines.collect())
}

pub(super) fn files(archive: &Archive<'_>) -> Result<Vec<String>, Failure> {
    Ok(list(archive)?.into_iter().map(|entry| entry.name).collect())
}

pub(super) fn is_unpacked(archive: &Archive<'_>) -> Result<bool, Failure> {
    let sums = sums(archive)?;
    for entry in list(archive)? {
        if !is_there(archive, &entry, sums.get(&entry.name).copied())? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_there(archive: &Archive<'_>, entry: &Entry, sum: Option<u32>) -> Result<bool, Failure> {
    let (host, args) = (archive.host, archive.args);
    let path = archive.dest.join(entry.name.trim_end_matches('/'));
    let Some(info) = host.lstat(&path).map_err(failed("stat failed", &path))? else { return Ok(false) };
    if info.kind != entry.kind {
        return Ok(false);
    }
    if info.kind == FileKind::File {
        // ZIP counts in steps of two seconds in its older fields.
        let newer = entry.mtime.is_some_and(|time| info.mtime > time + 2.0);
        let same = entry.mtime.is_none_or(|time| (info.mtime - time).abs() <= 2.0);
        if args.keep_newer && newer {
            return Ok(true);
        }
        if !same || info.size != entry.size {
            return Ok(false);
        }
        if let Some(sum) = sum {
            let mut file = host.open(&path).map_err(failed("reading failed", &path))?;
            if crc32(&mut file).map_err(failed("reading failed", &path))? != sum {
                return Ok(false);
            }
        }
    }
    if info.kind != FileKind::Symlink && args.mode.is_none() {
        let other = if entry.runs || info.kind == FileKind::Directory { 0o777 } else { 0o666 };
        let wanted = entry.mode.unwrap_or(other & !host.umask());
        // unzip sets no set-id bits.
        if info.mode & 0o777 != wanted & 0o777 {
            return Ok(false);
        }
    } else if let Some(mode) = args.mode.as_ref().filter(|_| info.kind != FileKind::Symlink) {
        let present = Present { bits: info.mode, directory: info.kind == FileKind::Directory, umask: host.umask() };
        if wanted_bits(mode, present)? != info.mode {
            return Ok(false);
        }
    }
    Ok((args.owner.is_some() || info.uid == host.euid()) && args.wanted().differences(host, &path)?.is_empty())
}

/// The CRC-32 of IEEE 802.3.
fn crc32(stream: &mut dyn Read) -> std::io::Result<u32> {
    let table: [u32; 256] = std::array::from_fn(|index| {
        (0..8).fold(index as u32, |bits, _| if bits & 1 == 1 { 0xedb8_8320 ^ (bits >> 1) } else { bits >> 1 })
    });
    let mut sum = u32::MAX;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(!sum);
        }
        for byte in &buffer[..count] {
            sum = table[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ (sum >> 8);
        }
    }
}

pub(super) fn unpack(archive: &Archive<'_>) -> Result<Value, Failure> {
    let args = archive.args;
    let mut words = vec![archive.program(&["unzip"])?, "-o".into()];
    words.extend(args.extra_opts.iter().cloned());
    words.push(archive.source.to_string_lossy().into_owned());
    let mut left_out = args.exclude.clone();
    if args.keep_newer {
        left_out.extend(newer(archive)?);
    }
    if !args.include.is_empty() {
        words.extend(args.include.iter().cloned());
    }
    if !left_out.is_empty() {
        words.push("-x".into());
        words.extend(left_out);
    }
    words.extend(["-d".to_owned(), archive.dest.to_string_lossy().into_owned()]);
    let output = run(archive, &words)?;
    let results = extract_results(&words, &output);
    match output.success() {
        true => Ok(results),
        false => {
            let msg = format!("failed to unpack {} to {}", archive.source.display(), archive.dest.display());
            Err(Failure::new(msg).with("extract_results", results))
        }
    }
}

/// The names of files that are newer on the host.
fn newer(archive: &Archive<'_>) -> Result<Vec<String>, Failure> {
    let is_newer = |entry: &Entry, path: &Path| {
        let info = archive.host.lstat(path).ok().flatten();
        info.zip(entry.mtime).is_some_and(|(info, time)| info.kind == FileKind::File && info.mtime > time + 2.0)
    };
    let entries = list(archive)?.into_iter().filter(|entry| is_newer(entry, &archive.dest.join(&entry.name)));
    // Names are patterns to unzip.
    Ok(entries
        .map(|entry| if wildcard::is_pattern(&entry.name) { entry.name.replace('[', "[[]") } else { entry.name })
        .collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists() {
        let found = entry("-rwxr-x---  3.0 unx     2802 tx     1000 defX 20240102.030405 a dir/b c").unwrap();
        assert_eq!((found.mode, found.size, found.name.as_str()), (Some(0o750), 2802, "a dir/b c"));
        assert_eq!(
            entry("drwxr-xr-x  3.0 unx        0 bx        0 stor 20240102.030405 d/").unwrap().kind,
            FileKind::Directory
        );
        assert_eq!(entry("-rw-a--     2.0 fat     12 tx      5 defX 20240102.030405 x").unwrap().mode, None);
        assert_eq!(entry("2 files, 12 bytes uncompressed, 5 bytes compressed:  0.0%"), None);
        assert_eq!(crc32(&mut "123456789".as_bytes()).unwrap(), 0xcbf4_3926);
    }
}
