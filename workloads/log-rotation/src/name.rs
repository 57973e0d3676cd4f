//! Names: which are logs, which are archives, and what an archive is called. Nothing here touches a file.

/// What stands before a log's name while its archive is being written, and after it.
const PART: (&str, &str) = (".", ".rotating");

/// Whether a name fits a pattern of `*` (any characters, none too) and `?` (one). A leading dot fits only itself.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // The last `*` and how much of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// The name of a log's archive in a slot, from 1.
pub fn archive(log: &str, slot: u32, compressed: bool) -> String {
    let suffix = if compressed { ".gz" } else { "" };
    format!("{log}.{slot}{suffix}")
}

/// Whether a name is that of an archive, whatever its log.
pub fn is_archive(name: &str) -> bool {
    split(name).is_some()
}

/// The name of the file in which a log's archive is made.
pub fn part(log: &str) -> String {
    format!("{}{log}{}", PART.0, PART.1)
}

/// The log whose archive is made in a file of that name.
pub fn log_of_part(name: &str) -> Option<&str> {
    name.strip_prefix(PART.0)?.strip_suffix(PART.1)
}

/// An archive's name taken apart: `name.12.gz` into name, 12 and whether it is compressed. A slot has no leading zero,
/// so every archive has one name.
pub fn split(name: &str) -> Option<(&str, u32, bool)> {
    let (plain, compressed) = match name.strip_suffix(".gz") {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let (base, digits) = plain.rsplit_once('.')?;
    if base.is_empty() || digits.starts_with('0') || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some((base, digits.parse().ok()?, compressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases = [
            ("*.log", "a.log", true),
            ("*.log", ".log", false),
            ("*.log", ".a.log", false),
            (".*", ".a.log", true),
            ("*.log", "a.log.1", false),
            ("*.log", "a.log.log", true),
            ("*", "anything", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("**a", "ba", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "`{pattern}` and `{name}`");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let name = "a".repeat(255);
        assert!(!matches(&format!("{}b", "*a".repeat(100)), &name));
    }

    #[test]
    fn archives() {
        assert_eq!(archive("a.log", 3, true), "a.log.3.gz");
        assert_eq!(archive("a.log", 3, false), "a.log.3");
        assert_eq!(split("a.log.3.gz"), Some(("a.log", 3, true)));
        assert_eq!(split("a.log.12"), Some(("a.log", 12, false)));
        for name in [
            "a.log",
            "a.log.gz",
            "a.log.",
            "a.log.0",
            "a.log.01",
            "a.log.+1",
            "a.log.99999999999",
        ] {
            assert_eq!(split(name), None, "`{name}`");
        }
        assert!(is_archive("x.1"));
        assert!(!is_archive(".1"));
        assert_eq!(log_of_part(&part("a.log")), Some("a.log"));
        assert!(!matches("*", &part("a.log")));
    }
}
