//! `weft:embeddings@0.1.0`: a model that turns texts into vectors.

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::path::Path;

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/embeddings, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/embeddings/0.1.0",
        world: "weft:embeddings/embeddings",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::embeddings::bindings",
    });
}

pub use bindings::exports::weft::embeddings::model::{
    Description, Embedding, Guest, Loaded, ModelError,
};

/// Where the model's directory is granted.
pub const MODEL_DIR: &str = "/model";

/// A component for models that turn texts into vectors. Its value is a loaded model.
pub trait Embeddings: Sized + 'static {
    /// The component's name.
    const NAME: &'static str;
    /// One sentence for a person.
    const SUMMARY: &'static str;
    /// Formats of models that it reads.
    const FORMATS: &'static [&'static str];

    /// Reads the model in a directory.
    ///
    /// # Errors
    /// What is missing or damaged.
    fn load(dir: &Path) -> Result<Self, ModelError>;

    /// What the model can do.
    fn loaded(&self) -> Loaded;

    /// One embedding for each text, in order.
    ///
    /// # Errors
    /// What a caller can act on.
    fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, ModelError>;
}

/// What the export macro exports. The model is kept in the component's memory, of which the host keeps a copy.
pub struct Component<E>(PhantomData<E>);

/// The place of the one model of a component.
#[doc(hidden)]
pub trait Place: Embeddings {
    fn with<R>(use_it: impl FnOnce(&OnceCell<Self>) -> R) -> R;
}

impl<E: Place> Guest for Component<E> {
    fn describe() -> Description {
        Description {
            name: E::NAME.into(),
            summary: E::SUMMARY.into(),
            formats: E::FORMATS.iter().map(ToString::to_string).collect(),
            loaded: E::with(|place| place.get().map(E::loaded)),
        }
    }

    fn load() -> Result<(), ModelError> {
        let model = E::load(Path::new(MODEL_DIR))?;
        E::with(|place| place.set(model))
            .map_err(|_| ModelError::Failed("a model is loaded already".into()))
    }

    fn embed(texts: Vec<String>) -> Result<Vec<Embedding>, ModelError> {
        E::with(|place| match place.get() {
            Some(model) => model.embed(&texts),
            None => Err(ModelError::Missing("no model is loaded".into())),
        })
    }
}

/// Exports a type that implements [`Embeddings`].
#[macro_export]
macro_rules! export_embeddings {
    ($model:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            thread_local! {
                static PLACE: ::std::cell::OnceCell<$model> = const { ::std::cell::OnceCell::new() };
            }
            impl $crate::embeddings::Place for $model {
                fn with<R>(use_it: impl FnOnce(&::std::cell::OnceCell<Self>) -> R) -> R {
                    PLACE.with(use_it)
                }
            }
            type Exported = $crate::embeddings::Component<$model>;
            $crate::embeddings::bindings::export!(Exported with_types_in $crate::embeddings::bindings);
        };
    };
}
