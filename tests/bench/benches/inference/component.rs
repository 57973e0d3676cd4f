//! Components as a node runs them: the model is loaded once into native code that is cached, and every job gets a fresh
//! instance of it.

use crate::work::{Moment, Reply, digits, serve, texts};
use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use weft_engine::cache::Cache;
use weft_engine::{Job, JobLimits, Workload, WorkloadEngine};
use weft_model::content;

/// Serves `COMPONENT MODEL CACHE`, with the file of texts or the image behind it where the component wants one.
pub fn run(args: &[&str]) {
    let &[name, model, cache, ref rest @ ..] = args else {
        panic!("{args:?} is no side");
    };
    let began = Moment::now();
    let component = Component::ready(name, Path::new(model), Path::new(cache));
    let ready = began.passed();
    match (name, rest) {
        ("embeddings", [file]) => embeddings(&component, &ready, &texts(file)),
        ("chat", []) => chat(&component, &ready),
        ("ocr", [image]) => ocr(&component, &ready, &std::fs::read(image).expect("an image")),
        _ => panic!("{args:?} is no side"),
    }
}

struct Component {
    engine: WorkloadEngine,
    workload: Workload,
}

impl Component {
    /// From the cache, or made and cached.
    fn ready(name: &str, model: &Path, cache: &Path) -> Self {
        let engine = WorkloadEngine::new().expect("this machine runs workloads");
        let bytes = weft_bundle::component(name)
            .expect("it came with Weft")
            .bytes;
        let (cid, profile) = (content::raw_cid(bytes), engine.cache_key());
        let note = cache.join(format!("{name}.digest"));
        let cache = Cache::open(cache).expect("a folder");
        let kept = std::fs::read(&note).ok();
        let digest = kept.and_then(|digest| digest.try_into().ok());
        let digest = digest.unwrap_or_else(|| {
            let most = JobLimits::default().memory_bytes;
            let code = engine.load_model(bytes, model, most);
            let code = code.unwrap_or_else(|e| panic!("{name}: {e}"));
            let digest = cache.store(&cid, &profile, &code).expect("a file");
            std::fs::write(&note, digest).expect("a file");
            digest
        });
        let file = cache.open_code(&cid, &profile, &digest);
        let workload = engine.load_file(&file.expect("it was kept"));
        Self {
            workload: workload.unwrap_or_else(|e| panic!("{name}: {e}")),
            engine,
        }
    }

    /// Runs a job to its end.
    fn job(&self, params: &str, input: Vec<u8>, threads: usize) -> Ran {
        let lines = Lines::default();
        let job = Job {
            params: params.into(),
            input: Box::new(Cursor::new(input)),
            output: Box::new(lines.clone()),
            limits: JobLimits::default(),
            dirs: Vec::new(),
            seed: [0; 32],
            cancel: Arc::default(),
            threads,
            skills: Vec::new(),
            embedder: None,
        };
        let began = Moment::now();
        let finished = self.engine.run(&self.workload, job);
        let took = began.passed();
        let finished = finished.unwrap_or_else(|e| panic!("{e}"));
        finished.result.unwrap_or_else(|e| panic!("{e}"));
        let mut lines = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ran {
            took: Reply {
                memory: finished.peak_memory_bytes,
                ..took
            },
            lines: std::mem::take(&mut *lines),
        }
    }
}

/// A line of an output, and when it came.
type Line = (Moment, Vec<u8>);

struct Ran {
    took: Reply,
    lines: Vec<Line>,
}

impl Ran {
    fn values(&self) -> Vec<Value> {
        let lines = self.lines.iter();
        lines
            .map(|(_, line)| serde_json::from_slice(line).expect("a line of JSON"))
            .collect()
    }
}

/// The lines of an output so far.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((Moment::now(), bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn embeddings(component: &Component, ready: &Reply, texts: &[String]) {
    serve(ready, |work, numbers| match (work, numbers) {
        // A fresh instance that computes nothing.
        ("start", []) => {
            let began = Moment::now();
            let said = component.engine.describe(&component.workload);
            let took = began.passed();
            said.unwrap_or_else(|e| panic!("{e}"));
            took
        }
        ("embed", &[count, threads]) => {
            let ran = component.job("", texts[..count].join("\n").into(), threads);
            let found = ran.values();
            let tokens = found.iter().map(|one| number(one, "tokens"));
            let vector = found[0]["embedding"].clone();
            Reply {
                tokens: tokens.sum(),
                vector: serde_json::from_value(vector).expect("a vector"),
                ..ran.took
            }
        }
        _ => panic!("`{work}` is no work here"),
    });
}

fn chat(component: &Component, ready: &Reply) {
    serve(ready, |work, numbers| match (work, numbers) {
        ("prefill", &[prompt]) => {
            let ran = answer(component, prompt, 1);
            said(&ran, ran.took.clone())
        }
        ("decode", &[prompt, most]) => {
            let ran = answer(component, prompt, most);
            let (Some((first, _)), Some((last, _))) = (ran.lines.first(), ran.lines.last()) else {
                panic!("an answer has lines");
            };
            said(&ran, first.until(*last))
        }
        _ => panic!("`{work}` is no work here"),
    });
}

fn answer(component: &Component, prompt: usize, most: usize) -> Ran {
    let params = format!(
        r#"{{"max_tokens":{most},"temperature":0,"top_k":0,"top_p":1,"repetition_penalty":1}}"#
    );
    component.job(&params, digits(prompt).into(), 1)
}

fn said(ran: &Ran, took: Reply) -> Reply {
    let lines = ran.values();
    let usage = lines.last().expect("an answer has lines");
    let pieces = lines.iter().filter_map(|line| line["piece"].as_str());
    Reply {
        text: pieces.collect(),
        tokens: number(usage, "prompt_tokens"),
        memory: ran.took.memory,
        ..took
    }
}

fn ocr(component: &Component, ready: &Reply, image: &[u8]) {
    serve(ready, |work, _| {
        assert_eq!(work, "read", "`{work}` is no work here");
        let ran = component.job("", image.to_vec(), 1);
        let page = ran.values().remove(0);
        let lines = page["lines"].as_array().expect("lines").iter();
        let lines: Vec<_> = lines.filter_map(|line| line["text"].as_str()).collect();
        Reply {
            text: lines.join("\n"),
            ..ran.took
        }
    });
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().expect("a number")
}
