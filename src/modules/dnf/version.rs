//! rpm's order of versions, as rpm-version(7) describes it.

use std::cmp::Ordering;

/// Compares two versions or two releases.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        // Signs only part what is compared, but for the tilde and the caret.
        let skip = |rest: &[u8]| {
            rest.iter().position(|c| c.is_ascii_alphanumeric() || matches!(c, b'~' | b'^')).unwrap_or(rest.len())
        };
        a = &a[skip(a)..];
        b = &b[skip(b)..];
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                a = &a[1..];
                b = &b[1..];
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let digits = x.is_ascii_digit();
                if digits != y.is_ascii_digit() {
                    // A number is later than letters.
                    return if digits { Ordering::Greater } else { Ordering::Less };
                }
                let (x, y) = (segment(&mut a, digits), segment(&mut b, digits));
                let order = match digits {
                    true => x.len().cmp(&y.len()).then_with(|| x.cmp(y)),
                    false => x.cmp(y),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}

/// Takes digits (without leading zeros) or letters from the front.
fn segment<'a>(rest: &mut &'a [u8], digits: bool) -> &'a [u8] {
    let fits = |c: &u8| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
    let end = rest.iter().position(|c| !fits(c)).unwrap_or(rest.len());
    let (taken, after) = rest.split_at(end);
    *rest = after;
    let zeros = if digits { taken.iter().take_while(|c| **c == b'0').count() } else { 0 };
    &taken[zeros..]
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn order_is_rpms() {
        let ascending = ["1.0~rc1", "1.0", "1.0^git1", "1.0.1", "1.2a", "1.2.1", "1.10", "2.0"];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("1_0", "1.00"), Ordering::Equal);
    }
}
