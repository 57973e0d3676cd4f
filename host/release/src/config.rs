//! A config as a person writes it (JSON) becomes the bytes that a policy receives (canonical DAG-CBOR).
//!
//! Two questions are answered here: does the config fit the release's JSON Schema, and is each number a float or an
//! integer? JSON does not say: `1` under `"type": "number"` is the float 1.0 to a guest that reads an `f64`. So every
//! number is written as its schema says, and as it is written where the schema says nothing.
//!
//! No schema is fetched: a reference to anything but the schema itself is refused. Patterns run on the linear regex
//! engine, since a release's schema comes from a stranger.

mod typed;

use crate::limits::{CONFIG_BYTES, CONFIG_DEPTH, SCHEMA_BYTES};
use crate::text;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;
use weft_model::cbor::{self, CborError};

/// A config that does not fit, or a schema that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The config breaks its schema.
    #[error("config field `{path}`: found {found}, allowed is {allowed}")]
    Invalid {
        /// The field, as `a.b.0`; `(all)` for the whole config.
        path: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        allowed: String,
    },
    /// The schema is no usable JSON Schema.
    #[error(
        "the release's config schema can't be used: {0}; ask its publisher for a corrected one"
    )]
    Schema(String),
    /// The config is too deep.
    #[error("config field `{path}` is nested deeper than {CONFIG_DEPTH} levels")]
    TooDeep {
        /// The field.
        path: String,
    },
    /// Too many bytes.
    #[error("a config of {found} bytes is over the limit of {CONFIG_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// The values have no DAG-CBOR form.
    #[error(transparent)]
    Cbor(#[from] CborError),
}

/// Checks a JSON config against its schema and writes it as canonical DAG-CBOR. An empty object, all defaults, gives
/// no bytes.
///
/// # Errors
/// The first field that does not fit, with what was found and what is allowed; or that the schema can't be used.
pub fn canonical_config(schema: &Value, config: &Value) -> Result<Vec<u8>, ConfigError> {
    let validator = compile(schema)?;
    let Value::Object(fields) = config else {
        return Err(ConfigError::Invalid {
            path: WHOLE.to_owned(),
            found: found(config),
            allowed: "an object".to_owned(),
        });
    };
    check_depth(config, &mut Vec::new())?;
    if let Err(error) = validator.validate(config) {
        return Err(explain(schema, &error));
    }
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = cbor::encode(&typed::ipld(schema, config)?)?;
    if bytes.len() > CONFIG_BYTES {
        return Err(ConfigError::TooLarge { found: bytes.len() });
    }
    Ok(bytes)
}

/// Checks a schema as a release carries it: bounded JSON text, an object, a valid schema that refers only to itself,
/// and no text in it that would control a screen.
///
/// # Errors
/// [`ConfigError::Schema`] with what is wrong.
pub fn check_schema(schema: &str) -> Result<(), ConfigError> {
    text::check(schema, 2, SCHEMA_BYTES)
        .map_err(|e| ConfigError::Schema(format!("its text {e}")))?;
    let schema = parse_schema(schema)?;
    check_strings(&schema)?;
    compile(&schema).map(|_| ())
}

/// Reads a release's schema; it must be a JSON object.
///
/// # Errors
/// [`ConfigError::Schema`] when it is not.
pub fn parse_schema(schema: &str) -> Result<Value, ConfigError> {
    match serde_json::from_str(schema) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(ConfigError::Schema("it is no JSON object".to_owned())),
        Err(e) => Err(ConfigError::Schema(format!("it is no JSON: {e}"))),
    }
}

/// How messages name the config as a whole.
const WHOLE: &str = "(all)";
/// Longest excerpt of a value in a message, in characters.
const EXCERPT: usize = 60;

fn compile(schema: &Value) -> Result<Validator, ConfigError> {
    typed::check(schema)?;
    build(schema)
}

fn build(schema: &Value) -> Result<Validator, ConfigError> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|e| ConfigError::Schema(text::shown(&e.to_string(), 200)))
}

fn check_strings(value: &Value) -> Result<(), ConfigError> {
    let one = |s: &str| {
        // Doc comments make descriptions of several lines; whoever prints one breaks it there.
        text::check(&s.replace('\n', " "), 0, SCHEMA_BYTES)
            .map_err(|e| ConfigError::Schema(format!("a text in it {e}")))
    };
    match value {
        Value::String(s) => one(s),
        Value::Array(items) => items.iter().try_for_each(check_strings),
        Value::Object(fields) => fields.iter().try_for_each(|(key, v)| {
            one(key)?;
            check_strings(v)
        }),
        _ => Ok(()),
    }
}

fn check_depth(value: &Value, path: &mut Vec<String>) -> Result<(), ConfigError> {
    if path.len() > CONFIG_DEPTH {
        return Err(ConfigError::TooDeep {
            path: path.join("."),
        });
    }
    let mut child = |key: String, v: &Value| {
        path.push(key);
        let result = check_depth(v, path);
        path.pop();
        result
    };
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(i, v)| child(i.to_string(), v)),
        Value::Object(fields) => fields
            .iter()
            .try_for_each(|(k, v)| child(text::shown(k, EXCERPT), v)),
        _ => Ok(()),
    }
}

/// What was found and what is allowed, in the words of the person who wrote the config.
fn explain(schema: &Value, error: &ValidationError<'_>) -> ConfigError {
    let pointer = error.instance_path().to_string();
    let mut path: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|p| text::shown(&p.replace("~1", "/").replace("~0", "~"), EXCERPT))
        .collect();
    let instance = error.instance();
    let names = |schema: &Value| {
        let names: Vec<&str> = typed::property_names(schema);
        if names.is_empty() {
            "no field here".to_owned()
        } else {
            format!("the fields {}", names.join(", "))
        }
    };
    let around = typed::at(schema, &pointer);
    let (found, allowed) = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            path.extend(unexpected.first().map(|name| text::shown(name, EXCERPT)));
            (
                "a field that is not known".to_owned(),
                around.map_or_else(|| "no field here".to_owned(), names),
            )
        }
        ValidationErrorKind::Required { property } => {
            path.extend(property.as_str().map(|name| text::shown(name, EXCERPT)));
            (
                "nothing".to_owned(),
                "a value: the field is required".to_owned(),
            )
        }
        _ => (
            found(instance),
            around
                .and_then(typed::describe)
                .unwrap_or_else(|| format!("not this: {}", text::shown(&error.to_string(), 200))),
        ),
    };
    ConfigError::Invalid {
        path: if path.is_empty() {
            WHOLE.to_owned()
        } else {
            path.join(".")
        },
        found,
        allowed,
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        other => format!("`{}`", text::shown(&other.to_string(), EXCERPT)),
    }
}
