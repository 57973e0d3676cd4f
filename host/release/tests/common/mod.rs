//! A valid release and keys, for the tests of this crate.
#![allow(dead_code, reason = "each test file uses a part")]

use ed25519_dalek::SigningKey;
use weft_model::slot::Failure;
use weft_model::{Did, content, limits};
use weft_release::{Component, Limits, Release};

/// The key number `n`.
pub fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

/// A key's public name.
pub fn did(n: u8) -> Did {
    Did::from_public(key(n).verifying_key().to_bytes())
}

/// A scorer that key 1 publishes.
pub fn scorer() -> Release {
    Release {
        name: "scorer-clean-energy".into(),
        publisher: did(1),
        version: "0.1.0".parse().unwrap(),
        revision: 1,
        world: "weft:scorer/scorer@0.1.0".into(),
        component: Component {
            cid: content::raw_cid(b"component"),
            size: 9,
        },
        imports: vec!["weft:model/types@0.1.0".into()],
        features: vec!["peer.online".into(), "energy.percent_clean".into()],
        limits: Limits {
            fuel: limits::POLICY_FUEL,
            memory_bytes: limits::POLICY_MEMORY_BYTES,
            deadline_ms: limits::POLICY_DEADLINE_MS,
            output_bytes: limits::POLICY_OUTPUT_BYTES,
        },
        failure: Some(Failure::LastGoodElseFirstFit),
        config_schema: Some(
            r#"{"type":"object","properties":{"energy":{"type":"number"}},"additionalProperties":false}"#
                .into(),
        ),
        models: vec![],
        vectors: Some(content::record_cid(b"vectors")),
        created: 1_790_000_000_000,
        expires: None,
        source: Some("https://example.org/weft".into()),
        license: Some("MIT".into()),
        description: "Prefers clean energy.".into(),
        domain: None,
        effectiveness: None,
        supersedes: None,
    }
}

/// A workload that key 1 publishes.
pub fn workload() -> Release {
    Release {
        name: "word-count".into(),
        world: "weft:workload/workload@0.1.0".into(),
        imports: vec![
            "weft:workload/input@0.1.0".into(),
            "weft:workload/output@0.1.0".into(),
        ],
        features: vec![],
        failure: None,
        config_schema: None,
        limits: Limits {
            fuel: limits::WORKLOAD_FUEL,
            memory_bytes: limits::WORKLOAD_MEMORY_BYTES,
            deadline_ms: limits::WORKLOAD_DEADLINE_MS,
            output_bytes: limits::WORKLOAD_OUTPUT_BYTES,
        },
        ..scorer()
    }
}
