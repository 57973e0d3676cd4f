//! `weft:chat@0.1.0`: a model that answers a conversation.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::path::Path;

#[doc(hidden)]
#[allow(missing_docs, reason = "generated from wit/chat, which documents them")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/chat/0.1.0",
        world: "weft:chat/chat",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::chat::bindings",
    });
}

pub use bindings::exports::weft::chat::model::{
    Description, End, Guest, Loaded, ModelError, Options, Role, Skill, Turn, Usage,
};

pub use crate::embeddings::MODEL_DIR;

/// A component for models that answer. Its value is a loaded model.
pub trait Chat: Sized + 'static {
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

    /// Adds a skill for the answer that follows.
    ///
    /// # Errors
    /// What is wrong with the skill. Nothing is added then.
    fn add_skill(&mut self, skill: Skill) -> Result<(), ModelError>;

    /// Answers a conversation. `piece` is given the answer as it is made, and says whether to go on.
    ///
    /// # Errors
    /// What a caller can act on.
    fn answer(
        &self,
        turns: &[Turn],
        options: &Options,
        piece: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Usage, ModelError>;
}

/// What the export macro exports. The model is kept in the component's memory, of which the host keeps a copy.
pub struct Component<C>(PhantomData<C>);

/// The place of the one model of a component.
#[doc(hidden)]
pub trait Place: Chat {
    fn with<R>(use_it: impl FnOnce(&RefCell<Option<Self>>) -> R) -> R;
}

fn no_model<T>() -> Result<T, ModelError> {
    Err(ModelError::Missing("no model is loaded".into()))
}

impl<C: Place> Guest for Component<C> {
    fn describe() -> Description {
        Description {
            name: C::NAME.into(),
            summary: C::SUMMARY.into(),
            formats: C::FORMATS.iter().map(ToString::to_string).collect(),
            loaded: C::with(|place| place.borrow().as_ref().map(C::loaded)),
        }
    }

    fn load() -> Result<(), ModelError> {
        let model = C::load(Path::new(MODEL_DIR))?;
        C::with(|place| match place.replace(Some(model)) {
            None => Ok(()),
            Some(_) => Err(ModelError::Failed("a model is loaded already".into())),
        })
    }

    fn add_skill(skill: Skill) -> Result<(), ModelError> {
        C::with(|place| match &mut *place.borrow_mut() {
            Some(model) => model.add_skill(skill),
            None => no_model(),
        })
    }

    fn answer(turns: Vec<Turn>, options: Options) -> Result<Usage, ModelError> {
        C::with(|place| match &*place.borrow() {
            Some(model) => model.answer(&turns, &options, &mut send),
            None => no_model(),
        })
    }
}

#[cfg(target_family = "wasm")]
fn send(piece: &str) -> bool {
    bindings::weft::chat::sink::piece(piece)
}

/// Natively nobody is connected: a model is called by its own type there.
#[cfg(not(target_family = "wasm"))]
fn send(_: &str) -> bool {
    false
}

/// Exports a type that implements [`Chat`].
#[macro_export]
macro_rules! export_chat {
    ($model:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            thread_local! {
                static PLACE: ::std::cell::RefCell<Option<$model>> =
                    const { ::std::cell::RefCell::new(None) };
            }
            impl $crate::chat::Place for $model {
                fn with<R>(use_it: impl FnOnce(&::std::cell::RefCell<Option<Self>>) -> R) -> R {
                    PLACE.with(use_it)
                }
            }
            type Exported = $crate::chat::Component<$model>;
    $crate::chat::bindings::export!(Exported with_types_in $crate::chat::bindings);
        };
    };
}
