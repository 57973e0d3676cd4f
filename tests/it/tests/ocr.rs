//! Text in images: a model from a Python package, pages that are read through a node, receipts that are checked by another
//! run, and images and models that are wrong.

use serde_json::Value;
use std::path::{Path, PathBuf};
use weft_kit::{Home, has_tool, python_with, workspace};

/// The package that carries the models of PP-OCRv4.
const PACKAGE: &str = "rapidocr-onnxruntime";

fn page(name: &str) -> String {
    path(&workspace().join("tests/reference/ocr").join(name))
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn text(value: &Value, key: &str) -> String {
    let found = value[key].as_str();
    found
        .unwrap_or_else(|| panic!("no `{key}`: {value}"))
        .to_owned()
}

/// What was read, without spaces, of which the model leaves out some.
fn letters(page: &Value) -> String {
    let lines = page["lines"].as_array().expect("lines");
    let said: String = lines.iter().map(|line| text(line, "text")).collect();
    said.split_whitespace().collect()
}

fn run(home: &Home, args: &[&str]) -> Value {
    home.weft([&["run", "ocr", "--json"], args].concat())
        .ok()
        .json()
}

#[test]
fn a_page_is_read_and_its_receipt_is_checked() {
    if !has_tool("python3", &["-m", "ensurepip", "--version"]) {
        return;
    }
    let python = path(&python_with("rapidocr-onnxruntime==1.4.4"));
    let home = Home::new();
    home.weft(["init"]).ok();

    let refused = home.weft(["run", "ocr", &page("sans-32.png")]);
    assert_eq!(refused.code, 3, "{refused:?}");
    for part in ["no model `ppocr`", "--from-python rapidocr-onnxruntime"] {
        assert!(refused.stderr.contains(part), "no `{part}`: {refused:?}");
    }

    let add = ["model", "add", "ppocr", "--from-python", PACKAGE];
    let added = home.weft([&add[..], &["--python", &python, "--json"]].concat());
    let added = added.ok().json();
    assert_eq!(added["license"], "Apache-2.0", "as the package says");
    let source = "Python package rapidocr-onnxruntime 1.4.4";
    assert_eq!(added["source"], source);
    assert_eq!(added["files"].as_array().map(Vec::len), Some(3), "{added}");

    let first = run(&home, &[&page("sans-32.png")]);
    let found = &first["pages"][0];
    let golden = std::fs::read_to_string(page("golden.json")).expect("the reference");
    let golden: Value = serde_json::from_str(&golden).expect("the reference");
    let pages = golden["pages"].as_array().expect("pages");
    let wanted = pages.iter().find(|p| p["file"] == "sans-32.png");
    let wanted = wanted.expect("the page")["text"].as_array().expect("lines");
    let said = letters(found);
    for (place, line) in wanted.iter().enumerate() {
        let line: String = line.as_str().expect("a line").split_whitespace().collect();
        // The one character that rapidocr gets wrong is in the fifth.
        assert!(place == 4 || said.contains(&line), "no `{line}` in {said}");
    }
    assert_eq!(
        (&found["width"], &found["height"]),
        (&480.into(), &480.into())
    );
    assert_eq!(found["usage"]["pixels"], 480 * 480);
    for line in found["lines"].as_array().expect("lines") {
        assert!(
            line["confidence"].as_f64().expect("a number") > 0.9,
            "{line}"
        );
        assert_eq!(line["turned"], false, "{line}");
        let corner = |at: usize, axis: usize| line["corners"][at][axis].as_u64().expect("a pixel");
        assert!(
            corner(0, 0) < corner(1, 0) && corner(0, 1) < corner(3, 1),
            "{line}"
        );
    }

    // Another run gives the same claim, down to the fuel, and so does a check of the receipt.
    let receipt = text(found, "receipt");
    let again = home.weft(["receipt", "verify", &receipt, "--json"]);
    let again = again.ok().json();
    assert_eq!(again["again"]["equal"], true, "{again:#}");
    assert_eq!(again["models"], Value::from(vec![text(&added, "cid")]));

    // What nothing is that sure of is left out.
    let none = run(&home, &["--min-confidence", "1", &page("sans-32.png")]);
    assert_eq!(letters(&none["pages"][0]), "");

    several(&home);
    hostile_images(&home);
    hostile_models(&home, &added);
    let after = run(&home, &[&page("sans-32.png")]);
    assert_eq!(after["pages"][0]["lines"], found["lines"]);
}

/// Several images are a task each: one that is wrong does not stop the others.
fn several(home: &Home) {
    let blank = page("golden.json");
    let images = [page("arial-32.jpg"), blank.clone(), page("times-32.webp")];
    let images = images.each_ref().map(String::as_str);
    let ran = home.weft([&["run", "ocr", "--json"][..], &images].concat());
    assert_eq!(ran.code, 6, "one could not be read: {ran:?}");
    let pages = ran.json();
    let pages = pages["pages"].as_array().expect("pages");
    assert_eq!(pages.len(), 3);
    assert!(letters(&pages[0]).contains("wizardsjump"), "{}", pages[0]);
    let why = text(&pages[1]["error"], "message");
    assert!(why.contains("no PNG, JPEG or WebP"), "{why}");
    assert_eq!(text(&pages[1], "file"), blank);
    assert!(letters(&pages[2]).len() > 100, "{}", pages[2]);

    let shown = home.weft([&["run", "ocr"][..], &images].concat());
    assert_eq!(shown.code, 6, "{shown:?}");
    assert!(shown.stdout.contains("arial-32.jpg"), "{shown:?}");
    assert!(shown.stderr.contains("no PNG, JPEG or WebP"), "{shown:?}");
    // Of one image there is nothing but its text.
    let alone = home.weft(["run", "ocr", &page("sans-32.png")]).ok();
    assert!(alone.stdout.starts_with("The"), "{alone:?}");
}

fn hostile_images(home: &Home) {
    let whole = std::fs::read(page("sans-32.png")).expect("a page");
    let half = whole[..whole.len() / 2].to_vec();
    let mut bomb = whole.clone();
    // 60,000 x 60,000 pixels, as its header says, whose sum is right again.
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let sum = crc(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&sum);
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("nothing", Vec::new(), "no PNG, JPEG or WebP"),
        ("half", half, "damaged"),
        ("a bomb", bomb, "make it smaller"),
        ("33 MiB", vec![0x89; 33 << 20], "more than 32 MiB"),
    ];
    for (what, bytes, named) in cases {
        let file = home.join("image");
        std::fs::write(&file, bytes).expect("a file");
        let ran = home.weft(["run", "ocr", &path(&file)]);
        assert_eq!(ran.code, 6, "{what}: {ran:?}");
        assert!(ran.stderr.contains(named), "{what}: {ran:?}");
    }
    let gone = home.weft(["run", "ocr", &path(&home.join("nobody.png"))]);
    assert_ne!(gone.code, 0, "{gone:?}");
}

/// The checksum of PNG's chunks.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// What is no model is refused by the component, in its own memory, and nothing of it is kept.
fn hostile_models(home: &Home, model: &Value) {
    let folder: PathBuf = home.join("model");
    std::fs::create_dir(&folder).expect("a folder");
    let files = model["files"].as_array().expect("files");
    for file in files {
        let to = folder.join(text(file, "path"));
        home.weft(["content", "get", &text(file, "cid"), "-o", &path(&to)])
            .ok();
    }
    // From a folder it is the same model.
    let twin = home.weft(["model", "add", "twin", &path(&folder), "--json"]);
    assert_eq!(twin.ok().json()["cid"], model["cid"]);
    let mut names = files.iter().map(|file| text(file, "path"));
    let recogniser = names.find(|name| name.contains("_rec_"));
    let recogniser = folder.join(recogniser.expect("a recogniser"));
    let bytes = std::fs::read(&recogniser).expect("a network");
    for (what, part, named) in [
        ("half of it", bytes[..bytes.len() / 2].to_vec(), "_rec_"),
        ("noise", vec![0x5a; 50_000], "_rec_"),
    ] {
        std::fs::write(&recogniser, part).expect("a file");
        home.weft(["model", "add", "bad", &path(&folder)]).ok();
        let ran = home.weft(["run", "ocr", "--model", "bad", &page("sans-32.png")]);
        assert_eq!(ran.code, 4, "{what}: {ran:?}");
        assert!(ran.stderr.contains(named), "{what}: {ran:?}");
        home.weft(["model", "remove", "bad"]).ok();
    }
    let other = home.weft(["run", "ocr", "--model", "mini", &page("sans-32.png")]);
    assert_eq!(other.code, 4, "{other:?}");
    assert!(other.stderr.contains("*det*.onnx"), "{other:?}");
}
