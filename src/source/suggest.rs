//! Did you mean …?

/// The candidate nearest to `word`, if one is near enough to be a likely slip of the pen.
///
/// The distance counts insertions, deletions, replacements and swaps of neighbours; at most a
/// third of the word may be wrong (always at least one character).
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        // Of equally near ones, the one that keeps more of the letters is the likelier.
        .min_by_key(|(distance, candidate)| (*distance, std::cmp::Reverse(shared_letters(word, candidate))))
        .map(|(_, candidate)| candidate)
}

/// How many letters of `a` are in `b` too, each used once.
fn shared_letters(a: &str, b: &str) -> usize {
    let mut left: Vec<char> = b.chars().collect();
    a.chars().filter(|c| left.iter().position(|other| other == c).map(|at| left.swap_remove(at)).is_some()).count()
}

/// The optimal string alignment distance (Damerau–Levenshtein without moves over edits).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_refuses_strangers() {
        assert_eq!(nearest("regsiter", ["register", "when"]), Some("register"));
        assert_eq!(nearest("notifi", ["notify", "name"]), Some("notify"));
        assert_eq!(nearest("taks", ["tags", "tasks"]), Some("tasks"));
        assert_eq!(nearest("xyzzy", ["register", "when"]), None);
    }
}
