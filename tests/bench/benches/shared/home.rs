//! A home for benchmarks that need a node.

use std::path::Path;
use std::sync::Arc;
use weft_node::{Bundle, BundleComponent, InitOptions, Node, OpenOptions, SystemClock};

/// A fresh home, opened.
pub fn node(home: &Path) -> Arc<Node> {
    let component = |c: &weft_bundle::Component| BundleComponent {
        name: c.name,
        bytes: c.bytes,
    };
    let bundle = Bundle {
        components: weft_bundle::COMPONENTS.iter().map(component).collect(),
        models: Vec::new(),
    };
    let clock = Arc::new(SystemClock);
    Node::init(&InitOptions {
        home: home.to_owned(),
        owner: Some("alice@example.com".into()),
        bundle: bundle.clone(),
        clock: clock.clone(),
        compile_worker: None,
    })
    .unwrap_or_else(|e| panic!("no home: {e}"));
    Node::open(&OpenOptions {
        home: home.to_owned(),
        bundle,
        clock,
        compile_worker: None,
    })
    .unwrap_or_else(|e| panic!("the home does not open: {e}"))
}
