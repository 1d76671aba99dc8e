//! Comparing versions: loose, strict, semantic and PEP 440.

use super::Test;
use crate::template::error::{Result, TemplateError};
use crate::template::runtime::{Args, Context, Object};
use std::cmp::Ordering;

pub const TESTS: &[(&str, Test)] = &[("version", version), ("version_compare", version)];

fn version(context: &Context<'_>, value: &Object, args: Args) -> Result<bool> {
    let names = ["version", "operator", "strict", "version_type"];
    let [other, operator, strict, kind] = args.bind_required(names, 1)?;
    let other = other.unwrap_or(Object::NONE);
    let strict = strict.filter(|strict| !strict.is_none());
    let kind = kind.filter(|kind| !kind.is_none());
    if strict.is_some() && kind.is_some() {
        return Err(TemplateError::runtime("Cannot specify both 'strict' and 'version_type'"));
    }
    if !context.truth(value)? {
        return Err(TemplateError::runtime("Input version value cannot be empty"));
    }
    if !context.truth(&other)? {
        return Err(TemplateError::runtime("Version parameter to compare against cannot be empty"));
    }
    let operator = context.text_or(&operator, "eq")?;
    let holds: fn(Ordering) -> bool = match operator.as_str() {
        "==" | "=" | "eq" => Ordering::is_eq,
        "<" | "lt" => Ordering::is_lt,
        "<=" | "le" => Ordering::is_le,
        ">" | "gt" => Ordering::is_gt,
        ">=" | "ge" => Ordering::is_ge,
        "!=" | "<>" | "ne" => Ordering::is_ne,
        other => {
            return Err(TemplateError::runtime(format!(
                "Invalid operator type ({other}). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'"
            )));
        }
    };
    let kind = match kind {
        Some(kind) => context.text(&kind)?,
        None if context.truth_or(&strict, false)? => "strict".into(),
        None => "loose".into(),
    };
    let (left, right) = (context.text(value)?, context.text(&other)?);
    let ordering = match kind.as_str() {
        "loose" => loose(&left, &right),
        "strict" => compare_strict(&left, &right),
        "semver" | "semantic" => Ok(semantic(&left)?.cmp_to(&semantic(&right)?)),
        "pep440" => Ok(pep440(&left)?.cmp(&pep440(&right)?)),
        other => {
            return Err(TemplateError::runtime(format!(
                "Invalid version type ({other}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
            )));
        }
    };
    ordering.map(holds).map_err(|mut error| {
        error.message = format!("Version comparison failed: {}", error.message);
        error
    })
}

/// Numbers and words of a loose version; a number and a word in one place have no order.
fn loose(left: &str, right: &str) -> Result<Ordering> {
    let (left, right) = (loose_parts(left), loose_parts(right));
    for pair in left.iter().zip(&right) {
        let ordering = match pair {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Word(a), Part::Word(b)) => a.cmp(b),
            (a, b) => {
                return Err(TemplateError::runtime(format!(
                    "'<' not supported between instances of '{}' and '{}'",
                    a.kind(),
                    b.kind()
                )));
            }
        };
        if ordering.is_ne() {
            return Ok(ordering);
        }
    }
    Ok(left.len().cmp(&right.len()))
}

enum Part {
    Number(u64),
    Word(String),
}

impl Part {
    fn kind(&self) -> &'static str {
        match self {
            Part::Number(_) => "int",
            Part::Word(_) => "str",
        }
    }
}

fn loose_parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // Digits, lower-case letters, dots; anything else is text between them.
        let kind = |c: char| match c {
            '0'..='9' => 0,
            'a'..='z' => 1,
            '.' => 2,
            _ => 3,
        };
        let end = match kind(first) {
            2 => 1,
            same => rest.find(|c| kind(c) != same).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(end);
        rest = after;
        if part != "." {
            parts.push(part.parse().map_or_else(|_| Part::Word(part.to_owned()), Part::Number));
        }
    }
    parts
}

/// `1.2`, `1.2.3`, with `a1` or `b1` at the end.
fn compare_strict(left: &str, right: &str) -> Result<Ordering> {
    let read = |text: &str| {
        let (numbers, pre) = match text.find(['a', 'b']) {
            Some(at) => {
                let number: Option<u64> = text[at + 1..].parse().ok();
                (&text[..at], Some((text.as_bytes()[at], number)))
            }
            None => (text, None),
        };
        let mut parts: Vec<Option<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
        let valid = (2..=3).contains(&parts.len())
            && parts.iter().all(Option::is_some)
            && pre.is_none_or(|(_, number)| number.is_some());
        if !valid {
            return Err(TemplateError::runtime(format!("invalid version number '{text}'")));
        }
        parts.resize(3, Some(0));
        // A release comes after its previews.
        Ok((parts, pre.is_none(), pre))
    };
    Ok(read(left)?.cmp(&read(right)?))
}

struct Semantic {
    core: [u64; 3],
    pre: Vec<String>,
    build: bool,
}

fn semantic(text: &str) -> Result<Semantic> {
    let invalid = || TemplateError::runtime(format!("Version comparison failed: invalid semantic version '{text}'"));
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let numbers: Vec<u64> = core
        .split('.')
        .map(|part| part.parse().ok().filter(|_| part == "0" || !part.starts_with('0')))
        .collect::<Option<_>>()
        .ok_or_else(invalid)?;
    let core: [u64; 3] = numbers.try_into().map_err(|_| invalid())?;
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let pre: Vec<String> = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
    let leading_zero =
        |part: &String| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = pre.iter().all(|part| word(part) && !leading_zero(part));
    if !fits || build.is_some_and(|build| !build.split('.').all(word)) {
        return Err(invalid());
    }
    Ok(Semantic { core, pre, build: build.is_some() })
}

impl Semantic {
    fn cmp_to(&self, other: &Semantic) -> Ordering {
        let _ = self.build;
        self.core.cmp(&other.core).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                for (a, b) in self.pre.iter().zip(&other.pre) {
                    let ordering = match (a.parse::<u64>(), b.parse::<u64>()) {
                        (Ok(a), Ok(b)) => a.cmp(&b),
                        (Ok(_), Err(_)) => Ordering::Less,
                        (Err(_), Ok(_)) => Ordering::Greater,
                        (Err(_), Err(_)) => a.cmp(b),
                    };
                    if ordering.is_ne() {
                        return ordering;
                    }
                }
                self.pre.len().cmp(&other.pre.len())
            }
        })
    }
}

/// The sort key of PEP 440: epoch, release, preview, post, development, local.
type Pep440 = (u64, Vec<u64>, (u8, u64), (u8, u64), (u8, u64), Vec<(u8, u64, String)>);

fn pep440(text: &str) -> Result<Pep440> {
    let invalid = || TemplateError::runtime(format!("Version comparison failed: Invalid version: '{text}'"));
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let (public, local) = match lower.split_once('+') {
        Some((public, local)) => (public, Some(local)),
        None => (lower, None),
    };
    let (epoch, rest) = match public.split_once('!') {
        Some((epoch, rest)) => (epoch.parse().map_err(|_| invalid())?, rest),
        None => (0, public),
    };
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let (numbers, mut tail) = rest.split_at(end);
    let trimmed = numbers.trim_end_matches('.');
    let mut release: Vec<u64> =
        trimmed.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().ok_or_else(invalid)?;
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let mut segment = |words: &[(&str, u8)]| -> Option<(u8, u64)> {
        let bare = tail.trim_start_matches(['.', '-', '_']);
        let (word, rank) = words.iter().find(|(word, _)| bare.starts_with(word))?;
        let after = bare[word.len()..].trim_start_matches(['.', '-', '_']);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = after[..digits].parse().unwrap_or(0);
        tail = &after[digits..];
        Some((*rank, number))
    };
    let previews = [("alpha", 1), ("beta", 2), ("preview", 3), ("pre", 3), ("rc", 3), ("a", 1), ("b", 2), ("c", 3)];
    let preview = segment(&previews);
    let mut post = segment(&[("post", 1), ("rev", 1), ("r", 1)]);
    let development = segment(&[("dev", 0)]);
    if post.is_none()
        && let Some(number) = tail.strip_prefix('-').and_then(|digits| digits.parse().ok())
    {
        post = Some((1, number));
        tail = "";
    }
    if !tail.is_empty() {
        return Err(invalid());
    }
    // A development release alone comes before every preview.
    let preview = match preview {
        Some(preview) => preview,
        None if post.is_none() && development.is_some() => (0, 0),
        None => (9, 0),
    };
    let local = local.map_or_else(Vec::new, |local| {
        let parts = local.split(['.', '-', '_']);
        parts
            .map(|part| part.parse().map_or_else(|_| (0, 0, part.to_owned()), |number| (1, number, String::new())))
            .collect()
    });
    Ok((epoch, release, preview, post.unwrap_or((0, 0)), development.unwrap_or((1, 0)), local))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn orders() {
        assert!(loose("1.10", "1.9").unwrap().is_gt());
        assert!(loose("1.2", "1.2.0").unwrap().is_lt());
        assert!(loose("1.a", "1.2").is_err());
        assert!(semantic("1.0.0-rc.1").unwrap().cmp_to(&semantic("1.0.0").unwrap()).is_lt());
        assert!(pep440("1.0.dev1").unwrap() < pep440("1.0a1").unwrap());
        assert!(pep440("1.0.post1").unwrap() > pep440("1.0").unwrap());
        assert!(pep440("1.0").unwrap() == pep440("1.0.0").unwrap());
    }
}
