//! What an attacker has: keys, genuine releases to start from, and CAR files and heads made by hand.

use crate::world::World;
use ed25519_dalek::SigningKey;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use weft_api::{PackageRequest, PackageResponse, Request, Response};
use weft_model::{Cid, Did, cbor, content};
use weft_release::car::{CarReader, CarWriter, Limits};
use weft_release::envelope::{Envelope, Role};
use weft_release::{Head, Release, statement};

/// A publisher, hostile or not.
pub struct Publisher {
    /// Its key.
    pub key: SigningKey,
}

impl Publisher {
    /// The same for the same seed.
    pub fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    /// Who it is.
    pub fn did(&self) -> Did {
        Did::from_public(self.key.verifying_key().to_bytes())
    }

    /// A release of its own like this one.
    pub fn makes(&self, draft: &Draft, change: impl FnOnce(&mut Release)) -> Draft {
        let mut draft = draft.clone();
        draft.release.publisher = self.did();
        change(&mut draft.release);
        draft
    }

    /// Signs a draft as its author, whatever it says.
    pub fn signs(&self, draft: &Draft) -> Envelope {
        let mut envelope = Envelope::new(draft.payload());
        envelope.sign(Role::Author, &self.key).expect("a signature");
        envelope
    }

    /// Puts a release into a folder as `publish` does: the CAR file, and the head that names it.
    pub fn publishes(&self, draft: &Draft, folder: &Path) {
        let release = &draft.release;
        draft.car(
            &self.signs(draft),
            &folder.join(format!("{}.car", draft.cid())),
        );
        self.heads(folder, &release.name, release.revision, draft.cid(), |_| {});
    }

    /// Puts a head into a folder.
    pub fn heads(
        &self,
        folder: &Path,
        name: &str,
        revision: u64,
        release: Cid,
        change: impl FnOnce(&mut Head),
    ) {
        let mut head = Head {
            publisher: self.did(),
            name: name.into(),
            revision,
            release,
            published: crate::world::NOON,
            expires: None,
        };
        change(&mut head);
        let sealed = statement::seal(&head, &[&self.key]).expect("a head");
        let dir = folder.join("heads").join(self.did().to_string());
        std::fs::create_dir_all(&dir).expect("a folder");
        std::fs::write(dir.join(format!("{name}.head")), sealed).expect("the head");
    }
}

/// A record with what it names.
#[derive(Clone)]
pub struct Draft {
    /// The record.
    pub release: Release,
    /// The bytes that go into the CAR file as its component.
    pub component: Vec<u8>,
    /// The bytes that go in as its golden vectors.
    pub vectors: Option<Vec<u8>>,
}

impl Draft {
    /// The record's bytes; its rules are not looked at.
    pub fn payload(&self) -> Vec<u8> {
        cbor::encode(&self.release).expect("DAG-CBOR")
    }

    /// The record's CID.
    pub fn cid(&self) -> Cid {
        content::record_cid(&self.payload())
    }

    /// Puts other bytes in as its component, which the record names.
    pub fn with_component(mut self, bytes: &[u8]) -> Self {
        self.component = bytes.to_vec();
        self.release.component.cid = content::raw_cid(bytes);
        self.release.component.size = bytes.len() as u64;
        self
    }

    /// Writes its CAR file.
    pub fn car(&self, envelope: &Envelope, path: &Path) {
        let bytes = cbor::encode(envelope).expect("DAG-CBOR");
        let component = content::raw_cid(&self.component);
        self.car_of(&bytes, &[(component, self.component.clone())], path);
    }

    /// Writes a CAR file with these bytes as its envelope, and these blocks behind the records.
    pub fn car_of(&self, envelope: &[u8], blocks: &[(Cid, Vec<u8>)], path: &Path) {
        let named = content::record_cid(envelope);
        let file = File::create(path).expect("a file");
        let mut car = CarWriter::new(file, &[self.cid(), named]).expect("a header");
        car.block(&named, envelope).expect("the envelope");
        car.block(&self.cid(), &self.payload()).expect("the record");
        if let Some(vectors) = &self.vectors {
            let cid = content::record_cid(vectors);
            car.block(&cid, vectors).expect("the vectors");
        }
        for (cid, bytes) in blocks {
            car.block(cid, bytes).expect("a block");
        }
        car.finish().expect("the file");
    }
}

/// A genuine release of a guest, made as its publisher would.
pub fn draft(guest: &str) -> Draft {
    draft_of(guest, &weft_kit::guest(guest))
}

/// A genuine release of a component's file.
pub fn draft_of(name: &str, path: &Path) -> Draft {
    static MADE: Mutex<Option<HashMap<String, Draft>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    if let Some(draft) = made.get(name) {
        return draft.clone();
    }
    let world = World::new();
    let request = PackageRequest::Build {
        path: path.display().to_string(),
        key: None,
        passphrase: None,
        revision: None,
        expires: None,
        source: None,
        skill: None,
    };
    let Response::Package(PackageResponse::Package(built)) = world.ask(Request::Package(request))
    else {
        panic!("another answer");
    };
    let out = world.home.path().join("genuine.car");
    world.ask(Request::Package(PackageRequest::Export {
        reference: built.release,
        out: out.display().to_string(),
    }));
    let file = File::open(out).expect("the CAR file");
    let mut car = CarReader::new(file, Limits::default()).expect("a header");
    let [cid, _] = *car.roots() else {
        panic!("two roots");
    };
    let mut blocks = HashMap::new();
    while let Some((cid, bytes)) = car.next_block().expect("a block") {
        blocks.insert(cid, bytes.to_vec());
    }
    let release = Release::decode(&blocks[&cid]).expect("a record");
    let draft = Draft {
        component: blocks
            .get(&release.component.cid)
            .expect("guests are of one leaf")
            .clone(),
        vectors: release.vectors.map(|cid| blocks[&cid].clone()),
        release,
    };
    made.insert(name.into(), draft.clone());
    draft
}
