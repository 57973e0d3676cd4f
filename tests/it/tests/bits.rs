//! The same bits everywhere: what a component answers depends neither on what this processor has nor on what compiles it. So
//! whoever runs a job again finds the same.

#[path = "bits/cases.rs"]
mod cases;

use cases::Case;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Read, Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use weft_engine::{Job, JobLimits, WorkloadEngine};
use weft_kit::{has_tool, npm_folder, workspace};

/// What wasmtime made of a case.
struct Ran {
    /// The instructions that it ran.
    code: Vec<u8>,
    output: Vec<u8>,
    fuel: u64,
    /// The same output as the script in V8 says it.
    said: Value,
}

/// What every instruction that this processor has gives for each case.
static NATIVE: LazyLock<Vec<Ran>> = LazyLock::new(|| {
    let made = tempfile::tempdir().expect("a folder");
    let engine = WorkloadEngine::new().expect("an engine");
    let cases = cases::all(made.path());
    cases.iter().map(|case| run(&engine, case)).collect()
});

/// Compares with each of them.
fn compare(check: impl Fn(&Case, &Ran)) {
    let made = tempfile::tempdir().expect("a folder");
    let cases = cases::all(made.path());
    cases
        .iter()
        .zip(&*NATIVE)
        .for_each(|(case, native)| check(case, native));
}

fn run(engine: &WorkloadEngine, case: &Case) -> Ran {
    let limits = JobLimits::default();
    let component = weft_bundle::component(case.component).expect("it is bundled");
    let code = engine.load_model(component.bytes, &case.model, limits.memory_bytes);
    let code = code.unwrap_or_else(|e| panic!("{}: {e}", case.name()));
    let workload = engine.load(&code).expect("its own code");
    let mut output = tempfile::tempfile().expect("a file");
    let job = Job {
        params: case.asked["params"].to_string(),
        input: Box::new(Cursor::new(case.input())),
        output: Box::new(output.try_clone().expect("the same file")),
        ..Job::bare(limits, Arc::default())
    };
    let finished = engine.run(&workload, job).expect("an end");
    finished
        .result
        .unwrap_or_else(|e| panic!("{}: {e}", case.name()));
    let mut written = Vec::new();
    output.rewind().expect("the beginning");
    output.read_to_end(&mut written).expect("the output");
    let described = engine.describe(&workload).expect("a description");
    Ran {
        code: instructions(&code),
        said: said(&described.name, &described.summary, &written),
        output: written,
        fuel: finished.fuel,
    }
}

/// The instructions in native code; the rest of it says for which processor it is, too.
fn instructions(code: &[u8]) -> Vec<u8> {
    let file = ElfFile64::<Endianness>::parse(code).expect("an ELF file");
    let text = file.section_by_name(".text").expect("instructions");
    text.data().expect("their bytes").to_vec()
}

/// The lines of an output as `tests/interop/jco/run.mjs` says them.
fn said(name: &str, summary: &str, output: &[u8]) -> Value {
    let lines: Vec<Value> = serde_json::Deserializer::from_slice(output)
        .into_iter()
        .map(|line| line.expect("a line of JSON"))
        .collect();
    let of = |key: &str| -> Vec<&Value> { lines.iter().filter_map(|line| line.get(key)).collect() };
    let mut said = json!({"name": name, "summary": summary, "empty": true});
    let vectors = of("embedding");
    if vectors.is_empty() {
        let end = lines.last().expect("a last line");
        said["pieces"] = json!(of("piece"));
        said["end"] = json!([end["prompt_tokens"], end["answer_tokens"], end["end"]]);
        return said;
    }
    let mut digest = Sha256::new();
    for vector in &vectors {
        let vector: Vec<f32> = serde_json::from_value((*vector).clone()).expect("numbers");
        said["dimensions"] = json!(vector.len());
        vector
            .iter()
            .for_each(|value| digest.update(value.to_le_bytes()));
    }
    said["tokens"] = json!(of("tokens"));
    said["truncated"] = json!(of("truncated"));
    said["sha256"] = json!(data_encoding::HEXLOWER.encode(&digest.finalize()));
    said
}

/// What the script says of a case.
fn in_v8(folder: &Path, case: &Case) -> Value {
    let component = format!("plugins/bundle/components/{}.wasm", case.component);
    let mut node = Command::new("node")
        .arg(folder.join("run.mjs"))
        .arg(workspace().join(component))
        .arg(&case.model)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut input = node.stdin.take().expect("piped");
    input
        .write_all(case.asked.to_string().as_bytes())
        .expect("it reads");
    drop(input);
    let output = node.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}: V8 fails", case.name());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "AVX2 is of x86-64")]
fn avx2_changes_instructions_and_no_bit() {
    // Where it has none nothing would be compared, and that is no success.
    #[cfg(target_arch = "x86_64")]
    assert!(
        is_x86_feature_detected!("avx2"),
        "not tested: this processor has no AVX2"
    );
    let engine = WorkloadEngine::for_any_processor().expect("an engine");
    compare(|case, native| {
        let (plain, name) = (run(&engine, case), case.name());
        assert!(native.code != plain.code, "{name}: the same instructions");
        assert!(native.output == plain.output, "{name}: other bytes");
        assert_eq!(native.fuel, plain.fuel, "{name}");
    });
}

#[test]
fn v8_gives_what_wasmtime_gives() {
    if !has_tool("npm", &["--version"]) {
        return;
    }
    let folder = npm_folder("jco");
    compare(|case, native| assert_eq!(in_v8(&folder, case), native.said, "{}", case.name()));
}
