//! Pages as rapidocr reads them, images that are wrong, and models that are none, natively.
//!
//! The models are those of the Python package that the reference was made with; the first test that wants them installs it.

use image::imageops::{rotate180, rotate270};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use ocr::Model;
use ocr::limits::PIXELS;
use serde_json::Value;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use weft_kit::{has_tool, python_with, workspace};
use weft_sdk::ocr::{ModelError, Ocr, Options, Page};

/// The models' folder; none where there is no Python to install it with.
static MODELS: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if !has_tool("python3", &["-m", "ensurepip", "--version"]) {
        return None;
    }
    let python = python_with("rapidocr-onnxruntime==1.4.4");
    let environment = python.ancestors().nth(2).expect("an environment");
    let versions = std::fs::read_dir(environment.join("lib")).expect("a library");
    versions
        .map(|entry| entry.expect("an entry").path())
        .map(|lib| lib.join("site-packages/rapidocr_onnxruntime/models"))
        .find(|folder| folder.is_dir())
});

thread_local! {
    static MODEL: Option<Model> = MODELS
        .as_ref()
        .map(|dir| Model::load(dir).unwrap_or_else(|e| panic!("{e:?}")));
}

fn read(image: &[u8]) -> Result<Page, ModelError> {
    let options = Options {
        min_confidence: 0.5,
    };
    MODEL.with(|model| model.as_ref().expect("a model").read(image, &options))
}

fn texts(page: &Page) -> Vec<&str> {
    page.lines.iter().map(|line| line.text.as_str()).collect()
}

fn reference() -> PathBuf {
    workspace().join("tests/reference/ocr")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(reference().join(name)).expect("a page")
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).expect("an image");
    bytes.into_inner()
}

/// Without spaces, of which the models leave out some.
fn letters<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Vec<char> {
    let mut letters = Vec::new();
    for line in lines {
        letters.extend(line.as_ref().chars().filter(|c| !c.is_whitespace()));
    }
    letters
}

/// Levenshtein's distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut last = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let here = row[j + 1];
            row[j + 1] = (here + 1).min(row[j] + 1).min(last + usize::from(x != y));
            last = here;
        }
    }
    row[b.len()]
}

#[test]
fn pages_are_read_as_well_as_rapidocr_reads_them() {
    if MODELS.is_none() {
        return;
    }
    let golden: Value = serde_json::from_slice(&file("golden.json")).expect("the reference");
    let pages = golden["pages"].as_array().expect("pages");
    assert_eq!(pages.len(), 45);
    let (mut ours, mut theirs, mut all) = (0, 0, 0);
    for golden in pages {
        let name = golden["file"].as_str().expect("a name");
        let lines = golden["text"].as_array().expect("lines");
        let wanted = letters(lines.iter().map(|line| line.as_str().expect("a line")));
        let page = read(&file(name)).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let wrong = edits(&wanted, &letters(texts(&page)));
        let reference = golden["edits"].as_u64().expect("a number") as usize;
        println!(
            "{name}: {wrong} wrong, rapidocr {reference}, of {}",
            wanted.len()
        );
        let said: u32 = texts(&page).iter().map(|t| t.chars().count() as u32).sum();
        assert_eq!(page.usage.characters, said, "{name}");
        ours += wrong;
        theirs += reference;
        all += wanted.len();
    }
    println!("{ours} of {all} characters wrong, rapidocr {theirs}");
    assert!(
        ours * 10 <= theirs * 11,
        "{ours} of {all} characters wrong, rapidocr {theirs}"
    );
}

#[test]
fn a_page_that_stands_on_its_head_is_turned() {
    if MODELS.is_none() {
        return;
    }
    let upright = file("sans-32.png");
    let page = image::load_from_memory(&upright).expect("a page");
    let wanted = read(&upright).expect("a page");
    assert!(wanted.lines.iter().all(|line| !line.turned));
    let found = read(&encoded(rotate180(&page), ImageFormat::Png)).expect("a page");
    assert!(found.lines.iter().all(|line| line.turned));
    let mut lines = texts(&found);
    lines.reverse();
    let wrong = edits(&letters(texts(&wanted)), &letters(lines));
    assert!(wrong <= 3, "{wrong}: {found:#?}");
}

/// A JPEG that says it is to be turned by 90 degrees.
fn to_be_turned(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = encoded(rotate270(&image.to_rgb8()), ImageFormat::Jpeg);
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    bytes.splice(2..2, exif);
    bytes
}

#[test]
fn an_image_is_turned_as_its_exif_data_says() {
    if MODELS.is_none() {
        return;
    }
    let wide = image::load_from_memory(&file("sans-32.png"))
        .expect("a page")
        .crop_imm(0, 0, 480, 170);
    let wanted = read(&encoded(wide.clone(), ImageFormat::Jpeg)).expect("a page");
    let found = read(&to_be_turned(&wide)).expect("a page");
    assert_eq!((found.width, found.height), (480, 170));
    let wrong = edits(&letters(texts(&wanted)), &letters(texts(&found)));
    assert!(found.lines.len() >= 3 && wrong <= 2, "{wrong}: {found:#?}");
}

#[test]
fn dark_and_light_text_is_read_without_a_ground() {
    if MODELS.is_none() {
        return;
    }
    let page = image::load_from_memory(&file("sans-32.png")).expect("a page");
    let wanted = read(&file("sans-32.png")).expect("a page");
    let page = page.to_luma8();
    for ink in [0, 255] {
        let drawn = RgbaImage::from_fn(page.width(), page.height(), |x, y| {
            Rgba([ink, ink, ink, 255 - page.get_pixel(x, y).0[0]])
        });
        let found = read(&encoded(drawn, ImageFormat::Png)).expect("a page");
        let wrong = edits(&letters(texts(&wanted)), &letters(texts(&found)));
        assert!(wrong <= 4, "ink {ink}: {found:#?}");
    }
}

#[test]
fn an_image_without_text_has_no_lines() {
    if MODELS.is_none() {
        return;
    }
    for (width, height) in [(1, 1), (1, 3000), (4_000_000, 1), (31, 400), (320, 240)] {
        let blank = RgbImage::from_pixel(width, height, Rgb([250; 3]));
        let page = read(&encoded(blank, ImageFormat::Png));
        let page = page.unwrap_or_else(|e| panic!("{width} x {height}: {e:?}"));
        assert_eq!((page.width, page.height), (width, height));
        assert_eq!(texts(&page), Vec::<&str>::new(), "{width} x {height}");
    }
}

/// The beginning of a PNG that claims so many pixels.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(RgbImage::new(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = bytes[12..29].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

#[test]
fn what_is_no_image_is_refused_and_says_why() {
    if MODELS.is_none() {
        return;
    }
    let half = |name: &str| {
        let bytes = file(name);
        bytes[..bytes.len() / 2].to_vec()
    };
    let side = (PIXELS as f64).sqrt() as u32 + 1;
    let cases: [(&str, Vec<u8>, &str); 10] = [
        ("nothing", Vec::new(), "no PNG, JPEG or WebP"),
        ("a text", b"hello".to_vec(), "no PNG, JPEG or WebP"),
        (
            "a GIF",
            b"GIF89a\x01\0\x01\0".to_vec(),
            "no PNG, JPEG or WebP",
        ),
        ("half a PNG", half("sans-22.png"), "damaged"),
        ("half a JPEG", half("sans-22.jpg"), "ends too early"),
        ("half a WebP", half("sans-22.webp"), "damaged"),
        ("a side of zero", claims(0, 10), "damaged"),
        ("too many pixels", claims(side, side), "make it smaller"),
        (
            "a bomb",
            claims(i32::MAX as u32, i32::MAX as u32),
            "make it smaller",
        ),
        ("33 MiB", vec![0xff; 33 << 20], "more than 32 MiB"),
    ];
    for (what, bytes, named) in cases {
        match read(&bytes) {
            Err(ModelError::BadInput(why)) => assert!(why.contains(named), "{what}: {why}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let options = Options {
        min_confidence: f32::NAN,
    };
    let image = file("sans-32.png");
    let refused = MODEL.with(|model| model.as_ref().expect("a model").read(&image, &options));
    assert!(matches!(refused, Err(ModelError::BadInput(why)) if why.contains("min-confidence")));
}

/// The names of the networks of the model.
const NETWORKS: [&str; 3] = [
    "ch_PP-OCRv4_det_infer.onnx",
    "ch_PP-OCRv4_rec_infer.onnx",
    "ch_ppocr_mobile_v2.0_cls_infer.onnx",
];

#[test]
fn what_is_no_model_is_refused_and_says_which_file() {
    let Some(models) = MODELS.as_ref() else {
        return;
    };
    let [det, rec, cls] = NETWORKS;
    let bytes = |name: &str| std::fs::read(models.join(name)).expect("a network");
    let beginning = |name: &str, part: usize| {
        let whole = bytes(name);
        whole[..whole.len() * part / 100].to_vec()
    };
    let none = Vec::new;
    type Files = [(&'static str, Vec<u8>); 3];
    let cases: [(&str, Files, &str); 9] = [
        (
            "no detector",
            [(rec, bytes(rec)), (cls, bytes(cls)), ("a.txt", none())],
            "*det*.onnx",
        ),
        (
            "no recogniser",
            [(det, bytes(det)), (cls, bytes(cls)), ("a.txt", none())],
            "*rec*.onnx",
        ),
        (
            "two detectors",
            [
                (det, bytes(det)),
                (rec, bytes(rec)),
                ("other-det.onnx", none()),
            ],
            "is for the same",
        ),
        (
            "an empty file",
            [(det, none()), (rec, bytes(rec)), (cls, bytes(cls))],
            det,
        ),
        (
            "half a detector",
            [
                (det, beginning(det, 50)),
                (rec, bytes(rec)),
                (cls, bytes(cls)),
            ],
            det,
        ),
        (
            "most of a recogniser",
            [
                (det, bytes(det)),
                (rec, beginning(rec, 95)),
                (cls, bytes(cls)),
            ],
            rec,
        ),
        (
            "noise",
            [
                (det, bytes(det)),
                (rec, bytes(rec)),
                (cls, vec![0x5a; 100_000]),
            ],
            cls,
        ),
        (
            "a classifier that finds",
            [(det, bytes(cls)), (rec, bytes(rec)), (cls, bytes(cls))],
            det,
        ),
        (
            "a detector that reads",
            [(det, bytes(det)), (rec, bytes(det)), (cls, bytes(cls))],
            "does not name its characters",
        ),
    ];
    for (what, files, named) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            write(&folder.path().join(name), &bytes);
        }
        let refused = Model::load(folder.path()).err();
        let why = match &refused {
            Some(ModelError::Missing(why) | ModelError::BadModel(why)) => why,
            other => panic!("{what}: {other:?}"),
        };
        assert!(why.contains(named), "{what}: {why}");
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file");
}
