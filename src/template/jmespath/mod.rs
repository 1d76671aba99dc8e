//! JMESPath, the query language of `json_query`.

mod functions;
mod parse;
mod run;

use crate::value::Value;

/// Evaluates a query over data.
///
/// # Errors
/// When the query is none, or a function refuses its arguments.
pub fn search(query: &str, data: &Value) -> Result<Value, String> {
    let tree = parse::parse(query)?;
    run::run(&tree, data)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let data: Value = serde_json::from_str(
            r#"{"a": [{"n": "x", "v": 3, "t": ["p"]}, {"n": "y", "v": 1, "t": ["q", "r"]}], "b": {"k": {"z": 1}, "l": {"z": 2}}}"#,
        )
        .unwrap();
        let cases = [
            ("a[0].n", r#""x""#),
            ("a[].n", r#"["x","y"]"#),
            ("a[-1].v", "1"),
            ("a[?v > `2`].n", r#"["x"]"#),
            ("a[?n == 'y'] | [0].v", "1"),
            ("a[*].t[]", r#"["p","q","r"]"#),
            ("b.*.z", "[1,2]"),
            ("a[*].{name: n, first: t[0]}", r#"[{"name":"x","first":"p"},{"name":"y","first":"q"}]"#),
            ("a[*].[n, v]", r#"[["x",3],["y",1]]"#),
            ("sort_by(a, &v)[*].n", r#"["y","x"]"#),
            ("length(a)", "2"),
            ("max_by(a, &v).n", r#""x""#),
            ("a[?contains(t, 'q') || v == `3`].n", r#"["x","y"]"#),
            ("a[?!(v == `3`)].n", r#"["y"]"#),
            ("join(',', a[].n)", r#""x,y""#),
            ("keys(b)", r#"["k","l"]"#),
            ("a[::-1].n", r#"["y","x"]"#),
            ("nope.x", "null"),
            ("\"a\"[0].\"n\"", r#""x""#),
        ];
        for (query, expected) in cases {
            assert_eq!(serde_json::to_string(&search(query, &data).unwrap()).unwrap(), expected, "{query}");
        }
        assert!(search("a[", &data).is_err());
        assert!(search("nosuch(a)", &data).is_err());
    }
}
