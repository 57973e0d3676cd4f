//! A folder indexed and searched with the model that comes with Weft; what a host would link in is called directly.

use std::fs;
use std::path::Path;
use tempfile::TempDir;
use text_index::{Embeds, run_in};
use weft_inference::Embedder;
use weft_sdk::workload::JobError;

const MINI: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../plugins/bundle/models/mini"
);

/// A model that counts what it is asked.
struct Mini {
    model: Embedder,
    texts: usize,
    /// Added to every value, as another model would.
    other: f32,
}

impl Mini {
    fn new() -> Self {
        let model = Embedder::load(Path::new(MINI)).expect("the model that comes with Weft");
        Self {
            model,
            texts: 0,
            other: 0.0,
        }
    }
}

impl Embeds for Mini {
    fn embed(&mut self, texts: &[String]) -> Result<Vec<(Vec<f32>, bool)>, JobError> {
        assert!(texts.len() <= text_index::limits::BATCH);
        self.texts += texts.len();
        let embed = |text: &String| {
            let found = self.model.embed(text).expect("a vector");
            let vector = found.vector.iter().map(|value| value + self.other);
            (vector.collect(), found.truncated)
        };
        Ok(texts.iter().map(embed).collect())
    }
}

/// Runs it; what it wrote and what it said.
fn run(
    folder: &TempDir,
    model: &mut Mini,
    params: &str,
    index: &[u8],
) -> Result<(Vec<u8>, String), JobError> {
    let mut output = Vec::new();
    let said = run_in(folder.path(), model, params, &mut &index[..], &mut output)?;
    Ok((output, said))
}

/// Notes of a household.
fn notes() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a note");
    };
    write(
        "kitchen/bread.md",
        "# Bread\nMix flour, water and yeast, and bake the loaf in a hot oven.\n",
    );
    write(
        "kitchen/soup.md",
        "Boil the carrots and onions in a pot, then add salt.\n",
    );
    write(
        "garage.txt",
        "The car needs new tyres and an oil change.\n\n# Bicycle\nPump up the tyres.\n",
    );
    write(
        "money.txt",
        "Pay the electricity bill to the bank before Friday.\n",
    );
    write(".hidden/secret.md", "never read\n");
    fs::write(folder.path().join("photo.raw"), [0, 159, 146, 150]).expect("no text");
    folder
}

fn hits(output: &[u8]) -> Vec<(String, u64, f64)> {
    let lines = output
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let hit: serde_json::Value = serde_json::from_slice(line).expect("a hit");
            let path = hit["path"].as_str().expect("a path").to_owned();
            (
                path,
                hit["line"].as_u64().expect("a line"),
                hit["score"].as_f64().expect("a score"),
            )
        })
        .collect()
}

#[test]
fn a_search_finds_by_meaning_what_shares_no_word() {
    let (folder, mut mini) = (notes(), Mini::new());
    let (index, said) = run(&folder, &mut mini, "", b"").expect("an index");
    assert_eq!(
        said,
        "4 files, 5 passages: 5 embedded, 0 as they were; 1 files are no text or too large"
    );
    for (query, path) in [
        ("chopped vegetables", "kitchen/soup.md"),
        ("vehicle repair", "garage.txt"),
        ("invoice", "money.txt"),
        ("dough", "kitchen/bread.md"),
    ] {
        let params = serde_json::json!({"query": query, "top": 2}).to_string();
        let (found, said) = run(&folder, &mut mini, &params, &index).expect("hits");
        let found = hits(&found);
        assert_eq!(found[0].0, path, "{query}: {found:?}");
        assert!(found[0].2 >= found[1].2);
        assert_eq!(said, "2 of 5 passages");
    }
}

#[test]
fn an_index_that_was_brought_up_to_date_equals_one_made_anew_and_only_what_changed_is_embedded() {
    let (folder, mut mini) = (notes(), Mini::new());
    let (index, _) = run(&folder, &mut mini, "", b"").expect("an index");
    fs::write(
        folder.path().join("money.txt"),
        "The rent is due on Monday.\n",
    )
    .expect("a note");
    fs::rename(
        folder.path().join("garage.txt"),
        folder.path().join("a.txt"),
    )
    .expect("a note");
    fs::remove_file(folder.path().join("kitchen/soup.md")).expect("a note");
    mini.texts = 0;
    let (later, said) = run(&folder, &mut mini, "{}", &index).expect("an index");
    assert!(
        said.starts_with("3 files, 4 passages: 1 embedded, 3 as they were"),
        "{said}"
    );
    assert_eq!(mini.texts, 2, "the probe and the new text");
    let (anew, _) = run(&folder, &mut mini, "", b"").expect("an index");
    assert!(anew == later, "the two indexes differ");
}

#[test]
fn many_passages_are_embedded_in_batches_and_stay_in_order() {
    let (folder, mut mini) = (tempfile::tempdir().expect("a folder"), Mini::new());
    let text: String = (0..100)
        .map(|n| format!("# Note {n}\nIt says {n}.\n\n"))
        .collect();
    fs::write(folder.path().join("notes.md"), &text).expect("notes");
    let (half, _) = run(&folder, &mut mini, "", b"").expect("an index");
    let odd = text
        .replace("says 7", "asks 7")
        .replace("says 42", "asks 42");
    fs::write(folder.path().join("notes.md"), odd).expect("notes");
    let (index, said) = run(&folder, &mut mini, "", &half).expect("an index");
    assert!(
        said.contains("100 passages: 12 embedded, 88 as they were"),
        "{said}"
    );
    let lines: Vec<u64> = index
        .split(|b| *b == b'\n')
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<serde_json::Value>(line).expect("an entry"))
        .map(|entry| entry["line"].as_u64().expect("a line"))
        .collect();
    assert_eq!(lines, (0..100).map(|n| 3 * n + 1).collect::<Vec<_>>());
}

#[test]
fn what_one_run_leaves_the_next_takes_and_in_the_end_it_is_the_same_index() {
    let (folder, mut mini) = (tempfile::tempdir().expect("a folder"), Mini::new());
    let text: String = (0..100)
        .map(|n| format!("# Note {n}\nIt says {n}.\n"))
        .collect();
    fs::write(folder.path().join("notes.md"), &text).expect("notes");
    let (whole, said) = run(&folder, &mut mini, "", b"").expect("an index");
    assert!(said.contains("100 embedded"), "{said}");
    let params = r#"{"at_most":40}"#;
    let mut index = Vec::new();
    for left in [60, 20, 0] {
        let (next, said) = run(&folder, &mut mini, params, &index).expect("an index");
        let expected = format!("{left} passages are left for the next run");
        assert_eq!(said.contains(&expected), left > 0, "{said}");
        let header: serde_json::Value = serde_json::Deserializer::from_slice(&next)
            .into_iter()
            .next()
            .expect("a line")
            .expect("a header");
        assert_eq!(header["left"], left);
        // What it holds so far can be searched.
        let (found, _) = run(&folder, &mut mini, r#"{"query":"note"}"#, &next).expect("hits");
        assert_eq!(hits(&found).len(), 5);
        index = next;
    }
    assert!(index == whole, "the two indexes differ");
}

#[test]
fn an_index_of_another_model_is_made_anew_and_not_searched() {
    let (folder, mut mini) = (notes(), Mini::new());
    let (index, _) = run(&folder, &mut mini, "", b"").expect("an index");
    mini.other = 0.25;
    let refused = run(&folder, &mut mini, r#"{"query":"x"}"#, &index);
    assert!(
        matches!(&refused, Err(JobError::BadInput(why)) if why.contains("another model")),
        "{refused:?}"
    );
    let (_, said) = run(&folder, &mut mini, "", &index).expect("an index");
    assert!(said.contains("5 embedded, 0 as they were"), "{said}");
    assert!(
        said.ends_with("another model had made the index, so it was made anew"),
        "{said}"
    );
}

#[test]
fn what_is_no_index_and_params_that_fit_nothing_are_refused_by_name() {
    let (folder, mut mini) = (notes(), Mini::new());
    let (index, _) = run(&folder, &mut mini, "", b"").expect("an index");
    let text = String::from_utf8(index.clone()).expect("text");
    let second = text.lines().nth(1).expect("an entry");
    let vector = serde_json::from_str::<serde_json::Value>(second).expect("JSON")["vector"]
        .as_str()
        .expect("a vector")
        .to_owned();
    let nan = "AADAfw==";
    let cases: [(Vec<u8>, &str); 8] = [
        (b"hello\n".to_vec(), "line 1"),
        (
            b"{\"text_index\":2,\"probe\":\"AACAPw==\"}\n".to_vec(),
            "the format is 2",
        ),
        (
            b"{\"text_index\":1,\"probe\":\"\"}\n".to_vec(),
            "a vector of 0 values",
        ),
        (
            b"{\"text_index\":1,\"probe\":\"AAA=\"}\n".to_vec(),
            "come in fours",
        ),
        (
            format!("{{\"text_index\":1,\"probe\":\"{nan}\"}}\n").into_bytes(),
            "no number",
        ),
        (
            text.replace(&vector, "AACAPw==").into_bytes(),
            "line 2: a vector of 1 values",
        ),
        (index[..index.len() - 40].to_vec(), "line 6"),
        (vec![b'x'; 1 << 20], "it has more than"),
    ];
    for (bytes, expected) in cases {
        for params in ["", r#"{"query":"bread"}"#] {
            let refused = run(&folder, &mut mini, params, &bytes);
            // A search refuses an index of another model before it reads on.
            let another = "another model";
            assert!(
                matches!(&refused, Err(JobError::BadInput(why)) if why.contains(expected) || why.contains(another)),
                "{expected}: {}",
                refused.map_or_else(|e| e.to_string(), |(_, said)| said)
            );
        }
    }
    let none = run(&folder, &mut mini, r#"{"query":"bread"}"#, b"");
    assert!(matches!(none, Err(JobError::BadInput(why)) if why.contains("no index yet")));
    for params in [
        r#"{"query":" "}"#,
        r#"{"top":0}"#,
        r#"{"top":101}"#,
        r#"{"at_most":0}"#,
        r#"{"folder":"/"}"#,
        "\"bread\"",
    ] {
        let refused = run(&folder, &mut mini, params, b"");
        assert!(matches!(refused, Err(JobError::BadParams(_))), "{params}");
    }
    let lost = tempfile::tempdir().expect("a folder");
    fs::remove_dir(lost.path()).expect("gone");
    let refused = run(&lost, &mut mini, "", b"");
    assert!(matches!(refused, Err(JobError::Missing(why)) if why.contains("grant the directory")));
}
