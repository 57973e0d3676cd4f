//! Arbitrary install: who did not sign, signed too often, or signed as somebody else; and keys that were stolen.

use crate::lab::{Ask, Draft, Lab, Publisher, draft, rule};
use crate::world::{HOUR, NOON};
use serde::Serialize;
use weft_api::{KeyRequest, Request, RuleSpec, TrustRequest};
use weft_model::Did;
use weft_model::cbor;
use weft_release::envelope::{Envelope, RELEASE_TYPE, Role};

/// A record without any field that may be absent.
#[derive(Serialize)]
struct Bare {
    name: String,
    publisher: Did,
    version: semver::Version,
    revision: u64,
    world: String,
    component: weft_release::Component,
    imports: Vec<String>,
    features: Vec<String>,
    limits: weft_release::Limits,
    models: Vec<weft_release::Model>,
    created: i64,
    description: String,
}

/// An envelope whose list of signatures is not there at all.
#[derive(Serialize)]
struct Listless {
    payload_type: &'static str,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
}

fn file(lab: &Lab, draft: &Draft, envelope: &impl Serialize) -> Ask {
    let bytes = cbor::encode(envelope).expect("DAG-CBOR");
    let cid = weft_model::content::raw_cid(&draft.component);
    let path = lab.path("release.car");
    draft.car_of(&bytes, &[(cid, draft.component.clone())], &path);
    Ask::of(path.display())
}

#[test]
fn no_signature() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let unsigned = Envelope::new(good.payload());
    lab.refuses(file(&lab, &good, &unsigned), "unsigned", &["nobody signed"]);
    assert_eq!(
        lab.installs(&good, &alice, None).state,
        "done",
        "signed, it is taken"
    );
}

#[test]
fn nobody_who_is_trusted_signed() {
    let (alice, mallory) = (Publisher::new(1), Publisher::new(66));
    let lab = Lab::trusting(&[&alice]);
    let evil = mallory.makes(&draft("good-v1"), |_| {});
    let error = lab.refuses_draft(&evil, &mallory, "untrusted", &["no rule trusts `good`"]);
    let fingerprint = weft_release::names::fingerprint(&mallory.did());
    assert!(error.remedy.contains(&fingerprint), "{error:?}");

    // Mallory signs what says that it is Alice's.
    let posed = alice.makes(&draft("good-v1"), |_| {});
    let did = alice.did().to_string();
    lab.refuses_draft(&posed, &mallory, "not-by-publisher", &[&did]);

    // And puts Alice's signature of another release over it.
    let mut stolen = alice.signs(&alice.makes(&draft("good-v2"), |_| {}));
    stolen.payload = posed.payload();
    lab.refuses(
        file(&lab, &posed, &stolen),
        "bad-signature",
        &["does not hold"],
    );
    let none = Lab::trusting(&[]);
    none.refuses_draft(&posed, &alice, "untrusted", &["no rule trusts `good`"]);
}

#[test]
fn a_stripped_signature_list_with_every_optional_field_missing() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let work = alice.makes(&draft("workload-echo"), |r| {
        r.license = None;
        r.vectors = None;
        r.config_schema = None;
    });
    let listless = Listless {
        payload_type: RELEASE_TYPE,
        payload: work.payload(),
    };
    lab.refuses(file(&lab, &work, &listless), "bad-release", &["signatures"]);

    let r = work.release.clone();
    let bare = cbor::encode(&Bare {
        name: r.name,
        publisher: r.publisher,
        version: r.version,
        revision: r.revision,
        world: r.world,
        component: r.component,
        imports: r.imports,
        features: r.features,
        limits: r.limits,
        models: r.models,
        created: r.created,
        description: r.description,
    });
    let bare = bare.expect("DAG-CBOR");
    assert!(bare.len() < work.payload().len());
    let cid = weft_model::content::record_cid(&bare);
    for (signed, code) in [(false, "unsigned"), (true, "bad-release")] {
        let mut envelope = Envelope::new(bare.clone());
        if signed {
            envelope
                .sign(Role::Author, &alice.key)
                .expect("a signature");
        }
        let bytes = cbor::encode(&envelope).expect("DAG-CBOR");
        let named = weft_model::content::record_cid(&bytes);
        let path = lab.path("bare.car");
        let out = std::fs::File::create(&path).expect("a file");
        let mut car = weft_release::car::CarWriter::new(out, &[cid, named]).expect("a header");
        car.block(&named, &bytes).expect("the envelope");
        car.block(&cid, &bare).expect("the record");
        car.block(&work.release.component.cid, &work.component)
            .expect("the component");
        car.finish().expect("the file");
        lab.refuses(Ask::of(path.display()), code, &[]);
    }
}

#[test]
fn one_key_listed_twice() {
    let (alice, bob) = (Publisher::new(1), Publisher::new(2));
    let lab = Lab::trusting(&[]);
    let (a, b) = (alice.did().to_string(), bob.did().to_string());
    let two = |keys: &[&String]| RuleSpec {
        keys: keys.iter().map(|k| (*k).clone()).collect(),
        minimum: Some(2),
        ..rule(&alice)
    };
    let twice = two(&[&a, &a]);
    let error = lab
        .world
        .refused(Request::Trust(TrustRequest::Add { rule: twice }));
    assert_eq!(error.code, "invalid");
    assert!(error.message.contains("listed twice"), "{error:?}");

    lab.trust(two(&[&a, &b]));
    let good = alice.makes(&draft("good-v1"), |_| {});
    let once = alice.signs(&good);
    lab.refuses(file(&lab, &good, &once), "untrusted", &["1 more of"]);
    let mut again = once.clone();
    again.signatures.push(again.signatures[0].clone());
    lab.refuses(
        file(&lab, &good, &again),
        "bad-signature",
        &["signed twice", &a],
    );
    let mut other = Envelope::new(good.payload());
    other
        .sign(Role::Validator, &alice.key)
        .expect("a signature");
    let mut both = once.clone();
    both.signatures.extend(other.signatures);
    lab.refuses(
        file(&lab, &good, &both),
        "bad-signature",
        &["signed twice", &a],
    );

    let mut real = once;
    real.sign(Role::Author, &bob.key).expect("a signature");
    assert_eq!(lab.install(file(&lab, &good, &real)).state, "done");
}

#[test]
fn the_right_key_in_the_wrong_role() {
    let (alice, bob) = (Publisher::new(1), Publisher::new(2));
    let lab = Lab::trusting(&[]);
    lab.trust(RuleSpec {
        role: "validator".into(),
        ..rule(&bob)
    });
    let good = alice.makes(&draft("good-v1"), |_| {});
    for role in [Role::Author, Role::Owner, Role::Security] {
        let mut envelope = alice.signs(&good);
        envelope.sign(role, &bob.key).expect("a signature");
        lab.refuses(file(&lab, &good, &envelope), "untrusted", &["validator"]);
        // Its label alone changed: the role is part of what was signed.
        let mut relabelled = envelope;
        for signature in &mut relabelled.signatures {
            if signature.key == bob.did() {
                signature.role = Role::Validator;
            }
        }
        relabelled.signatures.sort_by_key(|s| (s.role, s.key));
        let error = lab.refuses(
            file(&lab, &good, &relabelled),
            "bad-signature",
            &["validator"],
        );
        assert!(error.message.contains(&bob.did().to_string()), "{error:?}");
    }
    let mut author = Envelope::new(good.payload());
    author
        .sign(Role::Validator, &alice.key)
        .expect("a signature");
    lab.refuses(
        file(&lab, &good, &author),
        "not-by-publisher",
        &["as author"],
    );
}

#[test]
fn key_compromise() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let serving = lab.puts(&good, &alice, "scorer").release;
    lab.world.clock.advance(HOUR);
    let revoke = KeyRequest::Revoke {
        key: alice.did().to_string(),
        reason: "stolen".into(),
        passphrase: None,
    };
    lab.world.ask(Request::Key(revoke));
    lab.world.clock.advance(HOUR);
    for created in [NOON - 1_000 * HOUR, NOON, NOON + HOUR - 1, NOON + 2 * HOUR] {
        let evil = alice.makes(&draft("good-v2"), |r| {
            r.revision = 2;
            r.created = created;
        });
        lab.refuses_draft(&evil, &alice, "untrusted", &["revoked"]);
    }
    assert_eq!(
        lab.slot("scorer"),
        [serving],
        "what was there before still serves"
    );
}
