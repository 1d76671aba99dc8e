//! Many host names on one line, with ranges as inventories write them: `web[01:12], db1`.

use std::sync::Arc;

/// A name in parts: what is before its last number, the number, its digits, what is behind.
struct Parts<'a> {
    before: &'a str,
    number: u64,
    digits: usize,
    after: &'a str,
}

fn parts(name: &str) -> Option<Parts<'_>> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = name[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
    let number = name[start..end].parse().ok()?;
    Some(Parts { before: &name[..start], number, digits: end - start, after: &name[end..] })
}

/// Whether `next` is the host behind `last`, counted with the same number of digits, or without
/// leading zeros.
fn follows(last: &Parts<'_>, next: &Parts<'_>) -> bool {
    let padded = |parts: &Parts<'_>| parts.digits != parts.number.to_string().len();
    let digits = last.digits == next.digits || (!padded(last) && !padded(next));
    last.before == next.before && last.after == next.after && last.number + 1 == next.number && digits
}

/// The names in natural order, runs of three or more as ranges.
pub fn fold(names: &[Arc<str>]) -> String {
    let mut sorted: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let order = |name: &str| parts(name).map(|parts| (parts.before.to_owned(), parts.after.to_owned(), parts.number));
    sorted.sort_by(|a, b| order(a).cmp(&order(b)).then(a.cmp(b)));
    let mut shown: Vec<String> = Vec::new();
    let mut at = 0;
    while at < sorted.len() {
        let mut end = at;
        while let (Some(last), Some(next)) = (parts(sorted[end]), sorted.get(end + 1).and_then(|name| parts(name))) {
            if !follows(&last, &next) {
                break;
            }
            end += 1;
        }
        match (parts(sorted[at]), parts(sorted[end])) {
            (Some(first), Some(last)) if end - at >= 2 => {
                let (from, to) = (&sorted[at][first.before.len()..], &sorted[end][last.before.len()..]);
                let (from, to) = (&from[..first.digits], &to[..last.digits]);
                shown.push(format!("{}[{from}:{to}]{}", first.before, first.after));
            }
            _ => shown.extend(sorted[at..=end].iter().map(|name| (*name).to_owned())),
        }
        at = end + 1;
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(names: &[&str]) -> String {
        fold(&names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>())
    }

    #[test]
    fn folds_runs_of_three() {
        assert_eq!(folded(&["web2", "web1", "web3", "db1"]), "db1, web[1:3]");
        assert_eq!(folded(&["web1", "web2"]), "web1, web2");
        assert_eq!(folded(&["n08.x", "n09.x", "n10.x", "a"]), "a, n[08:10].x");
        assert_eq!(folded(&["n8", "n9", "n10"]), "n[8:10]");
        assert_eq!(folded(&["é1", "é2", "é3", "10.0.0.1", "10.0.0.2", "10.0.0.3"]), "10.0.0.[1:3], é[1:3]");
    }
}
