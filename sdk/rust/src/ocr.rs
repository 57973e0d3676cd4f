//! `weft:ocr@0.1.0`: a model that reads the text in an image.

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::path::Path;

#[doc(hidden)]
#[allow(missing_docs, reason = "generated from wit/ocr, which documents them")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/ocr/0.1.0",
        world: "weft:ocr/ocr",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::ocr::bindings",
    });
}

pub use bindings::exports::weft::ocr::model::{
    Description, Guest, Line, Loaded, ModelError, Options, Page, Point, Usage,
};

pub use crate::embeddings::MODEL_DIR;

/// A component for models that read images. Its value is a loaded model.
pub trait Ocr: Sized + 'static {
    /// The component's name.
    const NAME: &'static str;
    /// One sentence for a person.
    const SUMMARY: &'static str;
    /// Formats of models that it reads.
    const FORMATS: &'static [&'static str];
    /// Formats of images that it reads, as media types.
    const IMAGES: &'static [&'static str];

    /// Reads the model in a directory.
    ///
    /// # Errors
    /// What is missing or damaged.
    fn load(dir: &Path) -> Result<Self, ModelError>;

    /// What the model can do.
    fn loaded(&self) -> Loaded;

    /// Reads one image: the bytes of its file.
    ///
    /// # Errors
    /// What a caller can act on.
    fn read(&self, image: &[u8], options: &Options) -> Result<Page, ModelError>;
}

/// What the export macro exports. The model is kept in the component's memory, of which the host keeps a copy.
pub struct Component<O>(PhantomData<O>);

/// The place of the one model of a component.
#[doc(hidden)]
pub trait Place: Ocr {
    fn with<R>(use_it: impl FnOnce(&OnceCell<Self>) -> R) -> R;
}

impl<O: Place> Guest for Component<O> {
    fn describe() -> Description {
        let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        Description {
            name: O::NAME.into(),
            summary: O::SUMMARY.into(),
            formats: texts(O::FORMATS),
            images: texts(O::IMAGES),
            loaded: O::with(|place| place.get().map(O::loaded)),
        }
    }

    fn load() -> Result<(), ModelError> {
        let model = O::load(Path::new(MODEL_DIR))?;
        O::with(|place| place.set(model))
            .map_err(|_| ModelError::Failed("a model is loaded already".into()))
    }

    fn read(image: Vec<u8>, options: Options) -> Result<Page, ModelError> {
        O::with(|place| match place.get() {
            Some(model) => model.read(&image, &options),
            None => Err(ModelError::Missing("no model is loaded".into())),
        })
    }
}

/// Exports a type that implements [`Ocr`].
#[macro_export]
macro_rules! export_ocr {
    ($model:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            thread_local! {
                static PLACE: ::std::cell::OnceCell<$model> = const { ::std::cell::OnceCell::new() };
            }
            impl $crate::ocr::Place for $model {
                fn with<R>(use_it: impl FnOnce(&::std::cell::OnceCell<Self>) -> R) -> R {
                    PLACE.with(use_it)
                }
            }
            type Exported = $crate::ocr::Component<$model>;
            $crate::ocr::bindings::export!(Exported with_types_in $crate::ocr::bindings);
        };
    };
}
