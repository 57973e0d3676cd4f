//! `weft:ocr@0.1.0`: bindings.

#[allow(missing_docs, reason = "generated from wit/ocr, which documents them")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/ocr/0.1.0",
        world: "weft:ocr/ocr",
    });
}

pub use generated::exports::weft::ocr::model::{
    Description, Line, Loaded, ModelError, Options, Page, Point, Usage,
};
pub use generated::{Ocr, OcrPre};
