//! Walks a value and its JSON Schema side by side, so that each number gets the type that its schema gives it.
//!
//! Follows `$ref` within the schema, `properties`, `additionalProperties`, `items`, `prefixItems`, `allOf`, and of
//! `anyOf` and `oneOf` the branches that the value fits. Keywords that would type a value in another way are refused
//! rather than ignored: a number written with the wrong type would make a policy refuse its config.

use super::ConfigError;
use crate::limits::CONFIG_DEPTH;
use crate::text;
use ipld_core::ipld::Ipld;
use jsonschema::Validator;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use weft_model::cbor::CborError;

/// Applicators that are not followed here, so a schema with one is refused.
const UNSUPPORTED: [&str; 9] = [
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "$dynamicRef",
    "$recursiveRef",
    "contains",
];
/// Keywords whose value is one schema.
const ONE: [&str; 7] = [
    "items",
    "additionalItems",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "not",
];
/// Keywords whose value is a list of schemas.
const MANY: [&str; 5] = ["prefixItems", "allOf", "anyOf", "oneOf", "items"];
/// Keywords whose value names schemas.
const NAMED: [&str; 3] = ["properties", "$defs", "definitions"];

/// Largest integer that a float holds exactly: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Checks that a schema uses nothing that this walk does not follow.
pub(super) fn check(schema: &Value) -> Result<(), ConfigError> {
    check_at(schema, schema, 0)
}

fn check_at(root: &Value, schema: &Value, depth: usize) -> Result<(), ConfigError> {
    if depth > CONFIG_DEPTH {
        return Err(ConfigError::Schema(format!(
            "it is nested deeper than {CONFIG_DEPTH} levels"
        )));
    }
    let Value::Object(keywords) = schema else {
        return Ok(());
    };
    if depth > 0 && keywords.contains_key("$id") {
        return Err(ConfigError::Schema(
            "it holds a schema with an `$id` of its own".to_owned(),
        ));
    }
    if let Some(found) = UNSUPPORTED.iter().find(|k| keywords.contains_key(**k)) {
        return Err(ConfigError::Schema(format!(
            "the keyword `{found}` is not supported"
        )));
    }
    if let Some(reference) = keywords.get("$ref") {
        resolve(root, reference)?;
    }
    for name in ONE {
        if let Some(one @ Value::Object(_)) = keywords.get(name) {
            check_at(root, one, depth + 1)?;
        }
    }
    for name in MANY {
        if let Some(Value::Array(many)) = keywords.get(name) {
            many.iter().try_for_each(|s| check_at(root, s, depth + 1))?;
        }
    }
    for name in NAMED {
        if let Some(Value::Object(named)) = keywords.get(name) {
            named
                .values()
                .try_for_each(|s| check_at(root, s, depth + 1))?;
        }
    }
    Ok(())
}

/// The value as the schema types it. The value fits the schema already.
pub(super) fn ipld(schema: &Value, value: &Value) -> Result<Ipld, ConfigError> {
    Walk {
        root: schema,
        branches: BTreeMap::new(),
    }
    .typed(&[schema], value)
}

/// One walk over a value.
struct Walk<'a> {
    root: &'a Value,
    /// Validators of branches, by where the branch stands in memory: a list meets the same one for each entry.
    branches: BTreeMap<*const Value, Validator>,
}

impl<'a> Walk<'a> {
    fn typed(&mut self, schemas: &[&'a Value], value: &Value) -> Result<Ipld, ConfigError> {
        let mut leaves = Vec::new();
        for schema in schemas {
            self.flatten(schema, value, 0, &mut leaves)?;
        }
        Ok(match value {
            Value::Null => Ipld::Null,
            Value::Bool(b) => Ipld::Bool(*b),
            Value::String(s) => Ipld::String(s.clone()),
            Value::Number(_) => number(&leaves, value)?,
            Value::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    let under: Vec<_> = leaves.iter().filter_map(|l| item_schema(l, i)).collect();
                    list.push(self.typed(&under, item)?);
                }
                Ipld::List(list)
            }
            Value::Object(fields) => {
                let mut map = BTreeMap::new();
                for (key, field) in fields {
                    let under: Vec<_> =
                        leaves.iter().filter_map(|l| field_schema(l, key)).collect();
                    map.insert(key.clone(), self.typed(&under, field)?);
                }
                Ipld::Map(map)
            }
        })
    }

    /// All objects that constrain the value here: the schema itself, what it refers to, and the branches that fit.
    fn flatten(
        &mut self,
        schema: &'a Value,
        value: &Value,
        hops: usize,
        leaves: &mut Vec<&'a Map<String, Value>>,
    ) -> Result<(), ConfigError> {
        if hops > CONFIG_DEPTH {
            return Err(ConfigError::Schema(format!(
                "its references are longer than {CONFIG_DEPTH} steps, or go in a circle"
            )));
        }
        let Value::Object(keywords) = schema else {
            return Ok(());
        };
        leaves.push(keywords);
        if let Some(reference) = keywords.get("$ref") {
            let target = resolve(self.root, reference)?;
            self.flatten(target, value, hops + 1, leaves)?;
        }
        if let Some(Value::Array(all)) = keywords.get("allOf") {
            for schema in all {
                self.flatten(schema, value, hops + 1, leaves)?;
            }
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(Value::Array(branches)) = keywords.get(name) {
                for branch in branches {
                    if self.fits(branch, value)? {
                        self.flatten(branch, value, hops + 1, leaves)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the value fits a branch, judged with the root's definitions at hand.
    fn fits(&mut self, branch: &'a Value, value: &Value) -> Result<bool, ConfigError> {
        let key: *const Value = branch;
        if let Some(validator) = self.branches.get(&key) {
            return Ok(validator.is_valid(value));
        }
        let mut wrapped = Map::new();
        for name in ["$schema", "$defs", "definitions"] {
            if let Some(definitions) = self.root.get(name) {
                wrapped.insert(name.to_owned(), definitions.clone());
            }
        }
        wrapped.insert("allOf".to_owned(), Value::Array(vec![branch.clone()]));
        let validator = super::build(&Value::Object(wrapped))?;
        let fits = validator.is_valid(value);
        self.branches.insert(key, validator);
        Ok(fits)
    }
}

fn number(leaves: &[&Map<String, Value>], value: &Value) -> Result<Ipld, ConfigError> {
    let says = |word: &str| {
        leaves.iter().any(|leaf| match leaf.get("type") {
            Some(Value::String(one)) => one == word,
            Some(Value::Array(many)) => many.iter().any(|t| t == word),
            _ => false,
        })
    };
    let natural = if let Some(i) = value.as_i64() {
        Ipld::Integer(i.into())
    } else if let Some(u) = value.as_u64() {
        Ipld::Integer(u.into())
    } else {
        Ipld::Float(value.as_f64().unwrap_or(f64::NAN))
    };
    Ok(match (says("integer"), says("number"), natural) {
        (true, _, Ipld::Float(f)) if f.fract() == 0.0 && f.abs() <= EXACT => {
            Ipld::Integer(f as i128)
        }
        (true, false, Ipld::Float(f)) => {
            return Err(CborError::Encode(format!("`{f}` is no integer up to 2^53")).into());
        }
        (false, true, Ipld::Integer(i)) => Ipld::Float(i as f64),
        (_, _, natural) => natural,
    })
}

fn item_schema(leaf: &Map<String, Value>, index: usize) -> Option<&Value> {
    // Draft 2020-12 has `prefixItems` then `items`; older drafts a list in `items` then `additionalItems`.
    let prefix = leaf
        .get("prefixItems")
        .or_else(|| leaf.get("items").filter(|items| items.is_array()));
    if let Some(schema) = prefix.and_then(|p| p.get(index)) {
        return Some(schema);
    }
    leaf.get("items")
        .filter(|items| items.is_object())
        .or_else(|| leaf.get("additionalItems"))
        .or_else(|| leaf.get("unevaluatedItems"))
}

fn field_schema<'a>(leaf: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    leaf.get("properties")
        .and_then(|p| p.get(key))
        .or_else(|| leaf.get("additionalProperties"))
        .or_else(|| leaf.get("unevaluatedProperties"))
}

fn resolve<'a>(root: &'a Value, reference: &Value) -> Result<&'a Value, ConfigError> {
    let bad = |why: &str| {
        ConfigError::Schema(format!(
            "its reference `{}` {why}",
            text::shown(&reference.to_string(), 80)
        ))
    };
    let pointer = reference
        .as_str()
        .and_then(|r| r.strip_prefix('#'))
        .ok_or_else(|| bad("leads out of the schema"))?;
    if !pointer.starts_with("/$defs/") && !pointer.starts_with("/definitions/") {
        return Err(bad("leads to something else than its definitions"));
    }
    root.pointer(pointer).ok_or_else(|| bad("leads nowhere"))
}

/// The schema of the value at a JSON pointer, as far as properties, items, references and the non-null branch of an
/// option lead; for messages only.
pub(super) fn at<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut schema = plain(root, root);
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let leaf = schema.as_object()?;
        let next = field_schema(leaf, &part)
            .or_else(|| part.parse().ok().and_then(|i| item_schema(leaf, i)))?;
        schema = plain(root, next);
    }
    Some(schema)
}

fn plain<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..CONFIG_DEPTH {
        if let Some(target) = schema.get("$ref").and_then(|r| resolve(root, r).ok()) {
            schema = target;
            continue;
        }
        let branches = ["anyOf", "oneOf"]
            .iter()
            .find_map(|name| schema.get(*name)?.as_array());
        let null = |s: &&Value| s.get("type").is_some_and(|t| t == "null");
        match branches.map(|b| b.iter().filter(|s| !null(s)).collect::<Vec<_>>()) {
            Some(rest) if rest.len() == 1 => schema = rest[0],
            _ => break,
        }
    }
    schema
}

/// The fields that an object may have, for messages.
pub(super) fn property_names(schema: &Value) -> Vec<&str> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|fields| fields.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// What a schema allows, in words: `a number from 0 to 1`. None where it says too little or too much for a line.
pub(super) fn describe(schema: &Value) -> Option<String> {
    if let Some(Value::Array(options)) = schema.get("enum") {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        return Some(format!("one of {}", text::shown(&options.join(", "), 200)));
    }
    if let Some(constant) = schema.get("const") {
        return Some(text::shown(&constant.to_string(), 80));
    }
    let types: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let words: Vec<&str> = types
        .into_iter()
        .map(|t| match t {
            "number" => "a number",
            "integer" => "an integer",
            "string" => "a text",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "an object",
            other => other,
        })
        .collect();
    let mut out = words.join(" or ");
    for (keyword, phrase) in [
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "to"),
        ("exclusiveMaximum", "below"),
        ("multipleOf", "in steps of"),
        ("minLength", "of at least (characters)"),
        ("maxLength", "of at most (characters)"),
        ("minItems", "of at least (entries)"),
        ("maxItems", "of at most (entries)"),
        ("pattern", "matching"),
    ] {
        if let Some(limit) = schema.get(keyword) {
            out.push_str(&format!(
                " {phrase} {}",
                text::shown(&limit.to_string(), 80)
            ));
        }
    }
    Some(out)
}
