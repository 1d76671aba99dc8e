//! The shortest way from one list of lines to another (Myers' algorithm), as blocks that differ.

/// A stretch of lines that differs: `old` lines are replaced by `new` lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From and to, in the old lines.
    pub old: (usize, usize),
    /// From and to, in the new lines.
    pub new: (usize, usize),
}

/// Edits beyond this many are not looked for: the middle is shown as replaced.
const MOST_EDITS: usize = 1000;

/// The stretches that differ, in order.
pub fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let steps = match path(a, b) {
        Some(steps) => steps,
        None => return vec![Change { old: (head, head + a.len()), new: (head, head + b.len()) }],
    };
    let mut found: Vec<Change> = Vec::new();
    for (x, y, deleted) in steps {
        let (from, to) = if deleted { ((x, x + 1), (y, y)) } else { ((x, x), (y, y + 1)) };
        let (from, to) = ((from.0 + head, from.1 + head), (to.0 + head, to.1 + head));
        match found.last_mut().filter(|last| last.old.1 == from.0 && last.new.1 == to.0) {
            Some(last) => (last.old.1, last.new.1) = (from.1, to.1),
            None => found.push(Change { old: from, new: to }),
        }
    }
    found
}

/// Single deletions (true) and insertions with the place before them, in order; None when there are
/// too many.
fn path(a: &[&str], b: &[&str]) -> Option<Vec<(usize, usize, bool)>> {
    let (n, m) = (a.len() as isize, b.len() as isize);
    let most = ((n + m) as usize).min(MOST_EDITS);
    let offset = most as isize + 1;
    // The furthest x on each diagonal k = x - y, and a copy of it for each number of edits.
    let mut furthest = vec![0isize; 2 * most + 3];
    let mut trace: Vec<Vec<isize>> = Vec::new();
    let at = |k: isize| (k + offset) as usize;
    for edits in 0..=most as isize {
        trace.push(furthest.clone());
        for k in (-edits..=edits).step_by(2) {
            let down = k == -edits || (k != edits && furthest[at(k - 1)] < furthest[at(k + 1)]);
            let mut x = if down { furthest[at(k + 1)] } else { furthest[at(k - 1)] + 1 };
            while x < n && x - k < m && a[x as usize] == b[(x - k) as usize] {
                x += 1;
            }
            furthest[at(k)] = x;
            if x >= n && x - k >= m {
                return Some(walk_back(&trace, n, m, offset));
            }
        }
    }
    None
}

fn walk_back(trace: &[Vec<isize>], n: isize, m: isize, offset: isize) -> Vec<(usize, usize, bool)> {
    let (mut x, mut y) = (n, m);
    let mut steps = Vec::new();
    for (edits, furthest) in trace.iter().enumerate().skip(1).rev() {
        let edits = edits as isize;
        let at = |k: isize| furthest[(k + offset) as usize];
        let k = x - y;
        let down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
        let before = if down { k + 1 } else { k - 1 };
        let from_x = at(before);
        let from_y = from_x - before;
        steps.push((from_x as usize, from_y as usize, !down));
        (x, y) = (from_x, from_y);
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the changes and gives what comes out.
    fn apply<'a>(old: &[&'a str], new: &[&'a str], changes: &[Change]) -> Vec<&'a str> {
        let mut out = Vec::new();
        let mut at = 0;
        for change in changes {
            out.extend(&old[at..change.old.0]);
            out.extend(&new[change.new.0..change.new.1]);
            at = change.old.1;
        }
        out.extend(&old[at..]);
        out
    }

    #[test]
    fn leads_from_old_to_new() {
        let texts = ["", "a b c", "a c", "b a", "x a b c y", "c b a", "a a b b a", "a b c d e f g", "a X c d Y f g"];
        for old in texts {
            for new in texts {
                let old: Vec<&str> = old.split_whitespace().collect();
                let new: Vec<&str> = new.split_whitespace().collect();
                assert_eq!(apply(&old, &new, &changes(&old, &new)), new);
            }
        }
        assert_eq!(changes(&["a", "b"], &["a", "c"]), [Change { old: (1, 2), new: (1, 2) }]);
    }

    #[test]
    fn gives_up_on_the_shortest_way_when_it_is_long() {
        let (old, new): (Vec<String>, Vec<String>) = (0..3000).map(|n| (format!("a{n}"), format!("b{n}"))).unzip();
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
        assert_eq!(changes(&old, &new).len(), 1);
    }
}
