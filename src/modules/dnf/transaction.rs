//! The table that dnf prints of what it is about to do.

use super::rpmdb::Package;

/// What dnf would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// One row a package.
    pub rows: Vec<Row>,
    /// Groups and module streams that it would mark, one line each.
    pub marks: Vec<String>,
}

/// One package of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The package.
    pub package: Package,
    /// Whether it comes; it goes else.
    pub adds: bool,
    /// Whether another version of it goes.
    pub replaces: bool,
}

impl Transaction {
    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.marks.is_empty()
    }
}

/// What a section of the table is about.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Adds { replaces: bool },
    Removes,
    Marks,
    Other,
}

fn section(header: &str) -> Section {
    match header.to_lowercase() {
        text if text.starts_with("installing group") || text.contains("group") || text.contains("module") => {
            Section::Marks
        }
        text if text.contains("environment") => Section::Marks,
        text if text.starts_with("installing") => Section::Adds { replaces: false },
        text if text.starts_with("upgrading")
            || text.starts_with("downgrading")
            || text.starts_with("reinstalling") =>
        {
            Section::Adds { replaces: true }
        }
        text if text.starts_with("removing") => Section::Removes,
        _ => Section::Other,
    }
}

/// Reads the table. Rows are ` name arch version repository size [unit]`; long values go on on the next line.
pub fn parse(output: &str) -> Transaction {
    let mut found = Transaction::default();
    let mut current: Option<Section> = None;
    let mut tokens: Vec<&str> = Vec::new();
    for line in output.lines() {
        if line.starts_with("Transaction Summary") || line.trim_end() == "Nothing to do." {
            break;
        }
        if !line.starts_with(' ') {
            let header = line.trim_end();
            let known = header.strip_suffix(':').map(section).filter(|section| *section != Section::Other);
            if known.is_some() || !header.is_empty() {
                tokens.clear();
                current = known;
            }
            continue;
        }
        match current {
            Some(Section::Marks) => found.marks.push(line.trim().to_owned()),
            Some(section @ (Section::Adds { .. } | Section::Removes)) => {
                // What a package takes the place of is found among the installed ones.
                if line.trim_start().starts_with("replacing ") {
                    continue;
                }
                tokens.extend(line.split_whitespace());
                if tokens.len() >= 5 {
                    if let Some(package) = Package::from_parts(tokens[0], tokens[1], tokens[2]) {
                        let (adds, replaces) = match section {
                            Section::Adds { replaces } => (true, replaces),
                            _ => (false, false),
                        };
                        found.rows.push(Row { package, adds, replaces });
                    }
                    tokens.clear();
                }
            }
            Some(Section::Other) | None => {}
        }
    }
    found
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn tables_with_long_names() {
        let output = "Dependencies resolved.\n\
            ================\n Package  Arch  Version  Repo  Size\n================\n\
            Installing:\n beta      noarch    1.0-1     case     6.2 k\n\
            Upgrading:\n a-very-long-name-of-a-package\n           noarch    1:2.0-1   case     6.0 k\n\
            Removing dependent packages:\n old  x86_64  3-1.el8  @case  12\n\
            Installing Groups:\n Letters\n\n\
            Transaction Summary\n================\nInstall  1 Package\n";
        let found = parse(output);
        let shown: Vec<String> =
            found.rows.iter().map(|row| format!("{} {} {}", row.package, row.adds, row.replaces)).collect();
        assert_eq!(
            shown,
            [
                "beta-1.0-1.noarch true false",
                "a-very-long-name-of-a-package-1:2.0-1.noarch true true",
                "old-3-1.el8.x86_64 false false"
            ]
        );
        assert_eq!(found.marks, ["Letters"]);
        assert!(parse("Dependencies resolved.\nNothing to do.\nComplete!\n").is_empty());
    }
}
