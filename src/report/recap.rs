//! The last lines of a run: the counts of each host, in Ansible's format.

use super::colour::{Colour, Paint};
use super::visible::visible_line;
use crate::run::HostStats;
use std::sync::Arc;

/// The recap's lines, hosts by name.
pub fn recap(stats: &[(Arc<str>, HostStats)], paint: Paint) -> String {
    let mut sorted: Vec<&(Arc<str>, HostStats)> = stats.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    sorted.into_iter().map(|(host, stats)| line(host, stats, paint)).collect()
}

fn line(host: &str, stats: &HostStats, paint: Paint) -> String {
    let host = visible_line(host);
    let colour = match stats {
        HostStats { failures: 1.., .. } | HostStats { unreachable: 1.., .. } => Colour::Failed,
        HostStats { changed: 1.., .. } => Colour::Changed,
        _ => Colour::Ok,
    };
    let gap = " ".repeat(26usize.saturating_sub(host.chars().count()));
    let counts = [
        ("ok", stats.ok, Colour::Ok),
        ("changed", stats.changed, Colour::Changed),
        ("unreachable", stats.unreachable, Colour::Unreachable),
        ("failed", stats.failures, Colour::Failed),
        ("skipped", stats.skipped, Colour::Skipped),
        ("rescued", stats.rescued, Colour::Ok),
        ("ignored", stats.ignored, Colour::Warning),
    ];
    let counts = counts.map(|(name, count, colour)| {
        let text = format!("{name}={count:<4}");
        if count > 0 { paint.text(colour, &text) } else { text }
    });
    format!("{}{gap} : {}\n", paint.text(colour, &host), counts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_ansibles_columns() {
        let stats = HostStats { ok: 16, changed: 8, failures: 1, skipped: 1, rescued: 1, ignored: 3, unreachable: 0 };
        let list = [(Arc::from("h2"), HostStats::default()), (Arc::from("h1"), stats)];
        assert_eq!(
            recap(&list, Paint(false)),
            "h1                         : ok=16   changed=8    unreachable=0    failed=1    skipped=1    rescued=1    ignored=3   \n\
             h2                         : ok=0    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n"
        );
        assert!(
            recap(&list, Paint(true))
                .starts_with("\x1b[0;31mh1\x1b[0m                         : \x1b[0;32mok=16  \x1b[0m ")
        );
    }
}
