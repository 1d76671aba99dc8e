//! The text of an fstab(5) file: finding, replacing and removing entries, all else left as it is.

/// One entry, its fields decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is mounted.
    pub src: String,
    /// Where.
    pub path: String,
    /// The type.
    pub fstype: String,
    /// Options, separated by commas.
    pub opts: String,
    /// The fifth field; empty when the line ends before it.
    pub dump: String,
    /// The sixth field; empty when the line ends before it.
    pub passno: String,
}

impl Entry {
    /// The line, without its end.
    pub fn line(&self) -> String {
        let Entry { src, path, fstype, opts, dump, passno } = self;
        [src, path, fstype, opts, dump, passno].map(|field| encode(field)).join(" ")
    }

    /// Whether two entries are about the same thing. Swap has no place of its own: its source counts.
    pub fn is_same(&self, src: Option<&str>, path: &str) -> bool {
        let nowhere = matches!(self.path.as_str(), "none" | "swap");
        trimmed(&self.path) == trimmed(path) && (!nowhere || src.is_none_or(|src| src == self.src))
    }
}

/// A path without slashes at its end.
pub fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if !path.is_empty() => "/",
        path => path,
    }
}

/// The entry of a line; None for comments, blank lines, and lines that are no entry.
pub fn parse(line: &str) -> Option<Entry> {
    let line = line.trim_start();
    if line.starts_with('#') {
        return None;
    }
    let mut fields = line.split_whitespace().map(decode);
    let (src, path, fstype) = (fields.next()?, fields.next()?, fields.next()?);
    let mut next = || fields.next().unwrap_or_default();
    Some(Entry { src, path, fstype, opts: next(), dump: next(), passno: next() })
}

/// What a change of the text does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The whole new text.
    pub text: String,
    /// The lines that go.
    pub old: String,
    /// The lines that come.
    pub new: String,
    /// The entry that went first, if there was one.
    pub replaced: Option<Entry>,
}

/// Puts an entry in place of the one of the same path, or at the end; None when it is there already.
pub fn set(text: &str, wanted: &Entry) -> Option<Edit> {
    let mut edit = Edit::default();
    let mut found = false;
    for line in text.split_inclusive('\n') {
        match parse(line).filter(|entry| entry.is_same(Some(&wanted.src), &wanted.path)) {
            None => edit.text.push_str(line),
            Some(entry) if entry == *wanted => {
                found = true;
                edit.text.push_str(line);
            }
            Some(entry) => {
                found = true;
                edit.replace(line, Some(wanted), entry);
            }
        }
    }
    if !found {
        if !edit.text.is_empty() && !edit.text.ends_with('\n') {
            edit.text.push('\n');
        }
        edit.add(wanted);
    }
    (!edit.new.is_empty()).then_some(edit)
}

/// Takes the entries of a path out; None when there are none.
pub fn unset(text: &str, src: Option<&str>, path: &str) -> Option<Edit> {
    let mut edit = Edit::default();
    for line in text.split_inclusive('\n') {
        match parse(line).filter(|entry| entry.is_same(src, path)) {
            None => edit.text.push_str(line),
            Some(entry) => edit.replace(line, None, entry),
        }
    }
    edit.replaced.is_some().then_some(edit)
}

impl Edit {
    fn add(&mut self, entry: &Entry) {
        let line = entry.line() + "\n";
        self.text.push_str(&line);
        self.new.push_str(&line);
    }

    fn replace(&mut self, line: &str, by: Option<&Entry>, old: Entry) {
        self.old.push_str(line.trim_end_matches('\n'));
        self.old.push('\n');
        self.replaced.get_or_insert(old);
        if let Some(entry) = by {
            self.add(entry);
        }
    }
}

fn encode(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    for c in field.chars() {
        match c {
            ' ' => out.push_str("\\040"),
            '\t' => out.push_str("\\011"),
            '\n' => out.push_str("\\012"),
            '\\' => out.push_str("\\134"),
            c => out.push(c),
        }
    }
    out
}

/// Text with its octal escapes (`\040`) undone, as fstab and the kernel's mountinfo write it.
pub fn decode(field: &str) -> String {
    let bytes = field.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'\\').then(|| field.get(at + 1..at + 4)).flatten();
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "# root\n/dev/sda1   /  ext4 ro 0 1\n\nUUID=a\t/data\\040x\txfs noatime 0 0\n/swapfile none swap sw 0 0\n/dev/sdb none swap sw 0 0";

    fn entry(src: &str, path: &str, fstype: &str, opts: &str) -> Entry {
        let [src, path, fstype, opts] = [src, path, fstype, opts].map(str::to_owned);
        Entry { src, path, fstype, opts, dump: "0".into(), passno: "0".into() }
    }

    #[test]
    fn only_the_entry_changes() {
        let added = set(TEXT, &entry("my bucket", "/m", "fuse.s3fs", "_netdev")).unwrap();
        assert_eq!(added.text, format!("{TEXT}\nmy\\040bucket /m fuse.s3fs _netdev 0 0\n"));
        assert_eq!(
            set(&added.text, &entry("my bucket", "/m/", "fuse.s3fs", "_netdev")).map(|edit| edit.old.len()),
            Some(38)
        );
        assert_eq!(set(&added.text, &entry("my bucket", "/m", "fuse.s3fs", "_netdev")), None);
        let moved = set(TEXT, &entry("UUID=b", "/data x", "xfs", "noatime")).unwrap();
        assert_eq!(moved.text, TEXT.replace("UUID=a\t/data\\040x\txfs noatime", "UUID=b /data\\040x xfs noatime"));
        assert_eq!(moved.replaced.unwrap().src, "UUID=a");
    }

    #[test]
    fn swap_is_told_apart_by_its_source() {
        let edit = unset(TEXT, Some("/swapfile"), "none").unwrap();
        assert!(!edit.text.contains("swapfile") && edit.text.contains("/dev/sdb"));
        assert_eq!(unset(TEXT, None, "/nothing"), None);
        assert_eq!(decode("a\\134\\04"), "a\\\\04");
    }
}
