//! Differences of files and states, unified, as `--diff` shows them.

use super::colour::{Colour, Paint};
use super::dump::dump;
use super::lines_diff::{Change, changes};
use super::visible::visible;
use crate::value::Value;
use std::fmt::Write;

/// Lines around a change.
const CONTEXT: usize = 3;

/// The text for a result's `diff`: one difference or a list of them; empty when there is nothing to
/// show.
pub fn show(diff: &Value, context: Option<usize>, paint: Paint) -> String {
    match diff {
        Value::List(items) => items.iter().map(|item| show_one(item, context, paint)).collect(),
        one => show_one(one, context, paint),
    }
}

fn show_one(diff: &Value, context: Option<usize>, paint: Paint) -> String {
    let mut out = String::new();
    for (side, key) in [("destination", "dst_binary"), ("source", "src_binary")] {
        if diff.get(key).is_some_and(Value::truthy) {
            let _ = writeln!(out, "diff skipped: {side} file appears to be binary");
        }
    }
    for (side, key) in [("destination", "dst_larger"), ("source", "src_larger")] {
        if let Some(size) = diff.get(key).filter(|size| size.truthy()) {
            let _ = writeln!(out, "diff skipped: {side} file size is greater than {size}");
        }
    }
    if let (Some(before), Some(after)) = (diff.get("before"), diff.get("after")) {
        let header = |side: &str| match diff.get(&format!("{side}_header")).filter(|header| header.truthy()) {
            Some(header) => format!("{side}: {header}"),
            None => side.to_owned(),
        };
        out += &unified(&text(before), &text(after), &header("before"), &header("after"), context, paint);
    }
    if let Some(prepared) = diff.get("prepared").filter(|text| text.truthy()) {
        out += &visible(&prepared.to_string());
    }
    out
}

/// A side's text: states that are maps are compared as JSON.
fn text(side: &Value) -> String {
    match side {
        Value::Map(_) => dump(side, true) + "\n",
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn unified(
    before: &str,
    after: &str,
    before_header: &str,
    after_header: &str,
    context: Option<usize>,
    paint: Paint,
) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let changes = changes(&old, &new);
    if changes.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    let mut line = |colour: Option<Colour>, sign: &str, text: &str| {
        let ended = text.ends_with('\n');
        let shown = format!("{sign}{}", visible(text.trim_end_matches('\n')));
        let rest = if ended { "" } else { "\n\\ No newline at end of file" };
        let whole = format!("{shown}{rest}");
        out += &colour.map_or(whole.clone(), |colour| paint.text(colour, &whole));
        out.push('\n');
    };
    line(Some(Colour::Removed), "--- ", &format!("{before_header}\n"));
    line(Some(Colour::Added), "+++ ", &format!("{after_header}\n"));
    for hunk in hunks(&changes, old.len(), new.len(), context.unwrap_or(CONTEXT)) {
        let place = format!("@@ -{} +{} @@\n", range(hunk.old), range(hunk.new));
        line(Some(Colour::Hunk), "", &place);
        let mut at = hunk.old.0;
        for change in hunk.changes {
            old[at..change.old.0].iter().for_each(|text| line(None, " ", text));
            old[change.old.0..change.old.1].iter().for_each(|text| line(Some(Colour::Removed), "-", text));
            new[change.new.0..change.new.1].iter().for_each(|text| line(Some(Colour::Added), "+", text));
            at = change.old.1;
        }
        old[at..hunk.old.1].iter().for_each(|text| line(None, " ", text));
    }
    out.push('\n');
    out
}

/// Changes that are near each other, with the lines around them.
struct Hunk<'a> {
    old: (usize, usize),
    new: (usize, usize),
    changes: &'a [Change],
}

fn hunks(changes: &[Change], old_len: usize, new_len: usize, context: usize) -> Vec<Hunk<'_>> {
    let near = |a: &Change, b: &Change| b.old.0 - a.old.1 <= 2 * context;
    changes
        .chunk_by(near)
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let lead = context.min(first.old.0).min(first.new.0);
            let trail = context.min(old_len - last.old.1).min(new_len - last.new.1);
            Some(Hunk {
                old: (first.old.0 - lead, last.old.1 + trail),
                new: (first.new.0 - lead, last.new.1 + trail),
                changes: chunk,
            })
        })
        .collect()
}

/// A range of lines in the unified format: `start,count`, without a count of one, and beginning one
/// line earlier when it is empty.
fn range((from, to): (usize, usize)) -> String {
    match to - from {
        0 => format!("{from},0"),
        1 => format!("{}", from + 1),
        count => format!("{},{count}", from + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let diff = Value::from([("before", before), ("after", after), ("after_header", "/etc/x")]);
        show(&diff, None, Paint(false))
    }

    #[test]
    fn shows_a_new_file() {
        assert_eq!(shown("", "a\nb\n"), "--- before\n+++ after: /etc/x\n@@ -0,0 +1,2 @@\n+a\n+b\n\n");
    }

    #[test]
    fn separates_distant_changes_and_marks_a_missing_line_end() {
        let old = "a\nb\nc\n1\n2\n3\n4\n5\n6\n7";
        let new = "a\nB\nc\n1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        assert_eq!(
            shown(old, new),
            "--- before\n+++ after: /etc/x\n@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n 1\n 2\n@@ -7,4 +7,6 @@\n 4\n 5\n 6\n-7\n\\ No newline at end of file\n+7\n+8\n+9\n\n"
        );
    }

    #[test]
    fn compares_states_as_json_and_says_what_it_leaves_out() {
        let state = |mode: &str| Value::from([("mode", mode)]);
        let diff = Value::from([("before", state("0644")), ("after", state("0600"))]);
        assert_eq!(
            show(&Value::list(vec![diff]), None, Paint(false)),
            "--- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    \"mode\": \"0644\"\n+    \"mode\": \"0600\"\n }\n\n"
        );
        let binary = Value::from([("src_binary", Value::Int(1)), ("before", Value::str("x"))]);
        assert_eq!(show(&binary, None, Paint(false)), "diff skipped: source file appears to be binary\n");
        assert_eq!(shown("same\n", "same\n"), "");
    }

    #[test]
    fn paints() {
        let diff = Value::from([("before", "a\n"), ("after", "b\n")]);
        let text = show(&diff, None, Paint(true));
        assert!(text.contains("\x1b[0;31m-a\x1b[0m\n\x1b[0;32m+b\x1b[0m\n"), "{text}");
    }
}
