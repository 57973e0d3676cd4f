//! Models from a hub: a server on loopback that says what hubs say, and one that lies.

use axum::Router;
use axum::extract::{Path as Route, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Repositories by name, each with its files.
type Repositories = Arc<BTreeMap<String, BTreeMap<String, Vec<u8>>>>;

/// A hub on loopback that runs as long as the test; its address.
fn hub(repositories: BTreeMap<String, BTreeMap<String, Vec<u8>>>) -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async move {
            let routes = Router::new()
                .route("/api/models/{org}/{name}/revision/{revision}", get(info))
                .route("/{org}/{name}/resolve/{revision}/{*file}", get(file))
                .with_state(Arc::new(repositories));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
            let listener = listener.expect("a port");
            let address = listener.local_addr().expect("an address");
            tell.send(format!("http://{address}")).expect("a reader");
            axum::serve(listener, routes).await.expect("it serves");
        });
    });
    told.recv().expect("the hub runs")
}

async fn info(
    State(all): State<Repositories>,
    Route((org, name, _)): Route<(String, String, String)>,
) -> Response {
    let Some(files) = all.get(&format!("{org}/{name}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let files: Vec<Value> = files.keys().map(|f| json!({"rfilename": f})).collect();
    axum::Json(json!({"sha": COMMIT, "siblings": files})).into_response()
}

/// A file, or the part of it that a range asks for, as `bytes=FROM-` or `bytes=FROM-TO`.
async fn file(
    State(all): State<Repositories>,
    Route((org, name, _, file)): Route<(String, String, String, String)>,
    asked: HeaderMap,
) -> Response {
    let found = all.get(&format!("{org}/{name}"));
    let Some(bytes) = found.and_then(|files| files.get(&file)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let range = asked[header::RANGE].to_str().expect("text");
    let (from, to) = range["bytes=".len()..].split_once('-').expect("a range");
    let from: usize = from.parse().expect("a number");
    let to = to.parse().map_or(bytes.len(), |to: usize| to + 1);
    let headers = [
        ("x-repo-commit".to_owned(), COMMIT.to_owned()),
        (
            "etag".into(),
            format!("\"{name}-{}\"", file.replace('/', "-")),
        ),
        (
            "content-range".into(),
            format!("bytes {from}-{}/{}", to - 1, bytes.len()),
        ),
    ];
    let mut response = (StatusCode::PARTIAL_CONTENT, bytes[from..to].to_vec()).into_response();
    for (name, value) in headers {
        let name = header::HeaderName::try_from(name).expect("a name");
        response
            .headers_mut()
            .insert(name, value.parse().expect("a value"));
    }
    response
}

/// The small SmolLM2 of the reference, with what a repository has beside a model.
fn smol() -> BTreeMap<String, Vec<u8>> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/decoders/smollm2");
    let mut files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(folder)
        .expect("the reference")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_str().expect("UTF-8");
            (name.to_owned(), std::fs::read(&path).expect("a file"))
        })
        .collect();
    files.insert(
        "README.md".into(),
        b"---\nlicense: apache-2.0\n---\n".to_vec(),
    );
    files.insert("pytorch_model.bin".into(), b"pickle".to_vec());
    files.insert("onnx/model.onnx".into(), b"onnx".to_vec());
    files
}

/// A home and a cache that are gone with the test.
struct Homes {
    dir: TempDir,
    hub: String,
}

impl Homes {
    fn new(hub: String) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let homes = Self { dir, hub };
        assert!(homes.weft(&["init"]).status.success());
        homes
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn weft(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
        command.arg("--home").arg(self.path("home")).args(args);
        command
            .env("HF_ENDPOINT", &self.hub)
            .env("HF_HOME", self.path("cache"))
            .output()
            .expect("weft runs")
    }

    fn add(&self, more: &[&str]) -> Value {
        let all = [&["model", "add", "smol", "--json", "--from-hub"], more].concat();
        let output = self.weft(&all);
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn files(shown: &Value) -> Vec<&str> {
    let files = shown["files"].as_array().expect("files");
    files.iter().filter_map(|f| f["path"].as_str()).collect()
}

#[test]
fn a_model_comes_from_a_hub_with_what_belongs_to_it() {
    let homes = Homes::new(hub([("acme/smol".to_owned(), smol())].into()));
    let added = homes.add(&["acme/smol"]);
    assert_eq!(
        files(&added),
        [
            "README.md",
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json"
        ],
        "{added}"
    );
    assert_eq!(added["license"], "apache-2.0", "{added}");
    assert_eq!(added["source"], format!("acme/smol at {COMMIT}"), "{added}");
    let cache = homes.path("cache");
    assert!(has(&cache, "model.safetensors"), "other clients find it");
    assert!(!has(&cache, "pytorch_model.bin"), "nobody asked for it");
}

fn has(folder: &Path, name: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|e| e.expect("an entry").path()).any(|path| {
        path.file_name().is_some_and(|n| n == name) || (path.is_dir() && has(&path, name))
    })
}

#[test]
fn one_file_of_several_is_named() {
    let gguf = std::fs::read(
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/decoders/mixed.gguf"),
    );
    let gguf = gguf.expect("the reference");
    let files_of = [("smol-q4.gguf", &gguf), ("smol-q8.gguf", &gguf)];
    let files_of = files_of.map(|(name, bytes)| (name.to_owned(), bytes.clone()));
    let homes = Homes::new(hub([("acme/smol".to_owned(), files_of.into())].into()));

    let refused = &homes.add(&["acme/smol"])["error"];
    let remedy = refused["remedy"].as_str().expect("a remedy");
    assert!(
        remedy.contains("--file") && remedy.contains("smol-q8.gguf"),
        "{refused}"
    );
    let refused = &homes.add(&["acme/smol", "--file", "smol-q2.gguf"])["error"];
    assert_eq!(refused["code"], "refused", "{refused}");

    let added = homes.add(&["acme/smol", "--file", "smol-q8.gguf"]);
    assert_eq!(files(&added), ["smol-q8.gguf"], "{added}");
}

#[test]
fn a_hub_that_is_not_there_or_lies_adds_nothing() {
    let mut lies = smol();
    lies.insert("../../../outside.json".into(), b"{}".to_vec());
    let homes = Homes::new(hub([("acme/lies".to_owned(), lies)].into()));
    for (repository, code) in [("acme/nothing", "unavailable"), ("acme/lies", "refused")] {
        let refused = &homes.add(&[repository])["error"];
        assert_eq!(refused["code"], code, "{refused}");
        assert!(refused["remedy"].as_str().is_some_and(|r| !r.is_empty()));
    }
    let nobody = Homes {
        hub: "http://127.0.0.1:1".into(),
        ..Homes::new(String::new())
    };
    assert_eq!(nobody.add(&["acme/smol"])["error"]["code"], "unavailable");
    let listed = homes.weft(&["model", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let names = listed.as_array().expect("a list").iter();
    assert!(!names.clone().any(|m| m["name"] == "smol"), "{listed}");
}
