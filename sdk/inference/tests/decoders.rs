//! Decoders beside what transformers, torch, peft and gguf make of the same files (`tests/reference/decoders.py`).

use data_encoding::BASE64;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use weft_inference::{End, Manner, ModelError, Sampling, Talker, Turn};

/// What scores may differ by: torch adds in another order.
const NEAR: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<Text>,
    chat: Chat,
    #[serde(flatten)]
    models: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    tokens: Vec<u32>,
}

#[derive(Deserialize)]
struct Chat {
    turns: Vec<Turn>,
    tokens: Vec<u32>,
}

#[derive(Deserialize)]
struct Model {
    tokens: Vec<u32>,
    /// After each of the last four tokens.
    scores: String,
    /// What follows when the highest is taken each time.
    greedy: Vec<u32>,
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/decoders")
}

fn golden() -> Golden {
    let bytes = std::fs::read(reference().join("golden.json")).expect("golden.json");
    serde_json::from_slice(&bytes).expect("golden.json")
}

fn model(golden: &Golden, name: &str) -> Model {
    serde_json::from_value(golden.models[name].clone()).expect("a model")
}

fn load(name: &str) -> Talker {
    Talker::load(&reference().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A GGUF file in a directory of its own.
fn load_gguf(name: &str) -> Talker {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::copy(reference().join(name), dir.path().join(name)).expect("a copy");
    Talker::load(dir.path()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn add_skill(talker: &mut Talker, name: &str, weight: f32) -> Result<(), ModelError> {
    let read = |file: &str| std::fs::read(reference().join(name).join(file)).expect("a skill");
    talker.add_skill(
        &read("adapter_config.json"),
        read("adapter_model.safetensors"),
        weight,
    )
}

fn compare(name: &str, talker: &Talker, wanted: &Model) {
    let bytes = BASE64.decode(wanted.scores.as_bytes()).expect("base64");
    let scores: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let found = talker.scores(&wanted.tokens).expect("scores");
    let found = &found[found.len() - scores.len()..];
    let off = found
        .iter()
        .zip(&scores)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    let most = scores.iter().fold(0.0_f32, |most, s| most.max(s.abs()));
    println!("{name}: off by {off:e} at most, of scores up to {most}");
    assert!(off <= NEAR, "{name}: off by {off}");
    assert!(most > 1.0, "{name}: scores that say something");

    let mut ids = wanted.tokens.clone();
    for _ in &wanted.greedy {
        let scores = talker.scores(&ids).expect("scores");
        let last = &scores[scores.len() - talker.vocabulary()..];
        let best = (0..last.len()).max_by(|a, b| last[*a].total_cmp(&last[*b]));
        ids.push(best.expect("a token") as u32);
    }
    assert_eq!(ids[wanted.tokens.len()..], wanted.greedy, "{name}");
}

#[test]
fn scores_are_those_of_transformers() {
    let golden = golden();
    for name in ["llama", "qwen2", "smollm2"] {
        compare(name, &load(name), &model(&golden, name));
    }
    compare(
        "mixed.gguf",
        &load_gguf("mixed.gguf"),
        &model(&golden, "mixed"),
    );
}

#[test]
fn skills_add_what_peft_adds() {
    let golden = golden();
    for (name, base, skills) in [
        ("smollm2+a", "smollm2", vec![("skill-a", 1.0)]),
        ("smollm2+b", "smollm2", vec![("skill-b", 1.0)]),
        ("qwen2+bias", "qwen2", vec![("skill-bias", 1.0)]),
        (
            "smollm2+a*0.5+b*1.25",
            "smollm2",
            vec![("skill-a", 0.5), ("skill-b", 1.25)],
        ),
    ] {
        let mut talker = load(base);
        for (skill, weight) in skills {
            add_skill(&mut talker, skill, weight).expect("a skill");
        }
        compare(name, &talker, &model(&golden, name));
    }
    // No weight, no difference.
    let (plain, mut with) = (load("smollm2"), load("smollm2"));
    add_skill(&mut with, "skill-b", 0.0).expect("a skill");
    let ids = [5, 6, 7];
    assert_eq!(plain.scores(&ids), with.scores(&ids));
}

#[test]
fn a_skill_for_another_model_is_refused_whole() {
    let mut talker = load("llama");
    let before = talker.scores(&[5, 6, 7]);
    let why = add_skill(&mut talker, "skill-b", 1.0).expect_err("another shape");
    assert!(why.to_string().contains("shape"), "{why}");
    assert_eq!(talker.scores(&[5, 6, 7]), before, "nothing was added");
}

#[test]
fn texts_and_conversations_have_the_same_tokens() {
    let golden = golden();
    for (name, talker) in [
        ("smollm2", load("smollm2")),
        ("mixed.gguf", load_gguf("mixed.gguf")),
    ] {
        for text in &golden.texts {
            let found = talker.tokens(&text.text).expect("tokens");
            assert_eq!(found, text.tokens, "{name}: {:?}", text.text);
        }
        let found = talker.prompt(&golden.chat.turns).expect("tokens");
        assert_eq!(found, golden.chat.tokens, "{name}");
    }
}

fn manner(max_tokens: usize) -> Manner {
    Manner {
        sampling: Sampling {
            seed: 1,
            temperature: 0.8,
            top_k: 20,
            top_p: 0.95,
            repetition_penalty: 1.1,
        },
        max_tokens,
        stop: Vec::new(),
        forget: false,
    }
}

fn turns() -> Vec<Turn> {
    vec![Turn {
        role: "user".into(),
        content: "What is a mesh?".into(),
    }]
}

#[test]
fn an_answer_is_the_same_for_its_seed_and_ends_where_it_should() {
    let talker = load("smollm2");
    let answer = |manner: &Manner| {
        let mut text = String::new();
        let usage = talker.answer(&turns(), manner, |piece| {
            text.push_str(piece);
            true
        });
        (usage.expect("an answer"), text)
    };
    let (usage, text) = answer(&manner(40));
    assert_eq!(answer(&manner(40)), (usage, text.clone()));
    let mut other = manner(40);
    other.sampling.seed = 2;
    assert_ne!(answer(&other).1, text);

    assert_eq!(
        usage.prompt_tokens,
        talker.prompt(&turns()).expect("tokens").len()
    );
    let (short, _) = answer(&manner(3));
    assert_eq!((short.answer_tokens, short.end), (3, End::Length));
    assert_eq!(answer(&manner(0)).0.answer_tokens, 0);
    // All of the context, and no more.
    let (long, _) = answer(&manner(10_000));
    assert!(
        long.end == End::Stop || long.prompt_tokens + long.answer_tokens == talker.context(),
        "{long:?}"
    );

    let middle: String = text.chars().skip(5).take(3).collect();
    let mut stopped = manner(40);
    stopped.stop = vec![middle.clone()];
    let (usage, cut) = answer(&stopped);
    assert_eq!(usage.end, End::Stop);
    assert_eq!(cut, text.split(&middle).next().expect("a beginning"));

    let mut pieces = 0;
    let usage = talker.answer(&turns(), &manner(40), |_| {
        pieces += 1;
        pieces < 2
    });
    assert_eq!(usage.map(|u| u.end), Ok(End::Cancelled));
    assert_eq!(pieces, 2);
}

#[test]
fn what_has_no_place_in_the_context_is_refused() {
    let talker = load("smollm2");
    let long = vec![Turn {
        role: "user".into(),
        content: "word ".repeat(500),
    }];
    let why = talker
        .answer(&long, &manner(1), |_| true)
        .expect_err("too long");
    assert!(matches!(why, ModelError::TooLong(_)), "{why}");
    assert!(why.to_string().contains("128"), "{why}");
}

#[test]
fn the_oldest_turns_are_forgotten_where_that_is_wanted() {
    let talker = load("smollm2");
    let turn = |role: &str, content: &str| Turn {
        role: role.into(),
        content: content.into(),
    };
    let mut turns = vec![turn("system", "Be brief.")];
    for _ in 0..20 {
        turns.push(turn("user", "And a rule?"));
        turns.push(turn("assistant", "Devices that share."));
    }
    turns.push(turn("user", "What is a mesh?"));
    let mut manner = manner(5);
    assert!(talker.answer(&turns, &manner, |_| true).is_err());
    manner.forget = true;
    let usage = talker.answer(&turns, &manner, |_| true).expect("an answer");
    let left = [&turns[..1], &turns[1 + usage.forgotten_turns..]].concat();
    let tokens = |turns: &[Turn]| talker.prompt(turns).expect("tokens").len();
    assert_eq!(usage.prompt_tokens, tokens(&left));
    assert!(usage.prompt_tokens <= 96, "{usage:?}");
    let one_more = [&turns[..1], &turns[usage.forgotten_turns..]].concat();
    assert!(tokens(&one_more) > 96, "no more than needed is forgotten");
    // What the system says and the last turn stay, whatever their length.
    let long = [turn("system", "word "), turn("user", &"word ".repeat(500))];
    assert!(talker.answer(&long, &manner, |_| true).is_err());
}

/// What is refused names a file or a setting, and nothing is computed with it; what is taken answers or refuses.
fn load_damaged(bytes: &[u8]) -> Result<(), ModelError> {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("damaged.gguf"), bytes).expect("a file");
    let talker = Talker::load(dir.path())?;
    let mut manner = manner(2);
    manner.forget = true;
    talker.answer(&turns(), &manner, |_| true).map(drop)
}

#[test]
fn a_gguf_file_that_claims_too_much_is_named() {
    let whole = std::fs::read(reference().join("mixed.gguf")).expect("a model");
    let put = |at: usize, value: u64| {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let mut other = whole.clone();
    other[..4].copy_from_slice(b"GGML");
    let mut newer = whole.clone();
    newer[4] = 9;
    for (bytes, why) in [
        (other, "GGUF"),
        (newer, "version 9"),
        (put(8, 1 << 60), "tensors"),
        (put(16, 1 << 60), "keys"),
        // The length of the first key.
        (put(24, 1 << 60), "key"),
        (whole[..whole.len() - 1].to_vec(), "outside of the file"),
        (whole[..100].to_vec(), "claims"),
        (Vec::new(), "claims"),
    ] {
        let found = load_damaged(&bytes).expect_err(why).to_string();
        assert!(
            found.contains("damaged.gguf") && found.contains(why),
            "{found}"
        );
    }
}

#[test]
fn weights_that_are_no_numbers_are_told() {
    let dir = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(reference().join("smollm2")).expect("a model") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), dir.path().join(file.file_name())).expect("a copy");
    }
    let path = dir.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).expect("weights");
    let last = bytes.len() - 400;
    bytes[last..].fill(0xff);
    std::fs::write(&path, bytes).expect("weights");
    let error = Talker::load(dir.path()).err().expect("it is refused");
    assert!(error.to_string().contains("no finite number"), "{error}");
}

proptest! {
    /// The head of the file is where counts, lengths, types and offsets are.
    #[test]
    fn damaged_gguf_files_are_refused_or_answer(
        changes in prop::collection::vec((0_usize..12_000, any::<u8>()), 1..6),
        cut in prop::option::of(0_usize..700_000),
    ) {
        let mut bytes = std::fs::read(reference().join("mixed.gguf")).expect("a model");
        for (at, value) in changes {
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        let _ = load_damaged(&bytes);
    }

    #[test]
    fn damaged_skills_are_refused_or_added(
        changes in prop::collection::vec((0_usize..2_000, any::<u8>()), 1..6),
        cut in prop::option::of(0_usize..6_200),
    ) {
        let read = |file: &str| std::fs::read(reference().join("skill-a").join(file)).expect("a skill");
        let mut weights = read("adapter_model.safetensors");
        for (at, value) in changes {
            weights[at] = value;
        }
        if let Some(cut) = cut {
            weights.truncate(cut);
        }
        let mut talker = load("smollm2");
        let _ = talker.add_skill(&read("adapter_config.json"), weights, 1.0);
    }
}
