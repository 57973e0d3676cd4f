//! Names that could be taken for others: the same name by another publisher, look-alikes, slips of the finger.
//!
//! A warning forbids nothing; it gives a person both publishers' fingerprints to compare.

use std::fmt;
use weft_model::{Did, content};

/// Fewest characters of the longer name at which one slip is worth a warning.
const SLIP_CHARS: usize = 4;
/// Fewest characters of the shorter name at which two slips are.
const TWO_SLIPS_CHARS: usize = 10;

/// How a name resembles a known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resemblance {
    /// The very same name, by another publisher.
    Same,
    /// It looks alike.
    LooksAlike,
    /// So many letters are other, missing, too much or swapped.
    Slips(usize),
}

/// A name that could be taken for one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How.
    pub resemblance: Resemblance,
    /// The name looked at.
    pub name: String,
    /// Its publisher.
    pub publisher: Did,
    /// The known name.
    pub known_name: String,
    /// The known name's publisher.
    pub known_publisher: Did,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, known) = (&self.name, &self.known_name);
        match self.resemblance {
            Resemblance::Same => write!(f, "`{name}` is also the name of another publisher's")?,
            Resemblance::LooksAlike => {
                write!(f, "`{name}` looks like `{known}` of another publisher")?
            }
            Resemblance::Slips(1) => write!(
                f,
                "`{name}` is one letter away from `{known}` of another publisher"
            )?,
            Resemblance::Slips(n) => write!(
                f,
                "`{name}` is {n} letters away from `{known}` of another publisher"
            )?,
        }
        write!(
            f,
            ": this one is by {}, the known one by {}; compare the fingerprints with their publishers",
            fingerprint(&self.publisher),
            fingerprint(&self.known_publisher)
        )
    }
}

/// What a name resembles among known (publisher, name) pairs; names of the same publisher are never in the way of each
/// other. In the order of `known`, each pair once.
pub fn check<'a>(
    publisher: &Did,
    name: &str,
    known: impl IntoIterator<Item = (&'a Did, &'a str)>,
) -> Vec<Warning> {
    let mut out: Vec<Warning> = Vec::new();
    for (known_publisher, known_name) in known {
        if known_publisher == publisher {
            continue;
        }
        let Some(resemblance) = resemblance(name, known_name) else {
            continue;
        };
        let warning = Warning {
            resemblance,
            name: name.to_owned(),
            publisher: *publisher,
            known_name: known_name.to_owned(),
            known_publisher: *known_publisher,
        };
        if !out.contains(&warning) {
            out.push(warning);
        }
    }
    out
}

/// How one name resembles another. None: it does not.
pub fn resemblance(name: &str, known: &str) -> Option<Resemblance> {
    if name == known {
        return Some(Resemblance::Same);
    }
    if skeleton(name) == skeleton(known) {
        return Some(Resemblance::LooksAlike);
    }
    // Names are ASCII, so bytes are characters.
    let (short, long) = (name.len().min(known.len()), name.len().max(known.len()));
    match strsim::damerau_levenshtein(name, known) {
        1 if long >= SLIP_CHARS => Some(Resemblance::Slips(1)),
        2 if short >= TWO_SLIPS_CHARS => Some(Resemblance::Slips(2)),
        _ => None,
    }
}

/// A name with what looks alike made equal: `0` and `o`; `1`, `l` and `i`; `rn` and `m`; `vv` and `w`; `cl` and `d`;
/// dashes left out; a letter repeated written once.
pub fn skeleton(name: &str) -> String {
    let alike: String = name
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            c => c,
        })
        .collect();
    let mut out = String::with_capacity(alike.len());
    let pairs = alike
        .replace("rn", "m")
        .replace("vv", "w")
        .replace("cl", "d");
    for c in pairs.chars().filter(|c| *c != '-') {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

/// A key for people to compare over the phone: the first 64 bits of its sha-256, as four groups of four hex digits.
pub fn fingerprint(did: &Did) -> String {
    let cid = content::raw_cid(did.public());
    let groups: Vec<String> = cid.hash().digest()[..8]
        .chunks(2)
        .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for (a, b) in [
            ("scorer-clean-energy", "sc0rer-c1ean-energy"),
            ("scorer-clean-energy", "scorer-ciean-energy"),
            ("scorer-clean-energy", "scorercleanenergy"),
            ("scorer-clean-energy", "scorer-dean-energy"),
            ("modern", "modem"),
            ("view", "vievv"),
            ("hello", "helo"),
            ("ocr", "0cr"),
        ] {
            assert_eq!(resemblance(a, b), Some(Resemblance::LooksAlike), "{a} {b}");
            assert_eq!(resemblance(b, a), Some(Resemblance::LooksAlike), "{b} {a}");
        }
    }

    #[test]
    fn slips_count_by_length() {
        for (a, b, found) in [
            ("embed", "embde", Some(Resemblance::Slips(1))),
            ("embed", "embod", Some(Resemblance::Slips(1))),
            ("embed", "embeds", Some(Resemblance::Slips(1))),
            ("embed", "emebds", None),
            ("clean-energy", "claen-enrgy", Some(Resemblance::Slips(2))),
            ("clean-energy", "claen-enrgi", None),
            ("ocr", "ocs", None),
            ("a", "b", None),
            ("scorer-latency", "scorer-market", None),
            ("embed", "embed", Some(Resemblance::Same)),
        ] {
            assert_eq!(resemblance(a, b), found, "{a} {b}");
        }
    }

    #[test]
    fn a_publishers_own_names_are_not_in_the_way() {
        let (one, two) = (Did::from_public([1; 32]), Did::from_public([2; 32]));
        let known = [
            (&one, "embed"),
            (&two, "embed"),
            (&two, "embed"),
            (&one, "embod"),
        ];
        let found = check(&one, "embed", known);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].known_publisher, two);
        let text = found[0].to_string();
        for did in [one, two] {
            assert!(text.contains(&fingerprint(&did)), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_short_and_of_its_key_alone() {
        // printf '\1%.0s' {1..32} | sha256sum
        assert_eq!(
            fingerprint(&Did::from_public([1; 32])),
            "72cd-6e84-22c4-07fb"
        );
        assert_ne!(
            fingerprint(&Did::from_public([1; 32])),
            fingerprint(&Did::from_public([2; 32]))
        );
    }
}
