//! OpenAI's own clients beside a daemon: what they get is what the command line gets, and what is wrong they read.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use weft_kit::{Device, endless_model, has_tool, npm_folder, python_folder, wait, workspace};

const KEY: &str = "a-key-of-this-test";
const QUESTION: &str = "What is a mesh?";

/// A daemon that answers clients, and where.
fn daemon() -> (Device, String) {
    let mut device = Device::new();
    for (name, path) in [("smol", "smollm2"), ("skill-a", "skill-a")] {
        let path = workspace().join("tests/reference/decoders").join(path);
        device
            .weft(["model", "add", name, path.to_str().expect("UTF-8")])
            .ok();
    }
    let endless = device.home().join("endless");
    endless_model(&endless);
    let endless = endless.to_str().expect("UTF-8");
    device.weft(["model", "add", "endless", endless]).ok();
    let settings = device.home().path().join("weft.toml");
    let lines = format!("\nopenai_listen = \"127.0.0.1:0\"\nopenai_key = \"{KEY}\"\n");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&settings)
        .expect("the settings");
    file.write_all(lines.as_bytes()).expect("the settings");
    let started = device.start();
    let address = started["openai"].as_str().expect("an address").to_owned();
    (device, address)
}

fn ran(command: &mut Command) -> Value {
    let output = command.output().expect("a client");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn joined(pieces: &Value) -> String {
    let pieces = pieces.as_array().expect("pieces");
    pieces
        .iter()
        .map(|piece| piece.as_str().expect("a text"))
        .collect()
}

/// A request as a page in a browser would send it: its status.
fn raw(address: &str, headers: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .expect("a status")
}

#[test]
fn clients_get_what_the_command_line_gets() {
    let (device, address) = daemon();
    let base = format!("http://{address}/v1");
    let by_hand = device.json([
        "chat",
        "--model",
        "smol",
        "--seed",
        "7",
        "--max-tokens",
        "60",
        QUESTION,
    ]);
    let texts = [
        "a cat sleeps on the sofa",
        "the kitten is sleeping on a couch",
    ];
    let vectors = device.json(["run", "embeddings", "--text", texts[0], "--text", texts[1]]);
    let vectors: Vec<&Value> = vectors["embeddings"]
        .as_array()
        .expect("vectors")
        .iter()
        .map(|v| &v["embedding"])
        .collect();
    let close = |found: &Value| {
        let found = found.as_array().expect("vectors");
        assert_eq!(found.len(), 2);
        for (found, wanted) in found.iter().zip(&vectors) {
            let pairs = found
                .as_array()
                .expect("a vector")
                .iter()
                .zip(wanted.as_array().expect("a vector"));
            for (a, b) in pairs {
                let (a, b) = (a.as_f64().expect("a number"), b.as_f64().expect("a number"));
                assert!((a - b).abs() < 1e-6, "{a} and {b}");
            }
        }
    };

    if has_tool("python3", &["-m", "ensurepip", "--version"]) {
        let folder = python_folder("openai");
        let found = ran(Command::new(folder.join("bin/python"))
            .arg(folder.join("client.py"))
            .args([&base, KEY, QUESTION]));
        for encoding in ["float", "base64", "default"] {
            close(&found[encoding]);
        }
        assert_eq!(found["answer"], by_hand["answer"]);
        assert_eq!(
            joined(&found["streamed"]),
            joined(&Value::from(vec![found["answer"].clone()]))
        );
        assert!(
            found["streamed"].as_array().expect("pieces").len() > 3,
            "{found}"
        );
        assert_eq!(found["usage"][0], by_hand["prompt_tokens"]);
        assert_eq!(found["usage"][1], by_hand["answer_tokens"]);
        assert_eq!(found["streamed_tokens"], by_hand["answer_tokens"]);
        assert_ne!(found["skilled"], found["answer"]);
        wait(
            "the task of the client that went away is taken back",
            || {
                let tasks = device.json(["task", "list"]);
                let tasks = tasks.as_array().expect("tasks");
                tasks.iter().find(|t| t["status"] == "cancelled").cloned()
            },
        );
        for model in ["mini", "smol", "skill-a"] {
            assert!(
                found["models"]
                    .as_array()
                    .expect("models")
                    .contains(&model.into())
            );
        }
        let errors = found["errors"].as_array().expect("errors");
        let statuses: Vec<&Value> = errors.iter().map(|e| &e[0]).collect();
        assert_eq!(statuses, [404, 400, 400, 400], "{errors:#?}");
        assert!(
            errors[1][2].as_str().expect("why").contains("`tools`"),
            "{errors:#?}"
        );
        assert!(
            errors[3][2].as_str().expect("why").contains("temperature"),
            "{errors:#?}"
        );
    }
    if has_tool("node", &["--version"]) {
        let folder = npm_folder("openai");
        let found = ran(Command::new("node")
            .arg(folder.join("client.mjs"))
            .args([&base, KEY, QUESTION]));
        close(&found["default"]);
        assert_eq!(found["answer"], by_hand["answer"]);
        assert_eq!(joined(&found["streamed"]), by_hand["answer"]);
        assert_eq!(found["error"], serde_json::json!([404, "not-found"]));
    }

    // No key, another host, a page that sends plain text, and what is no JSON.
    let host = format!("Host: {address}\r\n");
    let (key, json) = (
        format!("Authorization: Bearer {KEY}\r\n"),
        "Content-Type: application/json\r\n",
    );
    for (headers, body, status) in [
        (format!("{host}{json}"), "{}", 401),
        (
            format!("{host}{json}Authorization: Bearer no\r\n"),
            "{}",
            401,
        ),
        (format!("Host: evil.example\r\n{json}{key}"), "{}", 403),
        (
            format!("{host}{key}Content-Type: text/plain\r\n"),
            "{}",
            400,
        ),
        (format!("{host}{key}{json}"), "{", 400),
        (
            format!("{host}{key}{json}"),
            "{\"model\": \"smol\", \"messages\": []}",
            400,
        ),
    ] {
        assert_eq!(raw(&address, &headers, body), status, "{headers}{body}");
    }

    // A client that leaves while vectors are computed for it wants them no more.
    let texts: Vec<String> = (0..300_000).map(|n| format!("t{n}")).collect();
    let body = serde_json::json!({"model": "mini", "input": texts}).to_string();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let request = format!(
        "POST /v1/embeddings HTTP/1.1\r\n{host}{key}{json}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let task = wait("its task runs", || {
        let tasks = device.json(["task", "list"]);
        let runs = |t: &&Value| t["name"] == "embeddings" && t["status"] == "running";
        let found = tasks.as_array()?.iter().find(runs)?;
        Some(found["task"].as_str()?.to_owned())
    });
    drop(stream);
    wait("it is taken back", || {
        let shown = device.json(["task", "show", &task]);
        (shown["status"] == "cancelled").then_some(())
    });
}
