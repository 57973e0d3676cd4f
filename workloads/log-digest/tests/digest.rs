//! Logs in, reports out: shapes of input, caps, params and determinism.

use log_digest::LogDigest;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read};
use weft_sdk::workload::{JobError, Workload};

fn run_with(params: &str, mut input: impl BufRead) -> Result<Value, JobError> {
    let mut output = Vec::new();
    LogDigest::run(params, &mut input, &mut output)?;
    Ok(serde_json::from_slice(&output).expect("the output is JSON"))
}

fn run(params: &str, input: &[u8]) -> Value {
    run_with(params, input).expect("the run succeeds")
}

/// (template, count) in the order of the report.
fn templates(report: &Value) -> Vec<(String, u64)> {
    let list = report["templates"].as_array().expect("a list");
    list.iter()
        .map(|t| {
            let text = t["template"].as_str().expect("a text");
            (text.to_owned(), t["count"].as_u64().expect("a count"))
        })
        .collect()
}

fn owned(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter().map(|&(t, n)| (t.to_owned(), n)).collect()
}

const DPKG: &[u8] = b"\
2026-01-01 12:00:00 startup archives unpack
2026-01-01 12:00:01 install libfoo:amd64 <none> 1.2-3
2026-01-01 12:00:02 install libbar:amd64 <none> 2.0-1
2026-01-01 12:00:03 status installed libfoo:amd64 1.2-3
2026-01-01 12:00:04 status installed libbar:amd64 2.0-1
";

#[test]
fn groups_counts_and_dates() {
    let report = run("", DPKG);
    assert_eq!(report["lines"], 5);
    assert_eq!(report["bytes"], DPKG.len());
    assert_eq!(
        templates(&report),
        owned(&[
            ("install <*> <none> <NUM>-<NUM>", 2),
            ("status installed <*> <NUM>-<NUM>", 2),
            ("startup archives unpack", 1),
        ])
    );
    assert_eq!(
        report["templates"][0],
        json!({
            "id": 2,
            "template": "install <*> <none> <NUM>-<NUM>",
            "count": 2,
            "first_line": 2,
            "last_line": 3,
            "first_seen": "2026-01-01 12:00:01",
            "last_seen": "2026-01-01 12:00:02",
            "example": "2026-01-01 12:00:01 install libfoo:amd64 <none> 1.2-3",
        })
    );
    assert_eq!(report["outliers"], json!([]), "five lines have no outlier");
    assert_eq!(report["levels"], Value::Null);
}

#[test]
fn an_empty_input_has_no_templates() {
    let report = run("", b"");
    assert_eq!((&report["lines"], &report["bytes"]), (&json!(0), &json!(0)));
    assert_eq!(report["templates"], json!([]));
    assert_eq!(run("{\"assignments\":true}", b"")["assignments"], json!([]));
}

#[test]
fn line_endings_do_not_matter() {
    for input in [&b"a b"[..], b"a b\n", b"a b\r\n"] {
        let report = run("", input);
        assert_eq!(templates(&report), owned(&[("a b", 1)]));
        assert_eq!(report["lines"], 1);
        assert_eq!(report["bytes"], input.len());
    }
    let report = run("", b"a b\r\n\r\n \t\na b\n");
    assert_eq!(templates(&report), owned(&[("a b", 2)]));
    assert_eq!(
        (&report["lines"], &report["blank_lines"]),
        (&json!(4), &json!(2))
    );
}

#[test]
fn invalid_utf8_is_counted_and_replaced() {
    let report = run("", b"caf\xc3\xa9 open\ncaf\xe9 shut\n");
    assert_eq!(report["invalid_utf8_lines"], 1);
    assert_eq!(
        templates(&report),
        owned(&[("caf\u{e9} open", 1), ("caf\u{fffd} shut", 1)])
    );
}

#[test]
fn a_character_cut_by_the_cap_is_not_invalid() {
    let line = "é".repeat(100);
    let report = run("{\"max_line_bytes\":65}", line.as_bytes());
    assert_eq!(report["truncated_lines"], 1);
    assert_eq!(report["invalid_utf8_lines"], 0);
}

/// Gives `count` lines of what `line` writes, made as they are read.
struct Generated<F> {
    next: u64,
    count: u64,
    line: F,
    buffer: Vec<u8>,
    taken: usize,
}

fn generated<F: Fn(u64, &mut Vec<u8>)>(count: u64, line: F) -> BufReader<Generated<F>> {
    BufReader::new(Generated {
        next: 0,
        count,
        line,
        buffer: Vec::new(),
        taken: 0,
    })
}

impl<F: Fn(u64, &mut Vec<u8>)> Read for Generated<F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.buffer.len() {
            if self.next == self.count {
                return Ok(0);
            }
            self.buffer.clear();
            self.taken = 0;
            (self.line)(self.next, &mut self.buffer);
            self.buffer.push(b'\n');
            self.next += 1;
        }
        let n = out.len().min(self.buffer.len() - self.taken);
        out[..n].copy_from_slice(&self.buffer[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

#[test]
fn a_line_of_ten_megabytes_is_cut() {
    const BYTES: usize = 10_000_000;
    for line in [b"word ", b"aaaaa", b"a/b:1", b"\xff\xff:::", b"-----"] {
        let input = line.repeat(BYTES / line.len());
        let report = run("", &input);
        assert_eq!(report["lines"], 1);
        assert_eq!(report["bytes"], BYTES);
        assert_eq!(report["truncated_lines"], 1);
        let text = report["templates"][0]["template"].as_str().expect("a text");
        assert!(text.len() <= 3 * 16 * 1024, "{} bytes", text.len());
    }
}

#[test]
fn two_hundred_thousand_lines_of_one_kind_are_one_template() {
    const LINES: u64 = 200_000;
    let input = generated(LINES, |i, line| {
        line.extend_from_slice(
            format!("job {i} done by user{} in {}ms", i % 977, i % 13).as_bytes(),
        );
    });
    let report = run_with("", input).expect("the run succeeds");
    assert_eq!(
        templates(&report),
        owned(&[("job <NUM> done by <*> in <NUM>ms", LINES)])
    );
}

#[test]
fn lines_that_are_all_different_fill_the_caps_and_no_more() {
    const LINES: u64 = 200_000;
    // Letters alone, so that nothing is masked and no two lines are alike.
    let words = |i: u64, line: &mut Vec<u8>| {
        for part in 0..8 {
            let mut n = i * 8 + part;
            for _ in 0..6 {
                line.push(b'a' + (n % 26) as u8);
                n /= 26;
            }
            line.push(b' ');
        }
    };
    let report = run_with("{\"max_templates\":50}", generated(LINES, words)).expect("it succeeds");
    assert_eq!(report["template_count"], 50);
    assert_eq!(report["overflow"]["lines"], LINES - 50);
    assert_eq!(report["overflow"]["first_line"], 51);
    assert_eq!(report["overflow"]["last_line"], LINES);

    let params = "{\"max_templates\":1000000,\"max_memory_bytes\":1048576}";
    let report = run_with(params, generated(LINES, words)).expect("it succeeds");
    let count = report["template_count"].as_u64().expect("a count");
    // Each template costs 512 bytes and its words here, so a mebibyte holds fewer than 2,048.
    assert!((500..2048).contains(&count), "{count} templates");
    assert_eq!(report["overflow"]["lines"], LINES - count);
}

#[test]
fn a_line_of_many_tokens_is_compared_up_to_the_cap() {
    let line = format!("{}x", "a ".repeat(20));
    let report = run("{\"max_tokens\":4}", line.as_bytes());
    assert_eq!(report["token_capped_lines"], 1);
    assert_eq!(templates(&report), owned(&[("a a a a", 1)]));
}

#[test]
fn rare_templates_are_outliers() {
    let mut log = "all is well\n".repeat(2997);
    log.push_str("disk failed\ndisk failed\nfire\n");
    let report = run("", log.as_bytes());
    assert_eq!(report["outlier_rule"]["max_count"], 3);
    let outliers: Vec<_> = report["outliers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|o| &o["template"])
        .collect();
    assert_eq!(outliers, ["fire", "disk failed"]);
    let report = run("{\"outlier_share\":0}", log.as_bytes());
    assert_eq!(
        report["outliers"].as_array().map(Vec::len),
        Some(1),
        "once is rare"
    );
}

#[test]
fn levels_are_counted() {
    let log =
        b"2026-01-01 12:00:00 ERROR a\n2026-01-01 12:00:00 INFO b\n[error] c\nno error here\n";
    let report = run("", log);
    assert_eq!(report["levels"], json!({"error": 2, "info": 1}));
}

#[test]
fn assignments_name_each_lines_template() {
    let report = run("{\"assignments\":true}", b"a b\n\nc d\na b\n");
    assert_eq!(report["assignments"], json!([1, 0, 2, 1]));
    assert_eq!(report["lines"], 4);
}

#[test]
fn wrong_params_are_refused_by_name() {
    let cases = [
        ("{\"dept\":4}", "`dept`"),
        ("{\"depth\":2}", "`depth` is 2, give 3 to 16"),
        ("{\"similarity\":1.5}", "`similarity` is 1.5, give 0 to 1"),
        ("{\"assignments\":1}", "expected a boolean"),
        ("{\"max_templates\":0}", "`max_templates` is 0"),
        ("[", "the params are not what log-digest takes"),
    ];
    for (params, part) in cases {
        match run_with(params, &b""[..]) {
            Err(JobError::BadParams(text)) => assert!(text.contains(part), "{text}"),
            other => panic!("{params} gave {other:?}"),
        }
    }
}

#[test]
fn the_schema_names_the_params_and_their_defaults() {
    let schema: Value = serde_json::from_str(&LogDigest::describe().params_schema).expect("JSON");
    let properties = schema["properties"].as_object().expect("an object");
    let defaults: serde_json::Map<_, _> = properties
        .iter()
        .map(|(k, v)| (k.clone(), v["default"].clone()))
        .collect();
    assert_eq!(run("", b"")["params"], Value::Object(defaults));
    for (name, property) in properties {
        for end in ["minimum", "maximum"] {
            let Some(value) = property[end].as_f64() else {
                continue;
            };
            let integer = property["type"] == "integer";
            let text = |v: f64| {
                if integer {
                    format!("{{\"{name}\":{v:.0}}}")
                } else {
                    format!("{{\"{name}\":{v}}}")
                }
            };
            assert!(
                run_with(&text(value), &b""[..]).is_ok(),
                "{name} at its {end}"
            );
            let beyond = value + if end == "maximum" { 1.0 } else { -1.0 };
            assert!(
                run_with(&text(beyond), &b""[..]).is_err(),
                "{name} beyond its {end}"
            );
        }
    }
}

struct Refusing;

impl io::Write for Refusing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "cancelled",
        ))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_cancelled_run_says_so() {
    let result = LogDigest::run("", &mut &b"a"[..], &mut Refusing);
    assert_eq!(result, Err(JobError::Cancelled));
}

/// Pieces that touch every rule of the masker, and raw bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        " ",
        "\n",
        "\r\n",
        ":",
        "/",
        "-",
        "[",
        "]",
        ".",
        "a/b.c",
        "/x",
        "12",
        "1.5ms",
        "0x",
        "deadbeef1",
        "::",
        "fe80::1",
        "10.0.0.1",
        "2026-01-01",
        "T12:00:00",
        "Jan  1 ",
        "550e8400-e29b-41d4-a716-446655440000",
        "http://",
        "é",
        "<*>",
        "error:",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(|s| s.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_report_however_they_arrive(
        pieces in prop::collection::vec(piece(), 0..200),
        buffer in 1..50_usize,
    ) {
        let log = pieces.concat();
        let params = "{\"assignments\":true,\"max_line_bytes\":64,\"max_tokens\":8,\"max_templates\":9}";
        let whole = run(params, &log);
        let parts = run_with(params, BufReader::with_capacity(buffer, log.as_slice())).expect("the run succeeds");
        prop_assert_eq!(&whole, &parts);
        let counted: u64 = templates(&whole).iter().map(|t| t.1).sum();
        let rest = whole["blank_lines"].as_u64().unwrap_or(0) + whole["overflow"]["lines"].as_u64().unwrap_or(0);
        prop_assert_eq!(whole["lines"].as_u64(), Some(counted + rest));
        prop_assert_eq!(whole["assignments"].as_array().map(Vec::len), Some((counted + rest) as usize));
    }
}
