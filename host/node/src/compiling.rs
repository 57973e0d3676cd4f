//! Which engine compiles a component, and where: a stranger's under the caps of a compile worker, where the node has
//! one; a default one, which is trusted as the binary that holds it, in this process.

use crate::error::Result;
use crate::node::Node;
use crate::releases::refused;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use weft_engine::Inspected;
use weft_engine::inspect::{Kind, inspect};
use weft_model::{Cid, content};

impl Node {
    /// What a component is, and native code of these very bytes.
    ///
    /// # Errors
    /// What is refused, and which cap was reached.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<(Inspected, Vec<u8>)> {
        match inspect(bytes).map_err(refused)?.kind {
            Kind::Policy(_) => self.policies.precompile(bytes),
            Kind::Workload => self.workloads()?.precompile(bytes),
        }
        .map_err(refused)
    }

    /// As [`Self::compile`] for a default component.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) fn compile_default(&self, bytes: &[u8]) -> Result<(Inspected, Vec<u8>)> {
        // A process that makes several homes, as the demo does, compiles what it carries once.
        static COMPILED: Mutex<BTreeMap<Cid, (Inspected, Vec<u8>)>> = Mutex::new(BTreeMap::new());
        let cid = content::raw_cid(bytes);
        let known = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = known().get(&cid) {
            return Ok(compiled.clone());
        }
        let compiled = match inspect(bytes).map_err(refused)?.kind {
            Kind::Policy(_) => self.policies.precompile_here(bytes),
            Kind::Workload => self.workloads()?.precompile_here(bytes),
        }
        .map_err(refused)?;
        known().insert(cid, compiled.clone());
        Ok(compiled)
    }
}
