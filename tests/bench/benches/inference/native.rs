//! The source of the components `embeddings` and `chat`, compiled for this machine.

use crate::work::{Moment, Reply, digits, serve, texts};
use std::path::Path;
use weft_inference::{Embedder, Embedding, Manner, Sampling, Talker, Turn};

/// Serves `embeddings MODEL TEXTS` or `chat MODEL`.
pub fn run(args: &[&str]) {
    match *args {
        ["embeddings", model, file] => embeddings(Path::new(model), &texts(file)),
        ["chat", model] => chat(Path::new(model)),
        _ => panic!("{args:?} is no side"),
    }
}

fn embeddings(model: &Path, texts: &[String]) {
    let began = Moment::now();
    let embedder = Embedder::load(model).unwrap_or_else(|e| panic!("{e}"));
    serve(&began.passed(), |work, numbers| match (work, numbers) {
        ("embed", &[count, threads]) => embed(&embedder, &texts[..count], threads),
        _ => panic!("`{work}` is no work here"),
    });
}

fn embed(embedder: &Embedder, texts: &[String], threads: usize) -> Reply {
    let one = |text: &String| embedder.embed(text).unwrap_or_else(|e| panic!("{e}"));
    let part = |texts: &[String]| texts.iter().map(one).collect::<Vec<_>>();
    let began = Moment::now();
    let parts: Vec<Vec<Embedding>> = match threads {
        1 => vec![part(texts)],
        _ => std::thread::scope(|scope| {
            let parts = texts.chunks(texts.len().div_ceil(threads));
            let running: Vec<_> = parts.map(|texts| scope.spawn(|| part(texts))).collect();
            let ended = running.into_iter().map(|thread| thread.join());
            ended.map(|part| part.expect("vectors")).collect()
        }),
    };
    let took = began.passed();
    let found = parts.concat();
    Reply {
        tokens: found.iter().map(|one| one.tokens as u64).sum(),
        vector: found[0].vector.clone(),
        ..took
    }
}

fn chat(model: &Path) {
    let began = Moment::now();
    let talker = Talker::load(model).unwrap_or_else(|e| panic!("{e}"));
    serve(&began.passed(), |work, numbers| match (work, numbers) {
        ("prefill", &[prompt]) => {
            let began = Moment::now();
            let (_, text, tokens) = answer(&talker, prompt, 1);
            Reply {
                text,
                tokens,
                ..began.passed()
            }
        }
        ("decode", &[prompt, most]) => {
            let (first, text, tokens) = answer(&talker, prompt, most);
            Reply {
                text,
                tokens,
                ..first.passed()
            }
        }
        _ => panic!("`{work}` is no work here"),
    });
}

/// When the first piece came, the answer, and the tokens of the question.
fn answer(talker: &Talker, prompt: usize, most: usize) -> (Moment, String, u64) {
    let turns = [Turn {
        role: "user".into(),
        content: digits(prompt),
    }];
    let manner = Manner {
        sampling: Sampling {
            seed: 0,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
        },
        max_tokens: most,
        stop: Vec::new(),
        forget: false,
    };
    let (mut first, mut text) = (None, String::new());
    let usage = talker.answer(&turns, &manner, |piece| {
        first.get_or_insert_with(Moment::now);
        text.push_str(piece);
        true
    });
    let usage = usage.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(usage.answer_tokens, most, "the model never ends by itself");
    let first = first.unwrap_or_else(Moment::now);
    (first, text, usage.prompt_tokens as u64)
}
