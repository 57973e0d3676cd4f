//! A name that may change while others read it: the owner's, when they join a network under another one or are renamed.
//!
//! A new name is linked behind the one before, which stays where it is: a person is renamed now and then, not by the
//! second, so what that keeps is nothing.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// A name that may change. It reads as the last one that was given.
#[derive(Debug)]
pub(crate) struct Name {
    text: String,
    next: OnceLock<Box<Name>>,
}

impl Name {
    pub fn new(text: String) -> Self {
        Self {
            text,
            next: OnceLock::new(),
        }
    }

    /// Gives another name.
    pub fn set(&self, text: &str) {
        let mut last = self;
        loop {
            if last.next.get().is_none() && last.text == text {
                return;
            }
            match last.next.get() {
                Some(next) => last = next,
                // Of two who name it at once the later one is last.
                None => match last.next.set(Box::new(Self::new(text.to_owned()))) {
                    Ok(()) => return,
                    Err(_) => continue,
                },
            }
        }
    }
}

impl Deref for Name {
    type Target = String;

    fn deref(&self) -> &String {
        let mut last = self;
        while let Some(next) = last.next.get() {
            last = next;
        }
        &last.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_counts_and_earlier_ones_stay_readable() {
        let name = Name::new("bob".into());
        let before: &str = &name;
        name.set("rob");
        name.set("rob");
        name.set("bob");
        assert_eq!((before, name.as_str()), ("bob", "bob"));
        assert_eq!(name.to_string(), "bob");
    }
}
