//! Keys at rest, replaced and revoked, and whom a home trusts: in a real home, over the API.

mod world;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use weft_api::key_report::{KeyReport, TrustReport, TrustTestReport};
use weft_api::{
    ApiError, KeyPart, KeyRequest, Passphrase, Request, Response, RuleSpec, TrustRequest,
};
use world::World;

const SECRET: &str = "correct horse battery";

fn passphrase(text: &str) -> Option<Passphrase> {
    Some(Passphrase::new(text.into()).expect("a passphrase"))
}

fn home(world: &World) -> PathBuf {
    world.home.path().join("home")
}

fn file(world: &World, name: &str) -> PathBuf {
    home(world).join("keys").join(name)
}

fn ask(world: &World, request: KeyRequest) -> Result<KeyReport, ApiError> {
    match world.client.call(Request::Key(request))? {
        Response::Key(key) => Ok(*key),
        other => panic!("{other:?}"),
    }
}

fn new(world: &World, name: &str, text: Option<&str>) -> Result<KeyReport, ApiError> {
    let passphrase = text.and_then(passphrase);
    let name = name.to_owned();
    ask(world, KeyRequest::New { name, passphrase })
}

fn show(world: &World, name: &str) -> KeyReport {
    ask(world, KeyRequest::Show { name: name.into() }).expect("a key")
}

fn rotate(world: &World, name: &str, text: Option<&str>) -> Result<KeyReport, ApiError> {
    let passphrase = text.and_then(passphrase);
    let name = name.to_owned();
    ask(world, KeyRequest::Rotate { name, passphrase })
}

fn revoke(world: &World, key: &str, text: Option<&str>) -> Result<KeyReport, ApiError> {
    ask(
        world,
        KeyRequest::Revoke {
            key: key.into(),
            reason: "stolen".into(),
            passphrase: text.and_then(passphrase),
        },
    )
}

fn export(
    world: &World,
    name: &str,
    part: KeyPart,
    to: &str,
    text: Option<&str>,
) -> Result<PathBuf, ApiError> {
    let path = world.home.path().join(to);
    world.client.call(Request::Key(KeyRequest::Export {
        name: name.into(),
        part,
        path: path.display().to_string(),
        passphrase: text.and_then(passphrase),
    }))?;
    Ok(path)
}

fn import(
    world: &World,
    name: &str,
    path: &str,
    text: Option<&str>,
) -> Result<KeyReport, ApiError> {
    ask(
        world,
        KeyRequest::Import {
            name: name.into(),
            path: path.into(),
            passphrase: text.and_then(passphrase),
        },
    )
}

fn trust(world: &World, request: TrustRequest) -> Result<TrustReport, ApiError> {
    match world.client.call(Request::Trust(request))? {
        Response::Trust(trust) => Ok(trust),
        other => panic!("{other:?}"),
    }
}

fn test(world: &World, target: &str) -> Result<TrustTestReport, ApiError> {
    let target = target.to_owned();
    match world
        .client
        .call(Request::Trust(TrustRequest::Test { target }))?
    {
        Response::TrustTest(test) => Ok(test),
        other => panic!("{other:?}"),
    }
}

fn rule(names: &str, targets: &str, keys: &[&str]) -> RuleSpec {
    RuleSpec {
        names: vec![names.into()],
        targets: vec![targets.into()],
        role: "author".into(),
        keys: keys.iter().map(|k| (*k).to_owned()).collect(),
        minimum: None,
        security: vec![],
        comment: None,
    }
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o777
}

fn files(world: &World) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(home(world).join("keys"))
        .expect("keys")
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn keys_are_private_files_and_encrypted_ones_need_their_passphrase() {
    let world = World::new();
    let plain = new(&world, "robot", None).expect("a key");
    assert_eq!(
        (plain.purpose.as_str(), plain.encrypted),
        ("publisher", false)
    );
    let sealed = new(&world, "publisher", Some(SECRET)).expect("a key");
    assert!(sealed.encrypted);
    assert_ne!(plain.did, sealed.did);
    for name in ["robot.key", "publisher.key.age", "publisher.pub"] {
        assert_eq!(mode(&file(&world, name)), 0o600, "{name}");
    }
    let bytes = std::fs::read(file(&world, "publisher.key.age")).expect("a file");
    assert!(bytes.starts_with(b"age-encryption.org/v1\n-> scrypt "));
    assert_eq!(show(&world, "publisher"), sealed);

    let missing = rotate(&world, "publisher", None).unwrap_err();
    assert_eq!(missing.code, "passphrase");
    let wrong = rotate(&world, "publisher", Some("wrong secret words")).unwrap_err();
    assert_eq!(wrong.code, "refused");
    for error in [missing, wrong] {
        let told = format!("{error:?} {error}");
        assert!(
            !told.contains("wrong secret") && !told.contains(SECRET),
            "{told}"
        );
    }
    for (name, text, code) in [
        ("publisher", None, "conflict"),
        ("device", None, "invalid"),
        ("owner", None, "invalid"),
        ("member-x", None, "invalid"),
        ("../x", None, "invalid"),
        ("A", None, "invalid"),
        ("", None, "invalid"),
        ("short", Some("short"), "invalid"),
    ] {
        assert_eq!(new(&world, name, text).unwrap_err().code, code, "{name}");
    }
    assert!(!files(&world).iter().any(|f| f.starts_with("short")));
    let request = Request::Key(KeyRequest::New {
        name: "x".into(),
        passphrase: passphrase(SECRET),
    });
    assert!(!format!("{request:?}").contains("horse"));
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_what_to_do() {
    let world = World::new();
    new(&world, "robot", None).expect("a key");
    let path = file(&world, "robot.key");
    for open in [0o644, 0o660, 0o604, 0o620] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(open)).expect("permissions");
        let error = rotate(&world, "robot", None).unwrap_err();
        assert_eq!(error.code, "refused");
        assert_eq!(error.remedy, format!("chmod 600 {}", path.display()));
        assert_eq!(show(&world, "robot").state, "unreadable");
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("permissions");
    assert_eq!(show(&world, "robot").state, "in use");
}

#[test]
fn a_key_leaves_and_comes_back_encrypted() {
    let world = World::new();
    let robot = new(&world, "robot", None).expect("a key");
    assert_eq!(
        export(&world, "robot", KeyPart::Secret, "a", None)
            .unwrap_err()
            .code,
        "passphrase"
    );
    let secret =
        export(&world, "robot", KeyPart::Secret, "robot.age", Some(SECRET)).expect("a file");
    assert_eq!(mode(&secret), 0o600);
    let again = export(&world, "robot", KeyPart::Secret, "robot.age", Some(SECRET));
    assert_eq!(again.unwrap_err().code, "conflict");
    let public = export(&world, "robot", KeyPart::Public, "robot.did", None).expect("a file");
    let text = std::fs::read_to_string(public).expect("a file");
    assert_eq!(Some(text.trim().to_owned()), robot.did);
    assert_eq!(
        export(&world, "device", KeyPart::Secret, "b", Some(SECRET))
            .unwrap_err()
            .code,
        "refused"
    );
    for part in [KeyPart::Rotation, KeyPart::Revocation] {
        let error = export(&world, "robot", part, "c", None).unwrap_err();
        assert_eq!(error.code, "not-found");
    }

    let secret = secret.display().to_string();
    assert_eq!(
        import(&world, "two", &secret, Some(SECRET))
            .unwrap_err()
            .code,
        "conflict"
    );
    let other = World::new();
    assert_eq!(
        import(&other, "two", &secret, None).unwrap_err().code,
        "passphrase"
    );
    assert_eq!(
        import(&other, "two", &secret, Some("wrong words here"))
            .unwrap_err()
            .code,
        "refused"
    );
    let two = import(&other, "two", &secret, Some(SECRET)).expect("the key");
    assert_eq!((two.did, two.encrypted), (robot.did, true));
    let garbage = other.home.path().join("garbage");
    std::fs::write(&garbage, "no key").expect("a file");
    std::fs::set_permissions(&garbage, PermissionsExt::from_mode(0o600)).expect("permissions");
    let garbage = garbage.display().to_string();
    assert_eq!(
        import(&other, "three", &garbage, None).unwrap_err().code,
        "invalid"
    );
    assert!(!files(&other).iter().any(|f| f.starts_with("three")));
}

#[test]
fn a_replaced_key_stays_beside_and_both_sign_that() {
    let world = World::new();
    let old = new(&world, "publisher", Some(SECRET)).expect("a key");
    let now = rotate(&world, "publisher", Some(SECRET)).expect("a new key");
    assert_ne!(now.did, old.did);
    assert!(now.encrypted);
    let kept = show(&world, "publisher.1");
    assert_eq!(
        (kept.did.clone(), kept.state.as_str()),
        (old.did.clone(), "replaced")
    );
    assert_eq!(kept.replaced_by, now.did);
    let third = rotate(&world, "publisher", Some(SECRET)).expect("another");
    assert_eq!(show(&world, "publisher.2").did, now.did);
    assert_eq!(
        rotate(&world, "publisher.1", Some(SECRET))
            .unwrap_err()
            .code,
        "invalid"
    );
    let error = rotate(&world, "device", None).unwrap_err();
    assert_eq!(error.code, "refused");
    assert!(error.message.contains("log"), "{error}");
    let kinds: Vec<String> = world
        .database()
        .prepare("SELECT kind FROM events WHERE kind LIKE 'key-%'")
        .and_then(|mut q| q.query_map([], |r| r.get(0))?.collect())
        .expect("the log");
    assert_eq!(kinds, ["key-rotated", "key-rotated"]);

    // Another home takes the statements in.
    let first = export(&world, "publisher.1", KeyPart::Rotation, "r1", None).expect("a statement");
    let second = export(&world, "publisher", KeyPart::Rotation, "r2", None).expect("a statement");
    let other = World::new();
    for path in [&first, &first, &second] {
        let path = path.display().to_string();
        let answer = other
            .client
            .call(Request::Trust(TrustRequest::AddRotation { path }));
        assert!(answer.is_ok(), "{answer:?}");
    }
    let rows: i64 = other
        .database()
        .query_row("SELECT count(*) FROM rotations", [], |r| r.get(0))
        .expect("rows");
    assert_eq!(rows, 2);
    // A rotation is no revocation, and a changed one is none.
    let path = first.display().to_string();
    let wrong = other
        .client
        .call(Request::Trust(TrustRequest::AddRevocation { path }));
    assert_eq!(wrong.unwrap_err().code, "refused");
    let mut bytes = std::fs::read(&second).expect("a statement");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&second, bytes).expect("a file");
    let path = second.display().to_string();
    let wrong = other
        .client
        .call(Request::Trust(TrustRequest::AddRotation { path }));
    assert_eq!(wrong.unwrap_err().code, "refused");
    assert!(third.did.is_some());
}

#[test]
fn a_replacement_that_was_cut_off_is_finished_or_undone() {
    // Not in the log yet: undone.
    let world = World::new();
    let old = new(&world, "robot", None).expect("a key");
    let other = new(&world, "other", None).expect("a key");
    let copy = |from: &str, to: &str| {
        std::fs::copy(file(&world, from), file(&world, to)).expect("a copy");
    };
    copy("robot.key", "robot.1.key");
    copy("other.key", "robot.next.key");
    let world = world.reopened("");
    assert_eq!(show(&world, "robot").did, old.did);
    let left = files(&world);
    assert!(
        !left
            .iter()
            .any(|f| f.contains(".next") || f == "robot.1.key"),
        "{left:?}"
    );

    // In the log: finished.
    let next = |name: &str| file(&world, name);
    std::fs::copy(next("robot.key"), next("robot.1.key")).expect("a copy");
    std::fs::copy(next("other.key"), next("robot.next.key")).expect("a copy");
    world.sql(&format!(
        "INSERT INTO rotations VALUES ('{}', '{}', '2026-01-01 00:00:00', x'00')",
        old.did.clone().expect("a key"),
        other.did.clone().expect("a key")
    ));
    let world = world.reopened("");
    assert_eq!(show(&world, "robot").did, other.did);
    assert_eq!(show(&world, "robot.1").did, old.did);
    assert!(!files(&world).iter().any(|f| f.contains(".next")));

    // Encrypted, and cut off between its two files.
    let sealed = new(&world, "sealed", Some(SECRET)).expect("a key");
    let heir = new(&world, "heir", Some(SECRET)).expect("a key");
    world.sql(&format!(
        "INSERT INTO rotations VALUES ('{}', '{}', '2026-01-01 00:00:00', x'00')",
        sealed.did.expect("a key"),
        heir.did.clone().expect("a key")
    ));
    std::fs::rename(file(&world, "heir.pub"), file(&world, "sealed.next.pub")).expect("renamed");
    std::fs::rename(file(&world, "heir.key.age"), file(&world, "sealed.key.age")).expect("renamed");
    let world = world.reopened("");
    assert_eq!(show(&world, "sealed").did, heir.did);
    assert!(rotate(&world, "sealed", Some(SECRET)).is_ok());
}

#[test]
fn a_revoked_key_signs_nothing_and_others_hear_of_it() {
    let world = World::new();
    let key = new(&world, "publisher", Some(SECRET)).expect("a key");
    let did = key.did.expect("a key");
    assert_eq!(
        revoke(&world, "publisher", None).unwrap_err().code,
        "passphrase"
    );
    // Its DID names the same key.
    let gone = revoke(&world, &did, Some(SECRET)).expect("revoked");
    assert_eq!((gone.state.as_str(), gone.statement), ("revoked", true));
    assert_eq!(gone.reason.as_deref(), Some("stolen"));
    assert_eq!(
        revoke(&world, "publisher", Some(SECRET)).unwrap_err().code,
        "conflict"
    );
    assert_eq!(
        rotate(&world, "publisher", Some(SECRET)).unwrap_err().code,
        "refused"
    );
    assert_eq!(revoke(&world, "device", None).unwrap_err().code, "refused");
    assert_eq!(
        revoke(&world, "nobody", None).unwrap_err().code,
        "not-found"
    );

    let other = World::new();
    let word = revoke(&other, &did, None).expect("the owner's word");
    assert_eq!((word.purpose.as_str(), word.statement), ("foreign", false));
    let path = export(&world, "publisher", KeyPart::Revocation, "r", None).expect("a statement");
    let path = path.display().to_string();
    let request = TrustRequest::AddRevocation { path };
    match other.client.call(Request::Trust(request.clone())) {
        Ok(Response::Key(key)) => assert!(key.statement),
        answer => panic!("{answer:?}"),
    }
    let again = other.client.call(Request::Trust(request));
    assert_eq!(again.unwrap_err().code, "conflict");
}

/// The default scorer, signed by another key of another home: a stranger's release in this home's database.
fn stranger(world: &World) -> String {
    world
        .database()
        .query_row(
            "SELECT publisher FROM releases WHERE name = 'scorer-latency'",
            [],
            |r| r.get(0),
        )
        .expect("a release")
}

#[test]
fn an_empty_file_trusts_what_came_with_the_program_and_the_owner() {
    let world = World::new();
    let verdict = test(&world, "scorer-latency").expect("a verdict");
    assert!(
        verdict.trusted && verdict.because.contains("came with"),
        "{verdict:?}"
    );
    let rules = trust(&world, TrustRequest::List).expect("rules");
    assert!(rules.rules.is_empty() && rules.bundled > 10, "{rules:?}");
    // The note gone: the same release is a stranger's.
    world.sql("UPDATE meta SET value = '{}' WHERE key = 'bundled'");
    let verdict = test(&world, "scorer-latency").expect("a verdict");
    assert!(!verdict.trusted, "{verdict:?}");
    assert!(
        verdict.because.contains(&verdict.publisher) && verdict.lacks.is_empty(),
        "{verdict:?}"
    );
    // The note is made again when the home is opened.
    let world = world.reopened("");
    assert!(test(&world, "scorer-latency").expect("a verdict").trusted);
}

#[test]
fn a_rule_lets_in_and_a_revocation_shuts_out() {
    let world = World::new();
    world.sql("UPDATE meta SET value = '{}' WHERE key = 'bundled'");
    let key = stranger(&world);
    let add = |rule| trust(&world, TrustRequest::Add { rule });
    add(rule("scorer-*", "workload", &[&key])).expect("added");
    assert!(!test(&world, "scorer-latency").expect("a verdict").trusted);
    let rules = add(rule("scorer-*", "scorer", &[&key])).expect("added");
    assert_eq!(rules.rules.len(), 2);
    let verdict = test(&world, "scorer-latency").expect("a verdict");
    assert!(
        verdict.trusted && verdict.because.starts_with("rule 2"),
        "{verdict:?}"
    );

    // Seen before the key was revoked, as the home's own note says; `created` is not asked.
    revoke(&world, &key, None).expect("revoked");
    let verdict = test(&world, "scorer-latency").expect("a verdict");
    assert!(
        !verdict.trusted && verdict.because.contains("revoked before"),
        "{verdict:?}"
    );
    let seen = |at: &str| {
        world.sql(&format!(
            "INSERT OR REPLACE INTO first_seen VALUES ('{}', '{at}')",
            verdict.release
        ));
        test(&world, "scorer-latency").expect("a verdict").trusted
    };
    assert!(seen("2020-01-01 00:00:00"));
    assert!(!seen("2030-01-01 00:00:00"));

    assert_eq!(
        trust(&world, TrustRequest::Remove { place: 3 })
            .unwrap_err()
            .code,
        "not-found"
    );
    trust(&world, TrustRequest::Remove { place: 2 }).expect("removed");
    let verdict = test(&world, "scorer-latency").expect("a verdict");
    assert!(!verdict.trusted);
    for bad in [
        rule("a*b", "scorer", &[&key]),
        rule("scorer-*", "score", &[&key]),
        rule("scorer-*", "scorer", &["did:key:x"]),
        rule("scorer-*", "scorer", &[&key, &key]),
        rule("scorer-*", "scorer", &[]),
        RuleSpec {
            minimum: Some(0),
            ..rule("scorer-*", "scorer", &[&key])
        },
        RuleSpec {
            minimum: Some(2),
            ..rule("scorer-*", "scorer", &[&key])
        },
        RuleSpec {
            role: "security".into(),
            ..rule("scorer-*", "scorer", &[&key])
        },
    ] {
        let before = std::fs::read(home(&world).join("trust.toml")).expect("the file");
        assert_eq!(add(bad.clone()).unwrap_err().code, "invalid", "{bad:?}");
        let after = std::fs::read(home(&world).join("trust.toml")).expect("the file");
        assert_eq!(before, after);
    }
}

#[test]
fn what_a_person_writes_counts_at_once_and_a_broken_file_closes_everything() {
    let world = World::new();
    let key = stranger(&world);
    world.sql("UPDATE meta SET value = '{}' WHERE key = 'bundled'");
    let path = home(&world).join("trust.toml");
    let good = format!(
        "# mine\n[[rule]]\nnames = [\"*\"]\ntargets = [\"*\"]\nall_of = [{{ role = \"author\", key = \"{key}\" }}]\n"
    );
    std::fs::write(&path, &good).expect("the file");
    assert!(test(&world, "scorer-latency").expect("a verdict").trusted);
    trust(
        &world,
        TrustRequest::Add {
            rule: rule("ocr", "workload", &[&key]),
        },
    )
    .expect("added");
    let text = std::fs::read_to_string(&path).expect("the file");
    assert!(text.starts_with(&good), "{text}");
    std::fs::write(&path, format!("{good}colour = \"red\"\n")).expect("the file");
    let requests = [
        TrustRequest::List,
        TrustRequest::Test {
            target: "scorer-latency".into(),
        },
        TrustRequest::Remove { place: 1 },
        TrustRequest::Add {
            rule: rule("ocr", "workload", &[&key]),
        },
    ];
    for request in requests {
        let error = world.client.call(Request::Trust(request)).unwrap_err();
        assert_eq!(error.code, "refused");
        assert!(
            error.message.contains("line 6") && error.message.contains("colour"),
            "{error}"
        );
    }
    // Even what came with the program: nobody knows what the person meant.
    world.sql("DELETE FROM meta WHERE key = 'bundled'");
    let world = world.reopened("");
    assert!(test(&world, "scorer-latency").is_err());
}
