//! From a core module to a component that carries its own descriptor.

use crate::manifest::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wasm_encoder::{ComponentSection, Encode};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm};

/// Name of the custom section of the component, at its top level, that holds the [`Descriptor`] as JSON.
pub const SECTION: &str = "weft";

/// The descriptor's format that this version writes.
const FORMAT: u32 = 1;

/// Id of a custom section.
const CUSTOM_SECTION: u8 = 0;

/// The first eight bytes of a component; a core module's differ after the fourth.
const COMPONENT_HEADER: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// The limits that a component asks for; those not said are the slot's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fuel per call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Linear memory, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Wall time per call, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Size of an answer, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

/// What a component says about itself. It is a claim of its author: whoever installs it checks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    /// 1.
    pub format: u32,
    /// The package's name.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// One sentence; may be empty.
    pub description: String,
    /// SPDX expression; may be empty.
    pub license: String,
    /// The world, such as `weft:scorer/scorer@0.1.0`.
    pub world: String,
    /// The slot; none for a workload.
    pub slot: Option<String>,
    /// The features that it reads, in the order of its columns.
    pub features: Vec<String>,
    /// JSON Schema of its config; `null` for a workload.
    pub config_schema: Value,
    /// Golden vectors: instants as milliseconds, rows as columns, configs with every default filled in.
    pub vectors: Vec<Value>,
    /// The limits that it asks for; none: the slot's.
    pub limits: Option<Limits>,
}

impl Descriptor {
    /// A descriptor without features, schema, vectors and limits.
    pub fn new(name: &str, version: &str, kind: &Kind) -> Self {
        let package = kind.package();
        Self {
            format: FORMAT,
            name: name.into(),
            version: version.into(),
            description: String::new(),
            license: String::new(),
            world: format!("weft:{package}/{package}@0.1.0"),
            slot: kind.slot().map(Into::into),
            features: Vec::new(),
            config_schema: Value::Null,
            vectors: Vec::new(),
            limits: None,
        }
    }

    /// Compact JSON with sorted objects: the same bytes for the same descriptor.
    fn to_json(&self) -> String {
        let mut sorted = self.clone();
        sorted.config_schema = in_order(&self.config_schema);
        sorted.vectors = self.vectors.iter().map(in_order).collect();
        serde_json::to_string(&sorted).expect("strings, numbers and JSON values serialise")
    }
}

/// The value with every object's fields by name, whatever map serde_json was compiled with.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(in_order).collect(),
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            let fields = names.into_iter().map(|(k, v)| (k.clone(), in_order(v)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Makes a component of a core module (one that is a component already is taken as it is) and appends the
/// descriptor. Deterministic.
///
/// # Errors
/// A sentence that says why the module can't be encoded, such as an import that no WIT world declares.
pub fn encode(module: &[u8], descriptor: &Descriptor) -> Result<Vec<u8>, String> {
    let mut component = plain(module)?;
    append_section(&mut component, descriptor);
    Ok(component)
}

/// The component without a descriptor.
pub(crate) fn plain(module: &[u8]) -> Result<Vec<u8>, String> {
    if module.starts_with(&COMPONENT_HEADER) {
        return Ok(module.to_vec());
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|e| format!("{e:#}"))
}

pub(crate) fn append_section(component: &mut Vec<u8>, descriptor: &Descriptor) {
    let json = descriptor.to_json();
    let section = wasm_encoder::CustomSection {
        name: SECTION.into(),
        data: json.as_bytes().into(),
    };
    debug_assert_eq!(ComponentSection::id(&section), CUSTOM_SECTION);
    component.push(CUSTOM_SECTION);
    section.encode(component);
}

/// The interfaces that a component exports, such as `weft:scorer/policy@0.1.0`.
pub(crate) fn exports(component: &[u8]) -> Result<Vec<String>, String> {
    match wit_component::decode(component).map_err(|e| format!("{e:#}"))? {
        DecodedWasm::Component(resolve, world) => Ok(resolve.worlds[world]
            .exports
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect()),
        DecodedWasm::WitPackage(..) => Err("it is an encoded WIT package".into()),
    }
}

/// Reads the descriptor that [`encode`] appended: none where the component has none.
///
/// # Errors
/// When the bytes are no component, or the section does not read.
pub fn read_descriptor(component: &[u8]) -> Result<Option<Descriptor>, String> {
    if !component.starts_with(&COMPONENT_HEADER) {
        return Err("these bytes are no component".into());
    }
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|e| e.to_string())? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                return serde_json::from_slice(section.data())
                    .map(Some)
                    .map_err(|e| format!("its `{SECTION}` section does not read: {e}"));
            }
            _ => {}
        }
    }
    Ok(None)
}
