//! Permissions as numbers: what a symbolic mode makes of the present ones.

use crate::module::{Failure, Mode};

/// What the new permissions depend on.
#[derive(Debug, Clone, Copy)]
pub struct Present {
    /// The permission bits now.
    pub bits: u32,
    /// Whether it is a directory, for `X`.
    pub directory: bool,
    /// The umask, for clauses that name nobody (`+w`).
    pub umask: u32,
}

/// The permission bits that the mode asks for.
pub fn wanted_bits(mode: &Mode, present: Present) -> Result<u32, Failure> {
    match mode {
        Mode::Bits(bits) => Ok(*bits),
        Mode::Symbolic(text) => symbolic(text, present).ok_or_else(|| {
            Failure::new("mode must be in octal or symbolic form")
                .with("details", format!("bad symbolic permission for mode: {text}"))
        }),
        Mode::Preserve => Err(Failure::new("mode 'preserve' needs a source file")),
    }
}

/// `0644`, as in results.
pub fn octal(bits: u32) -> String {
    format!("0{bits:03o}")
}

fn symbolic(text: &str, present: Present) -> Option<u32> {
    let mut bits = present.bits;
    for clause in text.split(',') {
        let clause = clause.trim();
        let start = clause.find(['+', '-', '='])?;
        let (users, mut rest) = clause.split_at(start);
        if !users.chars().all(|user| "ugoa".contains(user)) {
            return None;
        }
        // Who is not named is everybody, but the umask holds.
        let umask = if users.is_empty() { present.umask } else { 0 };
        let users = if users.is_empty() || users.contains('a') { "ugo" } else { users };
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
            let letters = &rest[1..end];
            rest = &rest[end..];
            for user in users.chars() {
                bits = apply(bits, user, operator, letters, umask, present)?;
            }
        }
    }
    Some(bits)
}

fn apply(bits: u32, user: char, operator: char, letters: &str, umask: u32, present: Present) -> Option<u32> {
    let shift = match user {
        'u' => 6,
        'g' => 3,
        _ => 0,
    };
    let mut given = 0;
    for letter in letters.chars() {
        given |= match letter {
            'r' => (4 << shift) & !umask,
            'w' => (2 << shift) & !umask,
            'x' => (1 << shift) & !umask,
            'X' if present.directory || bits & 0o111 != 0 => 1 << shift,
            's' if user == 'u' => 0o4000,
            's' if user == 'g' => 0o2000,
            't' if user == 'o' => 0o1000,
            'X' | 's' | 't' => 0,
            'u' => ((bits >> 6) & 7) << shift,
            'g' => ((bits >> 3) & 7) << shift,
            'o' => (bits & 7) << shift,
            _ => return None,
        };
    }
    let special = match user {
        'u' => 0o4000,
        'g' => 0o2000,
        _ => 0o1000,
    };
    Some(match operator {
        '+' => bits | given,
        '-' => bits & !given,
        _ => bits & !((7 << shift) | special) | given,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_modes_are_chmods() {
        let file = |text: &str, bits| symbolic(text, Present { bits, directory: false, umask: 0o022 });
        assert_eq!(file("u=rw,g=r,o=", 0o777), Some(0o640));
        assert_eq!(file("a+X", 0o644), Some(0o644));
        assert_eq!(file("a+X", 0o744), Some(0o755));
        assert_eq!(file("+w", 0o444), Some(0o644));
        assert_eq!(file("u=rwx,g=u-w,o=g", 0o000), Some(0o755));
        assert_eq!(file("u+s,g+s,o+t", 0o755), Some(0o7755));
        assert_eq!(file("g=rx", 0o2777), Some(0o757));
        assert_eq!(file("u=rw-x+X", 0o100), Some(0o600));
        assert_eq!(file("q+r", 0o644), None);
        let directory = Present { bits: 0o600, directory: true, umask: 0o022 };
        assert_eq!(symbolic("u=rwX,go=rX", directory), Some(0o755));
    }
}
