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

/// What a component is, and its native code; none where it is compiled later.
pub(crate) type Compiled = (Inspected, Option<Vec<u8>>);

impl Node {
    /// What a component is, and native code of these very bytes.
    ///
    /// # Errors
    /// What is refused, and which cap was reached.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Compiled> {
        let (inspected, code) = match inspect(bytes).map_err(refused)?.kind {
            Kind::Policy(_) => self.policies.precompile(bytes),
            Kind::Workload(_) => self.workloads()?.precompile(bytes),
        }
        .map_err(refused)?;
        Ok((inspected, Some(code)))
    }

    /// As [`Self::compile`] for a default component. One that computes with a model is compiled with it, when it is first
    /// used.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) fn compile_default(&self, bytes: &[u8]) -> Result<Compiled> {
        // A process that makes several homes, as the demo does, compiles what it carries once.
        static COMPILED: Mutex<BTreeMap<Cid, Compiled>> = Mutex::new(BTreeMap::new());
        let cid = content::raw_cid(bytes);
        let known = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = known().get(&cid) {
            return Ok(compiled.clone());
        }
        let inspected = inspect(bytes).map_err(refused)?;
        let code = match inspected.kind {
            Kind::Workload(world) if world.has_model() => None,
            Kind::Policy(_) => Some(self.policies.precompile_here(bytes)),
            Kind::Workload(_) => Some(self.workloads()?.precompile_here(bytes)),
        };
        let code = code.transpose().map_err(refused)?.map(|(_, code)| code);
        let compiled = (inspected, code);
        known().insert(cid, compiled.clone());
        Ok(compiled)
    }
}
