//! What is mounted, from the kernel's /proc/self/mountinfo (proc_pid_mountinfo(5)).

use super::fstab::{decode, trimmed};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The directory of the file system that is seen at the mount point.
    pub root: String,
    /// The mount point.
    pub path: String,
    /// The type.
    pub fstype: String,
    /// The source, as the file system gives it.
    pub source: String,
}

/// Every mount, in the order in which they lie over each other.
pub fn parse(text: &str) -> Vec<Mounted> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mounted> {
    let (first, second) = line.split_once(" - ")?;
    let mut first = first.split(' ').skip(3);
    let (root, path) = (decode(first.next()?), decode(first.next()?));
    let mut second = second.split(' ');
    let (fstype, source) = (second.next()?.to_owned(), decode(second.next().unwrap_or_default()));
    Some(Mounted { root, path, fstype, source })
}

/// The topmost mount at a path.
pub fn at<'a>(mounts: &'a [Mounted], path: &str) -> Option<&'a Mounted> {
    mounts.iter().rev().find(|mount| mount.path == trimmed(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_mountinfo() {
        let text =
            "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n40 22 0:50 / /a\\040b rw - fuse.s3fs s3fs rw,user_id=0\n";
        let mounts = parse(text);
        assert_eq!(at(&mounts, "/a b/").unwrap().fstype, "fuse.s3fs");
        assert_eq!(at(&mounts, "/").unwrap().source, "/dev/sda1");
        assert_eq!(at(&mounts, "/a"), None);
    }
}
