//! Two texts as what has to be taken from one and added to it to get the other.

use similar::{ChangeTag, TextDiff};

/// Lines that are shown around each change.
const CONTEXT: usize = 3;

/// The changes from `old` to `new`: removed lines after `-`, added ones after `+`, with a
/// few lines around them; `…` where lines are left out.
#[must_use]
pub fn of(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    let mut end = 0;
    for group in diff.grouped_ops(CONTEXT) {
        if group.first().is_some_and(|op| op.old_range().start > end) {
            lines.push("…".to_owned());
        }
        end = group.last().map_or(end, |op| op.old_range().end);
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
                ChangeTag::Equal => " ",
            };
            lines.push(format!("{mark} {}", change.value()).trim_end().to_owned());
        }
    }
    if end < old.lines().count() {
        lines.push("…".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_changed_is_shown_with_what_is_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(
            of(old, new),
            "…\n  2\n  3\n  4\n- 5\n+ five\n  6\n  7\n  8\n…"
        );
        assert_eq!(of("a\n", "a\nb\n"), "  a\n+ b");
    }
}
