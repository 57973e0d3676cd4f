//! Texts that would move a reader's cursor or hide a word: refused in records, and never printed.

use crate::lab::{Draft, Lab, Publisher, draft};
use weft_kit::{Home, Ran};
use weft_model::content;

/// What an attacker would have a terminal do: clear the screen, set its title, turn the writing round, hide a space.
const EVIL: [&str; 6] = [
    "\u{1b}[2J\u{1b}[1;1Hall is well",
    "\u{1b}]0;owned\u{7}",
    "good\r\nsigned by you",
    "\u{9b}31mred",
    "\u{202e}doog",
    "go\u{200b}od",
];

#[track_caller]
fn is_plain(text: &str) {
    let evil = text.chars().find(|c| {
        (c.is_control() && *c != '\n') || matches!(*c, '\u{200b}' | '\u{202a}'..='\u{202e}')
    });
    assert_eq!(evil, None, "{text:?}");
}

#[track_caller]
fn prints_plainly(ran: &Ran) {
    is_plain(&ran.stdout);
    is_plain(&ran.stderr);
}

/// The same record with a text in one of its fields.
fn with(alice: &Publisher, field: &str, text: &str) -> Draft {
    alice.makes(&draft("good-v1"), |r| match field {
        "name" => r.name = text.into(),
        "description" => r.description = text.into(),
        "source" => r.source = Some(text.into()),
        "license" => r.license = Some(text.into()),
        "domain" => r.domain = Some(text.into()),
        "world" => r.world = text.into(),
        "imports" => r.imports = vec![text.into()],
        "features" => r.features = vec![text.into()],
        other => panic!("{other}"),
    })
}

const FIELDS: [&str; 8] = [
    "name",
    "description",
    "source",
    "license",
    "domain",
    "world",
    "imports",
    "features",
];

#[test]
fn terminal_escapes_in_names_and_descriptions() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    for field in FIELDS {
        for text in EVIL {
            let evil = with(&alice, field, text);
            let error = lab.refuses_draft(&evil, &alice, "bad-release", &[field]);
            is_plain(&error.message);
            is_plain(&error.remedy);
        }
    }
    let config = alice.makes(&draft("good-v1"), |r| {
        r.config_schema = Some(format!("{{\"title\": \"{}\"}}", EVIL[4]));
    });
    let report = lab.world.client.call(weft_api::Request::Package(
        weft_api::PackageRequest::Inspect {
            reference: lab.car(&config, &alice),
        },
    ));
    is_plain(&format!("{report:?}").replace("\\u{202e}", ""));
}

#[test]
fn terminal_escapes_are_never_printed() {
    let alice = Publisher::new(1);
    let home = Home::new();
    home.weft(["init", "--user", "alice@example.com"]).ok();
    let path = home.join("evil.car");
    let file = path.display().to_string();
    for field in ["name", "description", "imports"] {
        let evil = with(&alice, field, EVIL[0]);
        evil.car(&alice.signs(&evil), &path);
        for verb in [
            &["install", &file][..],
            &["install", &file, "--json"],
            &["release", "inspect", &file],
            &["release", "verify", &file],
            &["release", "import", &file],
            &["release", "diff", &file, &file],
        ] {
            let ran = home.weft(verb.iter().copied());
            assert_ne!(ran.code, 0, "{}", ran.line);
            assert!(
                !ran.stdout.is_empty() || !ran.stderr.is_empty(),
                "{}",
                ran.line
            );
            prints_plainly(&ran);
        }
    }
    // Names of files and folders of a source are a stranger's too, and so is what a head that is none holds.
    let source = home.join("source");
    let folder = source.join("heads").join("\u{1b}[31mred");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("\u{1b}]0;owned\u{7}.head"), "\u{1b}[2J").expect("a file");
    let from = source.display().to_string();
    for verb in [
        &["outdated", "--from", &from][..],
        &["outdated", "--from", &from, "--json"],
        &["install", "good", "--from", &from],
        &["install", "\u{1b}[31mgood", "--from", &from],
        &["install", "/nowhere/\u{1b}[31m.car"],
    ] {
        prints_plainly(&home.weft(verb.iter().copied()));
    }
    // A file that is none at all.
    std::fs::write(&path, "\u{1b}[2J\u{1b}]0;owned\u{7}".repeat(100)).expect("a file");
    prints_plainly(&home.weft(["install", &file]).code_is(4));
}

#[test]
fn terminal_escapes_in_what_a_guest_answers() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    // Its golden vector expects a score of one candidate; it answers an error text with control characters.
    let good = draft("good-v1");
    let talks = draft("terminal-escapes");
    let mut evil = alice.makes(&good, |_| {}).with_component(&talks.component);
    evil.release.features = talks.release.features;
    evil.release.imports = talks.release.imports;
    evil.release.vectors = good.vectors.as_ref().map(|v| content::record_cid(v));
    let error = lab.refuses_draft(&evil, &alice, "vectors-failed", &["golden vectors"]);
    is_plain(&error.message);
    let told = lab
        .world
        .rows("SELECT message FROM mesh_events WHERE kind = 'release.refused'");
    told.iter().for_each(|m| is_plain(m));
    assert!(!told.is_empty());
}
