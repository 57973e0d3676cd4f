//! A plugin's config: a typed struct whose defaults, ranges and JSON Schema come from one declaration.

use crate::PolicyError;

/// What the `config!` macro makes.
#[cfg(target_family = "wasm")]
pub trait Config: Default + serde::de::DeserializeOwned {
    /// Says which value is out of its range.
    fn validate(&self) -> Result<(), String>;
}

/// What the `config!` macro makes.
#[cfg(not(target_family = "wasm"))]
pub trait Config:
    Default + serde::de::DeserializeOwned + serde::Serialize + schemars::JsonSchema
{
    /// Says which value is out of its range.
    fn validate(&self) -> Result<(), String>;
}

/// Decodes canonical CBOR; empty bytes give the defaults.
///
/// # Errors
/// `BadConfig` when the bytes don't decode, name an unknown field, or hold a value out of range.
pub fn decode<C: Config>(bytes: &[u8]) -> Result<C, PolicyError> {
    if bytes.is_empty() {
        return Ok(C::default());
    }
    let reader = cbor4ii::core::utils::SliceReader::new(bytes);
    let mut decoder = cbor4ii::serde::Deserializer::new(reader);
    let config: C = serde::Deserialize::deserialize(&mut decoder)
        .map_err(|e| PolicyError::BadConfig(sentence(e)))?;
    config.validate().map_err(PolicyError::BadConfig)?;
    Ok(config)
}

/// What a person is told. Not the error's own text: that is derived `Debug`, 14 kB in every component.
fn sentence<E>(error: cbor4ii::serde::DecodeError<E>) -> String {
    use cbor4ii::core::error::DecodeError::{Eof, Mismatch, RequireUtf8, Unsupported};
    use cbor4ii::serde::DecodeError::{Core, Custom};
    match error {
        Custom(message) => message.into(),
        Core(Mismatch { name, .. } | Unsupported { name, .. }) => {
            ["a value is not of the type `", name, "`"].concat()
        }
        Core(Eof { .. }) => "the CBOR is cut off".into(),
        Core(RequireUtf8 { .. }) => "a text is not UTF-8".into(),
        Core(_) => "it is not canonical CBOR".into(),
    }
}

/// Declares a config: `name: type = default, low..=high;` (the range is optional).
///
/// The struct gets `Default`, serde (unknown fields refused, missing ones defaulted), range checks and, natively,
/// a JSON Schema with the doc comments as descriptions.
#[macro_export]
macro_rules! config {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$fmeta:meta])* pub $field:ident : $ty:ty = $default:expr $(, $lo:literal ..= $hi:literal)? ; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "weft_sdk::serde", default, deny_unknown_fields)]
        #[cfg_attr(not(target_family = "wasm"), derive($crate::native::JsonSchema))]
        #[cfg_attr(not(target_family = "wasm"), schemars(crate = "weft_sdk::native::schemars"))]
        pub struct $name {
            $(
                $(#[$fmeta])*
                $( #[cfg_attr(not(target_family = "wasm"), schemars(range(min = $lo, max = $hi)))] )?
                pub $field: $ty,
            )*
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }
        impl $crate::config::Config for $name {
            fn validate(&self) -> Result<(), String> {
                $( $(
                    if !($lo..=$hi).contains(&self.$field) {
                        return Err(format!(
                            concat!("`", stringify!($field), "` is {}, allowed is ", stringify!($lo), " to ", stringify!($hi)),
                            self.$field,
                        ));
                    }
                )? )*
                Ok(())
            }
        }
    };
}

/// A plugin that has nothing to set.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(target_family = "wasm"), derive(schemars::JsonSchema))]
pub struct NoConfig {}

impl Config for NoConfig {
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }
}
