//! Reads images natively: `cargo run -p ocr --example read -- MODEL-FOLDER IMAGE…`.

use ocr::Model;
use std::path::PathBuf;
use std::time::Instant;
use weft_sdk::ocr::{Ocr, Options};

fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let dir = args.next().expect("the folder of a model");
    let model = Model::load(&dir).unwrap_or_else(|e| panic!("{e:?}"));
    for path in args {
        let image = std::fs::read(&path).expect("an image");
        let began = Instant::now();
        let options = Options {
            min_confidence: 0.5,
        };
        let page = model.read(&image, &options);
        let took = began.elapsed();
        match page {
            Ok(page) => {
                println!("{} ({took:.2?})", path.display());
                for line in page.lines {
                    println!(
                        "{:.3} {}{}",
                        line.confidence,
                        if line.turned { "TURNED " } else { "" },
                        line.text
                    );
                }
            }
            Err(e) => println!("{}: {e:?}", path.display()),
        }
    }
}
