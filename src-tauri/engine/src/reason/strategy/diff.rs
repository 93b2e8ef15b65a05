//! What changed between two texts, line by line.

/// Longer texts are not compared.
const MOST_LINES: usize = 200;

/// Lines that went (`- `) and that came (`+ `), in their order.
pub fn lines(before: &str, after: &str) -> Vec<String> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if a.len() > MOST_LINES || b.len() > MOST_LINES {
        return Vec::new();
    }
    // common[i][j]: lines in common of a[i..] and b[j..].
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] =
                if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut diff) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            diff.push(format!("- {}", a[i]));
            i += 1;
        } else {
            diff.push(format!("+ {}", b[j]));
            j += 1;
        }
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn only_what_changed_is_listed() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
        assert!(lines("same", "same").is_empty());
    }
}
