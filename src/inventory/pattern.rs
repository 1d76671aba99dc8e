//! Host patterns: `web:&prod:!web3`, `*.example.com`, `~web\d+`, `db[0]`, `db[1:3]`.

use super::address::is_host_pattern;
use super::{GroupId, HostId, Inventory};
use crate::source::nearest;
use regex::Regex;
use std::collections::HashSet;

/// Why a pattern means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing behind `!` or `&`.
    #[error("invalid host pattern `{0}`: there is nothing behind the `{0}`")]
    Empty(String),
    /// Not a regular expression behind `~`.
    #[error("invalid regular expression in the host pattern `{pattern}`: {reason}")]
    Regex {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// A subscript behind the last host.
    #[error("no hosts matched the subscripted pattern `{pattern}`: there are {count} hosts before the subscript")]
    Subscript {
        /// The pattern.
        pattern: String,
        /// How many hosts there are.
        count: usize,
    },
}

/// What patterns select.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Each host once, in the order of the patterns and of the inventory.
    pub hosts: Vec<HostId>,
    /// The patterns that match no host and no group. Under Ansible that is a warning, unless
    /// `host_pattern_mismatch` says otherwise.
    pub unmatched: Vec<Unmatched>,
}

/// A pattern that matches no host and no group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The pattern, without `!` or `&`.
    pub pattern: String,
    /// The host or group that was meant, perhaps.
    pub nearest: Option<String>,
}

/// The single patterns of a text. A comma separates; without one a colon does, unless it belongs to
/// an address, a port or a range.
pub fn split_pattern(text: &str) -> Vec<String> {
    let parts: Vec<&str> = if text.contains(',') {
        text.split(',').collect()
    } else if is_host_pattern(text) {
        vec![text]
    } else {
        split_at_colons(text)
    };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(String::from).collect()
}

/// Parts between colons and white space; those in brackets belong to the part.
fn split_at_colons(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' => inside = text[at..].contains(']'),
            ']' => inside = false,
            c if !inside && (c == ':' || c.is_whitespace()) => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Which of the hosts to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscript {
    /// One, from the end if negative.
    One(i64),
    /// From the first to the last, inclusive.
    Span(usize, Option<usize>),
}

impl Inventory {
    /// The hosts that a pattern selects; it may be a list with `,` or `:`.
    pub fn select(&self, pattern: &str) -> Result<Selection, PatternError> {
        self.select_all(&split_pattern(pattern))
    }

    /// The hosts that single patterns select together: first what the plain ones name (all hosts if
    /// there are none), then only those in each `&` pattern, then without those in each `!` pattern.
    pub fn select_all<S: AsRef<str>>(&self, patterns: &[S]) -> Result<Selection, PatternError> {
        let patterns: Vec<&str> = patterns.iter().map(AsRef::as_ref).filter(|pattern| !pattern.is_empty()).collect();
        let mut unmatched = Vec::new();
        let mut hosts: Vec<HostId> = Vec::new();
        let mut plain = patterns.iter().filter(|pattern| !pattern.starts_with(['&', '!'])).peekable();
        if plain.peek().is_none() {
            hosts = self.hosts_in(Inventory::ALL);
        }
        for pattern in plain {
            match self.host_names.get(*pattern) {
                Some(host) => hosts.push(*host),
                None => hosts.extend(self.matches(pattern, &mut unmatched)?),
            }
        }
        let mut seen = HashSet::new();
        hosts.retain(|host| seen.insert(*host));
        for (sign, keep) in [('&', true), ('!', false)] {
            for pattern in patterns.iter().filter_map(|pattern| pattern.strip_prefix(sign)) {
                if pattern.is_empty() {
                    return Err(PatternError::Empty(sign.to_string()));
                }
                let others: HashSet<HostId> = self.matches(pattern, &mut unmatched)?.into_iter().collect();
                hosts.retain(|host| others.contains(host) == keep);
            }
        }
        Ok(Selection { hosts, unmatched })
    }

    /// The hosts of one pattern without `!` and `&`. Groups whose names match give all their hosts;
    /// hosts are looked at too when no group matches or the pattern has wildcards.
    fn matches(&self, whole: &str, unmatched: &mut Vec<Unmatched>) -> Result<Vec<HostId>, PatternError> {
        let (pattern, subscript) = split_subscript(whole);
        let matcher = Matcher::new(pattern)?;
        let groups: Vec<GroupId> = match &matcher {
            Matcher::Name(name) => self.find_group(name).into_iter().collect(),
            _ => self.groups().filter(|(_, group)| matcher.fits(&group.name)).map(|(id, _)| id).collect(),
        };
        let mut hosts: Vec<HostId> = groups.iter().flat_map(|group| self.hosts_in(*group)).collect();
        // A dot counts as a wildcard: it does under Ansible, and a group may be named like a domain.
        if groups.is_empty() || pattern.starts_with('~') || pattern.contains(['.', '?', '*', '[']) {
            match &matcher {
                Matcher::Name(name) => hosts.extend(self.host_names.get(*name)),
                _ => hosts.extend(self.hosts().filter(|(_, host)| matcher.fits(&host.name)).map(|(id, _)| id)),
            }
        }
        if hosts.is_empty() {
            hosts.extend(self.find_host(pattern));
        }
        if hosts.is_empty() && groups.is_empty() && pattern != "all" {
            let names = self.group_names.keys().chain(self.host_names.keys()).map(AsRef::as_ref);
            let nearest = nearest(pattern, names).map(String::from);
            unmatched.push(Unmatched { pattern: pattern.to_owned(), nearest });
        }
        apply(hosts, subscript).map_err(|count| PatternError::Subscript { pattern: whole.to_owned(), count })
    }
}

/// The hosts that a subscript takes; the error is how many there were.
fn apply(hosts: Vec<HostId>, subscript: Option<Subscript>) -> Result<Vec<HostId>, usize> {
    let count = hosts.len();
    if count == 0 {
        return Ok(hosts);
    }
    match subscript {
        None => Ok(hosts),
        Some(Subscript::One(index)) => {
            let from_start = if index < 0 { index + count as i64 } else { index };
            let host = usize::try_from(from_start).ok().and_then(|index| hosts.get(index));
            host.map(|host| vec![*host]).ok_or(count)
        }
        Some(Subscript::Span(first, last)) => {
            let end = last.map_or(count, |last| last.saturating_add(1)).min(count);
            Ok(hosts.get(first..end).map(<[HostId]>::to_vec).unwrap_or_default())
        }
    }
}

/// A pattern and the `[0]`, `[1:3]` or `[2:]` behind it. A regular expression has none.
fn split_subscript(pattern: &str) -> (&str, Option<Subscript>) {
    let parse = || {
        let (base, inside) = pattern.strip_suffix(']')?.rsplit_once('[')?;
        if base.is_empty() || base.starts_with('~') {
            return None;
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        if digits(inside.strip_prefix('-').unwrap_or(inside)) {
            return Some((base, Subscript::One(inside.parse().ok()?)));
        }
        let (first, last) = inside.split_once([':', '-'])?;
        if !digits(first) || !(last.is_empty() || digits(last)) {
            return None;
        }
        Some(match (first.parse().ok()?, last.parse().ok()) {
            // As Ansible: an end of 0 counts as no range at all.
            (first, Some(0)) => (base, Subscript::One(first as i64)),
            (first, last) => (base, Subscript::Span(first, last)),
        })
    };
    parse().map_or((pattern, None), |(base, subscript)| (base, Some(subscript)))
}

enum Matcher<'a> {
    Name(&'a str),
    Glob(Vec<char>),
    Regex(Regex),
}

impl Matcher<'_> {
    fn new(pattern: &str) -> Result<Matcher<'_>, PatternError> {
        if let Some(text) = pattern.strip_prefix('~') {
            // The expression has to match from the start of the name, and not up to its end.
            let regex = Regex::new(&format!("^(?:{text})"));
            return regex.map(Matcher::Regex).map_err(|error| PatternError::Regex {
                pattern: pattern.to_owned(),
                reason: error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
            });
        }
        Ok(if pattern.contains(['*', '?', '[']) {
            Matcher::Glob(pattern.chars().collect())
        } else {
            Matcher::Name(pattern)
        })
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Matcher::Name(wanted) => *wanted == name,
            Matcher::Glob(glob) => glob_fits(glob, &name.chars().collect::<Vec<_>>()),
            Matcher::Regex(regex) => regex.is_match(name),
        }
    }
}

/// Whether a shell pattern of `*`, `?`, `[abc]`, `[a-c]` and `[!abc]` fits a whole text.
fn glob_fits(glob: &[char], text: &[char]) -> bool {
    let (mut g, mut t) = (0, 0);
    // Where to go on when it fits no further: behind the last star, one character later each time.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match glob.get(g) {
            Some('*') => {
                retry = Some((g + 1, t));
                g += 1;
                continue;
            }
            None if t == text.len() => return true,
            None => None,
            Some(_) => text.get(t).and_then(|c| one_fits(&glob[g..], *c)),
        };
        match (step, retry) {
            (Some(length), _) => {
                g += length;
                t += 1;
            }
            (None, Some((star, from))) if from < text.len() => {
                retry = Some((star, from + 1));
                (g, t) = (star, from + 1);
            }
            (None, _) => return false,
        }
    }
}

/// Whether the element at the start of the pattern fits the character, and how long it is.
fn one_fits(glob: &[char], c: char) -> Option<usize> {
    match glob[0] {
        '?' => Some(1),
        '[' => {
            let negated = glob.get(1) == Some(&'!');
            let start = if negated { 2 } else { 1 };
            // A bracket directly at the start is one of the characters.
            let Some(length) = glob.iter().skip(start + 1).position(|c| *c == ']') else {
                return (c == '[').then_some(1);
            };
            let end = start + 1 + length;
            let class = &glob[start..end];
            let mut found = false;
            let mut at = 0;
            while at < class.len() {
                if class.get(at + 1) == Some(&'-') && at + 2 < class.len() {
                    found |= (class[at]..=class[at + 2]).contains(&c);
                    at += 3;
                } else {
                    found |= class[at] == c;
                    at += 1;
                }
            }
            (found != negated).then_some(end + 1)
        }
        plain => (plain == c).then_some(1),
    }
}
