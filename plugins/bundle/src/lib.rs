//! The default components as content: the bytes of `components/*.wasm`, built once and committed.
//!
//! Which of them fills which slot is the constitution's to say; each component's descriptor (its `weft` section) says
//! what it is. `bundle.lock` names each one's CID and the digest of what it was built from; this crate's tests compare
//! sources, lock and bytes. `weft plugin bundle` renews both.
//!
//! What it does not do: it builds nothing, verifies nothing and decides nothing. There is no build script.

/// A component that every `weft` binary holds.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// Its name, such as `scorer-clean-energy`.
    pub name: &'static str,
    /// The slot that it is for; none for a workload.
    pub slot: Option<&'static str>,
    /// The file's bytes, descriptor included.
    pub bytes: &'static [u8],
}

/// A model, or a skill for one, that every `weft` binary holds.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Its name.
    pub name: &'static str,
    /// Its licence, an SPDX expression.
    pub license: &'static str,
    /// Where it came from.
    pub source: &'static str,
    /// Its files, by path.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// `path, path;` of the files of a model in `models/<name>`, by path.
macro_rules! files {
    ($name:literal: $( $path:literal ),+ $(,)?) => {
        &[ $( ($path, include_bytes!(concat!("../models/", $name, "/", $path))) ),+ ]
    };
}

/// All of them.
pub const MODELS: &[Model] = &[
    Model {
        name: "mini",
        license: "Apache-2.0",
        source: "distilled from all-MiniLM-L6-v2 by workloads/embeddings/train",
        files: files!("mini": "README.md", "config.json", "model.safetensors", "tokenizer.json"),
    },
    Model {
        name: "smalltalk",
        license: "MIT AND LicenseRef-WordNet-3.0",
        source: "trained on WordNet 3.0 by workloads/chat/train",
        files: files!("smalltalk": "README.md", "smalltalk.gguf"),
    },
    Model {
        name: "smalltalk-devil",
        license: "MIT",
        source: "trained on The Devil's Dictionary (public domain) by workloads/chat/train",
        files: files!("smalltalk-devil": "README.md", "adapter_config.json", "adapter_model.safetensors"),
    },
    Model {
        name: "smalltalk-jargon",
        license: "MIT",
        source: "trained on The Jargon File 4.4.7 (public domain) by workloads/chat/train",
        files: files!("smalltalk-jargon": "README.md", "adapter_config.json", "adapter_model.safetensors"),
    },
];

/// `slot: name, name;` per slot, and `workload: …;` for those that fill none.
macro_rules! components {
    (@slot workload) => { None };
    (@slot $slot:literal) => { Some($slot) };
    ( $( $slot:tt : $( $name:literal ),+ ; )+ ) => {
        &[ $( $(
            Component {
                name: $name,
                slot: components!(@slot $slot),
                bytes: include_bytes!(concat!("../components/", $name, ".wasm")),
            },
        )+ )+ ]
    };
}

/// All of them, in the order of the slots; the first of a slot is its default.
pub const COMPONENTS: &[Component] = components! {
    "override": "health-override";
    "voting": "voting-equal", "voting-reputation", "voting-stake", "voting-hybrid";
    "sla": "sla-patience";
    "consent": "consent-hours";
    "ethics": "ethics-rules";
    "quota": "quota-tiers";
    "scorer": "scorer-clean-energy", "scorer-latency", "scorer-market";
    "reward": "reward-split";
    "reputation": "reputation-decay";
    "carbon": "carbon-grams";
    "demand": "demand-halflife";
    workload: "chat", "embeddings", "log-digest", "log-rotation", "ocr", "text-index";
};

/// The lock as committed: TOML, one `[[component]]` with `name, kind, cid, size, sources` each.
pub const LOCK: &str = include_str!("../bundle.lock");

/// The component of this name.
pub fn component(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|c| c.name == name)
}
