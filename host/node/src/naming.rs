//! Which release a name means. The same name by another publisher is other software, so a name means the newest release of
//! one: of the only publisher here, else of the one whose release of that name is in use. Where that leaves several, it
//! means none.
//!
//! The home's own keys and the releases that came with the binary are one publisher, since its owner put them here; so are
//! a key and those that took its place.

use crate::error::{NodeError, Result};
use crate::keys;
use crate::node::Node;
use std::collections::{BTreeMap, BTreeSet};
use weft_store::releases::{self, Release};
use weft_store::{Read, keys as rows};

/// Who published a release, as far as names go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Publisher {
    /// This home, or whoever made its binary.
    Own,
    /// Somebody else, by their newest key.
    Other(String),
}

/// Who is who.
struct Publishers {
    own: BTreeSet<String>,
    bundled: BTreeSet<String>,
    /// The key that took a key's place.
    successors: BTreeMap<String, String>,
}

impl Node {
    /// The release that a name means; none where no release has it.
    ///
    /// # Errors
    /// `ambiguous` when it is that of several publishers, and not one of them alone is in use.
    pub(crate) fn release_named(&self, tx: &Read, name: &str) -> Result<Option<Release>> {
        let rows = releases::named(tx, name)?;
        if rows.len() < 2 {
            return Ok(newest(rows));
        }
        let known = self.publishers(tx)?;
        let mut by: BTreeMap<Publisher, Vec<Release>> = BTreeMap::new();
        for row in rows {
            by.entry(known.of(&row.cid, &row.publisher))
                .or_default()
                .push(row);
        }
        if by.len() > 1 {
            let in_use: BTreeSet<Publisher> = self
                .targets(tx)?
                .into_iter()
                .filter(|(_, _, release)| release.name == name)
                .map(|(_, cid, r)| known.of(&cid.to_string(), &r.publisher.to_string()))
                .collect();
            if in_use.len() == 1 {
                by.retain(|publisher, _| in_use.contains(publisher));
            }
        }
        let mut found: Vec<Release> = by.into_values().filter_map(newest).collect();
        if found.len() < 2 {
            return Ok(found.pop());
        }
        let several: Vec<String> = found
            .iter()
            .map(|row| format!("{} ({})", row.publisher, row.cid))
            .collect();
        Err(NodeError::coded(
            "ambiguous",
            format!(
                "`{name}` is here by several publishers: {}",
                several.join(", ")
            ),
        )
        .try_this("name the one that you mean by its CID"))
    }

    fn publishers(&self, tx: &Read) -> Result<Publishers> {
        let files = keys::list(&self.home)?.into_iter();
        let bundled = crate::trust::bundled(tx)?.into_values();
        let rotations = rows::rotations(tx)?.into_iter();
        Ok(Publishers {
            own: files
                .filter_map(|file| Some(file.did.ok()?.to_string()))
                .collect(),
            bundled: bundled.map(|cid| cid.to_string()).collect(),
            successors: rotations.map(|row| (row.old_did, row.new_did)).collect(),
        })
    }
}

impl Publishers {
    fn of(&self, cid: &str, publisher: &str) -> Publisher {
        let mut key = publisher;
        // As many steps as there are rows: two that name each other end it, too.
        for _ in 0..self.successors.len() {
            match self.successors.get(key) {
                Some(next) => key = next,
                None => break,
            }
        }
        if self.bundled.contains(cid) || self.own.contains(key) {
            Publisher::Own
        } else {
            Publisher::Other(key.to_owned())
        }
    }
}

/// The one that came last, of those of one publisher.
fn newest(rows: Vec<Release>) -> Option<Release> {
    rows.into_iter().max_by_key(|r| (r.added_at, r.revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_and_its_binary_are_one_publisher_and_so_are_a_key_and_its_successors() {
        let text = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        let known = Publishers {
            own: text(&["me", "me-2"]),
            bundled: text(&["default"]),
            successors: [("ann", "ann-2"), ("ann-2", "ann-3"), ("x", "y"), ("y", "x")]
                .map(|(old, new)| (old.to_owned(), new.to_owned()))
                .into(),
        };
        let other = |key: &str| Publisher::Other(key.to_owned());
        for (cid, publisher, expected) in [
            ("a", "me", Publisher::Own),
            ("a", "me-2", Publisher::Own),
            ("default", "anything", Publisher::Own),
            ("a", "anything", other("anything")),
            ("a", "ann", other("ann-3")),
            ("a", "ann-2", other("ann-3")),
            ("a", "ann-3", other("ann-3")),
        ] {
            assert_eq!(known.of(cid, publisher), expected, "{publisher}");
        }
        // A circle ends somewhere.
        known.of("a", "x");
    }
}
