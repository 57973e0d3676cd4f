//! Releases as lines for people: one release's fields, and the difference between two.

use crate::record::{Release, failure_word};
use crate::text::shown;

/// Longest value on a line, in characters.
const VALUE_CHARS: usize = 200;

/// All fields of a release with their values as text, in the record's order. Empty values are absent.
pub fn fields(release: &Release) -> Vec<(String, String)> {
    let r = release;
    let mut out: Vec<(String, String)> = Vec::new();
    let mut put = |field: &str, value: String| {
        if !value.is_empty() {
            out.push((field.to_owned(), value));
        }
    };
    put("name", r.name.clone());
    put("publisher", r.publisher.to_string());
    put("version", r.version.to_string());
    put("revision", r.revision.to_string());
    put("world", r.world.clone());
    put(
        "component",
        format!("{} ({} bytes)", r.component.cid, r.component.size),
    );
    put("imports", r.imports.join(", "));
    put("features", r.features.join(", "));
    for (name, figure) in r.limits.figures() {
        put(&format!("limits.{name}"), figure.to_string());
    }
    put(
        "failure",
        r.failure.map(failure_word).unwrap_or_default().to_owned(),
    );
    put("config_schema", r.config_schema.clone().unwrap_or_default());
    for m in &r.models {
        put(
            &format!("models.{}", m.name),
            format!("{} ({} bytes)", m.cid, m.size),
        );
    }
    put("vectors", optional(r.vectors));
    put("created", r.created.to_string());
    put("expires", optional(r.expires));
    put("source", r.source.clone().unwrap_or_default());
    put("license", r.license.clone().unwrap_or_default());
    put("description", r.description.clone());
    put("domain", r.domain.clone().unwrap_or_default());
    if let Some(e) = r.effectiveness {
        put(
            "effectiveness",
            format!("{} ({:?})", e.value, e.known).to_lowercase(),
        );
    }
    put("supersedes", optional(r.supersedes));
    out
}

/// What changes from `old` to `new`, a line per field: `+ field: value`, `- field: value` or `~ field: old -> new`.
/// Lists are compared entry by entry, config schemas property by property. Safe to print.
pub fn diff(old: &Release, new: &Release) -> Vec<String> {
    let (before, after) = (parts(old), parts(new));
    let find = |list: &[(String, String)], key: &str| {
        list.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone())
    };
    let mut lines = Vec::new();
    for (field, was) in &before {
        match find(&after, field) {
            None => lines.push(line('-', field, was)),
            Some(is) if is != *was => lines.push(format!(
                "~ {}: {} -> {}",
                shown(field, VALUE_CHARS),
                shown(was, VALUE_CHARS),
                shown(&is, VALUE_CHARS)
            )),
            Some(_) => {}
        }
    }
    for (field, is) in &after {
        if find(&before, field).is_none() {
            lines.push(line('+', field, is));
        }
    }
    lines
}

fn line(sign: char, field: &str, value: &str) -> String {
    let field = shown(field, VALUE_CHARS);
    if value.is_empty() {
        format!("{sign} {field}")
    } else {
        format!("{sign} {field}: {}", shown(value, VALUE_CHARS))
    }
}

/// The fields, with lists and the schema split so that each entry is compared by itself.
fn parts(release: &Release) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (field, value) in fields(release) {
        match field.as_str() {
            "imports" => out.extend(
                release
                    .imports
                    .iter()
                    .map(|i| (format!("imports {i}"), String::new())),
            ),
            "features" => {
                out.extend(
                    release
                        .features
                        .iter()
                        .map(|f| (format!("features {f}"), String::new())),
                );
            }
            "config_schema" => out.extend(schema_parts(&value)),
            _ => out.push((field, value)),
        }
    }
    out
}

fn schema_parts(schema: &str) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(keywords)) = serde_json::from_str(schema) else {
        return vec![("config_schema".to_owned(), schema.to_owned())];
    };
    let mut out = Vec::new();
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("properties", serde_json::Value::Object(fields)) => out.extend(
                fields
                    .into_iter()
                    .map(|(name, schema)| (format!("config.{name}"), schema.to_string())),
            ),
            (_, value) => out.push((format!("config_schema.{keyword}"), value.to_string())),
        }
    }
    out
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}
