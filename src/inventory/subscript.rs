//! Ranges in host names: `[01:50]`, `[a:f]`, `[0:10:2]`.

/// The most hosts that one name may stand for.
const MAX_HOSTS: usize = 100_000;

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The names that a name with ranges stands for, in order; the last range changes fastest.
pub(super) fn find_ranges(name: &str) -> Result<Vec<String>, String> {
    let Some((head, rest)) = name.split_once('[') else { return Ok(vec![name.to_owned()]) };
    let (range, tail) = rest.split_once(']').ok_or("a range is not closed with `]`")?;
    let tails = find_ranges(tail)?;
    let mut names = Vec::new();
    for item in expand_range(range)? {
        if names.len() + tails.len() > MAX_HOSTS {
            return Err(format!("the ranges stand for more than {MAX_HOSTS} hosts"));
        }
        names.extend(tails.iter().map(|tail| format!("{head}{item}{tail}")));
    }
    Ok(names)
}

fn expand_range(range: &str) -> Result<Vec<String>, String> {
    let bounds: Vec<&str> = range.split(':').collect();
    let (first, last, step) = match bounds[..] {
        [first, last] => (first, last, "1"),
        [first, last, step] => (first, last, step),
        _ => return Err(format!("the range `[{range}]` has to be `[first:last]` or `[first:last:step]`")),
    };
    let first = if first.is_empty() { "0" } else { first };
    if last.is_empty() {
        return Err(format!("the range `[{range}]` has no end"));
    }
    let padded = first.len() > 1 && first.starts_with('0');
    if padded && first.len() != last.len() {
        return Err(format!("the range `[{range}]` has leading zeros: both ends have to be equally long"));
    }
    let step: usize = step.parse().ok().filter(|step| *step > 0).ok_or(format!("the step of `[{range}]` is wrong"))?;
    // As Ansible: letters run from a to z and on from A to Z.
    if let (Some(start), Some(end)) = (letter(first), letter(last)) {
        if start > end {
            return Err(format!("the range `[{range}]` ends before it begins"));
        }
        return Ok(LETTERS[start..=end].chars().step_by(step).map(String::from).collect());
    }
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| format!("the range `[{range}]` is neither of numbers nor of letters"))
    };
    let (start, end) = (number(first)?, number(last)?);
    let width = if padded { first.len() } else { 0 };
    if end.saturating_sub(start) / step as u64 > MAX_HOSTS as u64 {
        return Err(format!("the range `[{range}]` stands for more than {MAX_HOSTS} hosts"));
    }
    Ok((start..=end).step_by(step).map(|number| format!("{number:0width$}")).collect())
}

fn letter(text: &str) -> Option<usize> {
    if text.len() == 1 { LETTERS.find(text) } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ranges_expand() {
        let names = |name| find_ranges(name).unwrap().join(" ");
        assert_eq!(names("www[01:05:2].x"), "www01.x www03.x www05.x");
        assert_eq!(names("db-[a:c]"), "db-a db-b db-c");
        assert_eq!(names("[y:B]"), "y z A B");
        assert_eq!(names("r[1:2]n[0:1]"), "r1n0 r1n1 r2n0 r2n1");
        assert_eq!(names("n[:2]"), "n0 n1 n2");
        assert_eq!(names("n[8:11]"), "n8 n9 n10 n11");
        assert_eq!(names("n[3:1]"), "");
        for wrong in ["n[1]", "n[1:", "n[1:]", "n[01:100]", "n[c:a]", "n[1:x]", "n[1:5:0]", "n[0:99999999]"] {
            assert!(find_ranges(wrong).is_err(), "{wrong}");
        }
    }
}
