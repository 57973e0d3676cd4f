//! Reads a component's imports, exports and descriptor from its bytes, before anything is compiled.
//!
//! What a file may do is read here, never from its manifest. The bodies of its functions are the compiler's to validate, and
//! nothing runs that it has not seen; here they are only measured.

use crate::error::CheckError;
use crate::limits;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{
    BinaryReaderError, Chunk, Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};
use weft_model::Slot;
use weft_model::limits::COMPONENT_BYTES;

/// Name of the custom section in which `weft plugin build` puts a component's descriptor.
pub const DESCRIPTOR_SECTION: &str = "weft";

/// The WebAssembly features that components may use: no threads, no relaxed SIMD, no garbage collection. The engines
/// compile with the same.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL);

/// Interfaces of WASI that a workload may import: each is virtual (see [`crate::wasi`]).
const WASI_ALLOWED: [&str; 5] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
];

/// The interface of what turns texts into vectors: one world exports it, jobs may import it.
pub const EMBEDDINGS: &str = "weft:embeddings/model@0.1.0";

/// What kind of component a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A policy of a slot.
    Policy(Slot),
    /// A workload of this world.
    Workload(World),
}

/// The worlds of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Bytes in, bytes out.
    Job,
    /// Texts in, vectors out, by a model.
    Embeddings,
    /// A conversation in, an answer out, by a model.
    Chat,
    /// An image in, what is written in it out, by a model.
    Ocr,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Job, Self::Embeddings, Self::Chat, Self::Ocr];

    /// Its name, as a release has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Job => "weft:workload/workload@0.1.0",
            Self::Embeddings => "weft:embeddings/embeddings@0.1.0",
            Self::Chat => "weft:chat/chat@0.1.0",
            Self::Ocr => "weft:ocr/ocr@0.1.0",
        }
    }

    /// The interface that it exports.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Job => "weft:workload/job@0.1.0",
            Self::Embeddings => EMBEDDINGS,
            Self::Chat => "weft:chat/model@0.1.0",
            Self::Ocr => "weft:ocr/model@0.1.0",
        }
    }

    /// What it may import, beside WASI.
    fn imports(self) -> &'static [&'static str] {
        match self {
            Self::Job => &[
                "weft:workload/input@0.1.0",
                "weft:workload/output@0.1.0",
                EMBEDDINGS,
            ],
            Self::Embeddings | Self::Ocr => &[],
            Self::Chat => &["weft:chat/sink@0.1.0"],
        }
    }

    /// Whether it computes with a model, which is loaded once and kept.
    pub fn has_model(self) -> bool {
        self != Self::Job
    }
}

impl Kind {
    /// The world, as a release names it.
    pub fn world(self) -> String {
        match self {
            Self::Policy(slot) => slot.world(),
            Self::Workload(world) => world.name().into(),
        }
    }

    /// The kind of that world, if this engine knows it.
    pub fn of_world(world: &str) -> Option<Self> {
        Slot::ALL
            .into_iter()
            .map(Self::Policy)
            .chain(World::ALL.map(Self::Workload))
            .find(|kind| kind.world() == world)
    }
}

/// What a component's bytes say.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// What it is.
    pub kind: Kind,
    /// All imports, sorted; those that only name types are left out.
    pub imports: Vec<String>,
    /// All exports, sorted.
    pub exports: Vec<String>,
    /// The descriptor section's bytes, where there is one.
    pub descriptor: Option<Vec<u8>>,
    /// Size in bytes.
    pub size: u64,
}

/// Checks that the bytes are a component that this engine may compile, and reads what it imports and exports.
///
/// # Errors
/// Says what was found, what is allowed, and what to do.
pub fn inspect(bytes: &[u8]) -> Result<Inspected, CheckError> {
    recognise(bytes)?;
    let sizes = measure(bytes)?;
    let types = validate(bytes)?;

    let mut imports = Vec::new();
    let mut exports = Vec::new();
    let mut depth = 0_usize;
    let mut descriptor = None;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| CheckError::Invalid(e.to_string()))?;
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(|e| CheckError::Invalid(e.to_string()))?;
                    if !names_only_types(&types, import.name.name) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let export = export.map_err(|e| CheckError::Invalid(e.to_string()))?;
                    exports.push(export.name.name.to_owned());
                }
            }
            Payload::CustomSection(section)
                if depth == 1 && section.name() == DESCRIPTOR_SECTION =>
            {
                descriptor = Some(section.data().to_vec());
            }
            _ => {}
        }
    }
    imports.sort();
    exports.sort();

    let kind = kind_of(&exports)?;
    bounded(kind, &sizes)?;
    allowed(kind, &imports)?;
    Ok(Inspected {
        kind,
        imports,
        exports,
        descriptor,
        size: bytes.len() as u64,
    })
}

/// What [`Validator::validate_all`] does, without the functions' bodies, which are nearly all of the work.
fn validate(bytes: &[u8]) -> Result<Types, CheckError> {
    let invalid = |e: BinaryReaderError| CheckError::Invalid(e.to_string());
    let mut validator = Validator::new_with_features(FEATURES);
    let mut types = None;
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    for payload in parser.parse_all(bytes) {
        let valid = validator.payload(&payload.map_err(invalid)?);
        // The last one is the component's own.
        if let ValidPayload::End(of_this) = valid.map_err(invalid)? {
            types = Some(of_this);
        }
    }
    types.ok_or_else(|| CheckError::Invalid("it has no end".to_owned()))
}

fn recognise(bytes: &[u8]) -> Result<(), CheckError> {
    let size = bytes.len() as u64;
    if size > COMPONENT_BYTES {
        return Err(CheckError::TooLarge {
            found: size,
            max: COMPONENT_BYTES,
        });
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(CheckError::Native);
    }
    if !bytes.starts_with(b"\0asm") {
        let found = match bytes {
            [] => "nothing, it is empty".into(),
            _ => {
                let head = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]);
                format!("`{}`", weft_model::text::printable(&head, 48))
            }
        };
        return Err(CheckError::NotWasm { found });
    }
    match Parser::new(0).parse(bytes, true) {
        Ok(Chunk::Parsed {
            payload: Payload::Version { encoding, .. },
            ..
        }) => match encoding {
            Encoding::Component => Ok(()),
            Encoding::Module => Err(CheckError::CoreModule),
        },
        Ok(_) => Err(CheckError::Invalid("it has no header".into())),
        Err(e) => Err(CheckError::Invalid(e.to_string())),
    }
}

/// What makes a component costly to compile.
struct Sizes {
    largest_function: u64,
    code: u64,
    nested: u64,
}

fn measure(bytes: &[u8]) -> Result<Sizes, CheckError> {
    let mut sizes = Sizes {
        largest_function: 0,
        code: 0,
        nested: 0,
    };
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|e| CheckError::Invalid(e.to_string()))? {
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                let size = (range.end - range.start) as u64;
                sizes.largest_function = sizes.largest_function.max(size);
                sizes.code += size;
            }
            Payload::ModuleSection { .. }
            | Payload::ComponentSection { .. }
            | Payload::InstanceSection(_)
            | Payload::ComponentInstanceSection(_) => sizes.nested += 1,
            _ => {}
        }
    }
    Ok(sizes)
}

fn bounded(kind: Kind, sizes: &Sizes) -> Result<(), CheckError> {
    let (function, code) = match kind {
        Kind::Policy(_) => (limits::POLICY_FUNCTION_BYTES, limits::POLICY_CODE_BYTES),
        Kind::Workload(_) => (limits::WORKLOAD_FUNCTION_BYTES, limits::WORKLOAD_CODE_BYTES),
    };
    for (what, found, max) in [
        ("a function of", sizes.largest_function, function),
        ("code of", sizes.code, code),
    ] {
        if found > max {
            return Err(CheckError::TooComplex {
                what: format!("{what} {found} bytes"),
                max,
            });
        }
    }
    if sizes.nested > limits::NESTED {
        let what = format!("{} nested modules and instances", sizes.nested);
        return Err(CheckError::TooComplex {
            what,
            max: limits::NESTED,
        });
    }
    Ok(())
}

fn names_only_types(types: &Types, name: &str) -> bool {
    match types
        .as_ref()
        .component_item_for_import(name)
        .map(|item| item.ty)
    {
        Some(ComponentEntityType::Instance(id)) => types[id]
            .exports
            .values()
            .all(|export| matches!(export.ty, ComponentEntityType::Type { .. })),
        Some(ComponentEntityType::Type { .. }) => true,
        _ => false,
    }
}

fn kind_of(exports: &[String]) -> Result<Kind, CheckError> {
    let has = |name: &str| exports.iter().any(|e| e == name);
    if let Some(world) = World::ALL.into_iter().find(|w| has(w.interface())) {
        return Ok(Kind::Workload(world));
    }
    let slots: Vec<Slot> = Slot::ALL
        .into_iter()
        .filter(|s| has(&s.interface()))
        .collect();
    match slots[..] {
        [slot] => Ok(Kind::Policy(slot)),
        _ => Err(CheckError::WrongWorld {
            found: match exports {
                [] => "nothing".into(),
                some => {
                    let list: Vec<String> = some
                        .iter()
                        .take(8)
                        .map(|e| format!("`{}`", weft_model::text::printable(e, 80)))
                        .collect();
                    list.join(", ")
                }
            },
            wanted: format!(
                "one of `weft:<slot>/policy@0.1.0` ({}) or of {}",
                Slot::ALL.map(|s| s.package()).join(", "),
                World::ALL
                    .map(|w| format!("`{}`", w.interface()))
                    .join(", ")
            ),
        }),
    }
}

fn allowed(kind: Kind, imports: &[String]) -> Result<(), CheckError> {
    let too_much = |ok: &dyn Fn(&str) -> bool| -> Vec<String> {
        imports
            .iter()
            .filter(|i| !ok(i))
            .map(|i| format!("`{}`", weft_model::text::printable(i, 120)))
            .collect()
    };
    let (imports, kind) = match kind {
        Kind::Policy(_) => (too_much(&|_| false), "a policy"),
        Kind::Workload(world) => (
            too_much(&|i| {
                world.imports().contains(&i) || WASI_ALLOWED.iter().any(|w| i.starts_with(w))
            }),
            "a workload",
        ),
    };
    if imports.is_empty() {
        Ok(())
    } else {
        Err(CheckError::Imports { imports, kind })
    }
}
