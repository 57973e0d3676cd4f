//! The source of the component `ocr`, compiled for this machine. Its networks are computed by rten, which takes the widest
//! instructions that the processor has, whatever it was compiled for, and as many threads as `RTEN_NUM_THREADS` says.

use crate::work::{Moment, Reply, serve};
use std::path::Path;
use weft_sdk::ocr::{Ocr, Options};

/// Serves `MODEL IMAGE`.
pub fn run(args: &[&str]) {
    let &[model, image] = args else {
        panic!("{args:?} is no side");
    };
    let image = std::fs::read(image).expect("an image");
    let began = Moment::now();
    let model = ocr::Model::load(Path::new(model)).unwrap_or_else(|e| panic!("{e:?}"));
    serve(&began.passed(), |work, _| {
        assert_eq!(work, "read", "`{work}` is no work here");
        let began = Moment::now();
        let options = Options {
            min_confidence: 0.5,
        };
        let page = model.read(&image, &options);
        let took = began.passed();
        let page = page.unwrap_or_else(|e| panic!("{e:?}"));
        let lines: Vec<_> = page.lines.into_iter().map(|line| line.text).collect();
        Reply {
            text: lines.join("\n"),
            ..took
        }
    });
}
