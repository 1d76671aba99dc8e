//! Archives that tar(1) reads, by GNU tar.

use super::archive::{Archive, Kind};
use super::extract_results;
use crate::module::{Command, Failure, Output};
use crate::modules::file::errno::failed;
use crate::value::Value;

fn words(archive: &Archive<'_>, operation: &str, with_owner: bool) -> Result<Vec<String>, Failure> {
    let (args, dest) = (archive.args, archive.dest.to_string_lossy());
    let mut words = vec![archive.program(&["gtar", "tar"])?, operation.into(), "-C".into(), dest.into_owned()];
    // GNU tar finds the other compressions out by itself.
    if archive.kind == Kind::Gzip {
        words.push("-z".into());
    }
    if !args.extra_opts.is_empty() {
        words.push("--show-transformed-names".into());
        words.extend(args.extra_opts.iter().cloned());
    }
    if with_owner {
        words.extend(args.owner.as_ref().map(|owner| format!("--owner={owner}")));
        words.extend(args.group.as_ref().map(|group| format!("--group={group}")));
        if args.keep_newer {
            words.push("--keep-newer-files".into());
        }
    }
    words.extend(args.exclude.iter().map(|name| format!("--exclude={name}")));
    words.extend(["-f".to_owned(), archive.source.to_string_lossy().into_owned()]);
    words.extend(args.include.iter().cloned());
    Ok(words)
}

fn run(archive: &Archive<'_>, words: &[String]) -> Result<Output, Failure> {
    let mut command = Command::new(words).env("LC_ALL", "C").env("LANGUAGE", "C").env("LANG", "C");
    command.cwd = Some(archive.dest.to_owned());
    archive.host.run(&command).map_err(failed("tar could not be run", archive.source))
}

pub(super) fn files(archive: &Archive<'_>) -> Result<Vec<String>, Failure> {
    let output = run(archive, &words(archive, "--list", false)?)?;
    if !output.success() {
        let msg = format!(
            "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\nUnable to list files in the archive: {}",
            archive.source.display(),
            output.stderr_text()
        );
        return Err(Failure::new(msg));
    }
    let names = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(unescape);
    let names = names.map(|name| name.strip_prefix('/').map(str::to_owned).unwrap_or(name));
    Ok(names.filter(|name| !archive.excludes(name)).collect())
}

/// A name as tar prints it: other bytes than ASCII as octal escapes.
fn unescape(line: &[u8]) -> String {
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let octal = rest.get(1..4).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        match (rest[0], octal, rest.get(1)) {
            (b'\\', Some(digits), _) => {
                out.push(digits.iter().fold(0u32, |code, digit| code * 8 + u32::from(digit - b'0')) as u8);
                at += 4;
            }
            (b'\\', None, Some(escape)) => {
                out.push(match escape {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 8,
                    b'f' => 12,
                    b'a' => 7,
                    b'v' => 11,
                    other => *other,
                });
                at += 2;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// By `tar --diff`. What the task itself sets is no difference here.
pub(super) fn is_unpacked(archive: &Archive<'_>) -> Result<bool, Failure> {
    let output = run(archive, &words(archive, "--diff", true)?)?;
    let (root, args) = (archive.host.euid() == 0, archive.args);
    let counts = |line: &str| {
        if line.ends_with(": : Warning: Cannot stat: No such file or directory") {
            return false;
        }
        (root && args.owner.is_none() && line.ends_with(": Uid differs"))
            || (root && args.group.is_none() && line.ends_with(": Gid differs"))
            || (args.mode.is_none() && line.ends_with(": Mode differs"))
            || [
                ": Mod time differs",
                ": Warning: Cannot stat: No such file or directory",
                ": Symlink differs",
                ": Contents differ",
                ": Size differs",
            ]
            .iter()
            .any(|end| line.ends_with(end))
            || line.contains(": Invalid owner")
            || line.contains(": Invalid group")
    };
    Ok(!output.stdout_text().lines().chain(output.stderr_text().lines()).any(counts))
}

pub(super) fn unpack(archive: &Archive<'_>) -> Result<Value, Failure> {
    let words = words(archive, "--extract", true)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_escapes() {
        assert_eq!(unescape(b"a\\303\\251\\\\b"), "aé\\b");
    }
}
