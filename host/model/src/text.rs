//! Text from strangers, made safe to show.

/// The text with control characters, escapes and direction overrides replaced, cut to at most `max` bytes.
pub fn printable(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let c = if is_unsafe(c) { '\u{fffd}' } else { c };
        if out.len() + c.len_utf8() > max {
            break;
        }
        out.push(c);
    }
    out
}

/// Control characters, and the marks that turn or hide the text around them.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced_and_length_is_bounded() {
        assert_eq!(
            printable("a\u{1b}[31mb\u{202e}c", 100),
            "a\u{fffd}[31mb\u{fffd}c"
        );
        assert_eq!(printable("äöü", 4), "äö");
    }
}
