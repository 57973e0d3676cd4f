//! A home that follows a publisher's folder: two revisions of a scorer, both installed.

#[path = "home.rs"]
mod home;

use home::node;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weft_node::{BuildWanted, Node, NodeError, RuleSpec, Wanted};

/// A home that trusts a publisher, whose folder has two revisions of a scorer.
pub struct Scene {
    /// The home's node.
    pub node: Arc<Node>,
    /// The home's folder.
    pub home: PathBuf,
    /// The releases' CIDs; the second one serves.
    pub revisions: [String; 2],
    from: String,
}

/// Both revisions made, published, trusted and installed.
pub fn scene(folder: &Path) -> Scene {
    let publisher = node(&folder.join("publisher"));
    let from = folder.join("releases");
    std::fs::create_dir(&from).expect("a folder");
    let revisions = ["good-v1", "good-v2"].map(|guest| {
        let built = publisher.package_build(&BuildWanted {
            path: weft_kit::guest(guest),
            key: None,
            passphrase: None,
            revision: None,
            expires: None,
            source: None,
            skill: None,
        });
        let cid = built.unwrap_or_else(|e| panic!("{e}")).release;
        let published = publisher.package_publish(&cid, Some(&from), None, None);
        published.unwrap_or_else(|e| panic!("{e}"));
        cid
    });
    let owner = publisher
        .key_show("owner")
        .unwrap_or_else(|e| panic!("{e}"));
    drop(publisher);

    let home = folder.join("home");
    let scene = Scene {
        node: node(&home),
        home,
        revisions,
        from: from.to_str().expect("UTF-8").to_owned(),
    };
    let rule = RuleSpec {
        names: vec!["good".into()],
        targets: vec!["scorer".into()],
        role: "author".into(),
        keys: vec![owner.did.expect("a key has one")],
        minimum: None,
        security: vec![],
        comment: None,
    };
    scene
        .node
        .trust_add(&rule)
        .unwrap_or_else(|e| panic!("{e}"));
    for cid in &scene.revisions {
        scene.install(cid);
    }
    scene
}

impl Scene {
    /// Installs a release from the folder, with the owner's consent.
    pub fn install(&self, cid: &str) {
        let done = self.node.install(&Wanted {
            reference: cid.to_owned(),
            from: Some(self.from.clone()),
            target: Some("scorer".into()),
            consent: true,
            ..Wanted::default()
        });
        assert_eq!(done.unwrap_or_else(|e| panic!("{e}")).state, "done");
    }

    fn serves(&self, cid: &str) {
        let slots = self.node.slot_list().unwrap_or_else(|e| panic!("{e}"));
        let scorer = slots.iter().find(|s| s.slot == "scorer").expect("the slot");
        assert_eq!(scorer.plugins[0].cid, cid);
    }

    /// Installs the second revision, puts the first one back, and keeps it there and lets it go.
    pub fn cycle(&self) {
        let [first, second] = &self.revisions;
        self.install(second);
        let go = |done: Result<(), NodeError>| done.unwrap_or_else(|e| panic!("{e}"));
        go(self.node.target_rollback("scorer").map(|_| ()));
        go(self.node.pin("scorer", first).map(|_| ()));
        go(self.node.unpin("scorer").map(|_| ()));
        self.serves(first);
    }
}
